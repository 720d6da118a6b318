// Builds static/src into static/dist: minified, with a hash of the content in each name, a manifest
// from the plain name to that one, and the licences of what is included. What only some pages need
// (editor, charts) is a file of its own that console.js imports when it is needed. The output depends
// on the sources and node modules alone.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const entries = ["console.css", "console.ts", "chart.ts", "edit.ts", "editor.ts", "feed.ts", "highlight.ts", "icon.svg"];

await rm(dist, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: entries.map((name) => join("src", name)),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  outdir: "dist",
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: ["chrome123", "firefox120", "safari17.5"],
  charset: "utf8",
  legalComments: "none", // licenses.txt has all of them
  loader: { ".svg": "copy" },
  metafile: true,
  logLevel: "warning",
});

const manifest = { "licenses.txt": await writeLicenses(Object.keys(metafile.inputs)) };
for (const [output, { entryPoint, inputs }] of Object.entries(metafile.outputs)) {
  const source = basename(entryPoint ?? Object.keys(inputs)[0]);
  if (entries.includes(source)) manifest[source.replace(/\.ts$/, ".js")] = basename(output);
}
const sorted = Object.fromEntries(Object.entries(manifest).sort());
await writeFile(join(dist, "manifest.json"), JSON.stringify(sorted, null, 2) + "\n");

/** Writes the licences of the packages that the inputs belong to, and returns the file's name. */
async function writeLicenses(inputs) {
  const folders = new Set(inputs.map((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]).filter(Boolean));
  let text = "The console includes these packages.\n";
  for (const folder of [...folders].sort()) {
    const { name, version } = JSON.parse(await readFile(join(here, folder, "package.json"), "utf8"));
    const license = (await readdir(join(here, folder))).find((file) => /^licen[cs]e/i.test(file));
    if (!license) throw new Error(`${name} has no file with its license`);
    text += `\n--- ${name} ${version}\n\n${(await readFile(join(here, folder, license), "utf8")).trim()}\n`;
  }
  const name = `licenses-${createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase()}.txt`;
  await writeFile(join(dist, name), text);
  return name;
}
