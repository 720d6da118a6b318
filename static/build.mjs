// Builds static/src into static/dist: minified, with a hash of the content in each name, and a
// manifest from the plain name to that one. The output depends on the sources and esbuild alone.
import { build } from "esbuild";
import { rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const entries = ["console.css", "console.ts", "icon.svg"];

await rm(dist, { recursive: true, force: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: entries.map((name) => join("src", name)),
  entryNames: "[name]-[hash]",
  outdir: "dist",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome111", "firefox113", "safari16.4"],
  charset: "utf8",
  loader: { ".svg": "copy" },
  metafile: true,
  logLevel: "warning",
});

const manifest = {};
for (const [output, { entryPoint, inputs }] of Object.entries(result.metafile.outputs)) {
  const source = entryPoint ?? Object.keys(inputs)[0];
  manifest[basename(source).replace(/\.ts$/, ".js")] = basename(output);
}
const sorted = Object.fromEntries(Object.entries(manifest).sort());
await writeFile(join(dist, "manifest.json"), JSON.stringify(sorted, null, 2) + "\n");
