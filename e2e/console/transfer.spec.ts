// Import and export.
import { readFileSync, writeFileSync } from "node:fs";
import { accessible, expect, hard, Server, testOn } from "./fixture.ts";

const server = new Server();
const test = testOn(server);
test.describe.configure({ mode: "serial" });
let zip = "";

test("what is exported is a ZIP that Nacos reads", async ({ page }, info) => {
  await server.publish({ group: "orders", dataId: "a.yaml" }, "a: 1\n", { type: "yaml", desc: hard.chinese, tags: ["one"] });
  await server.publish({ group: "orders", dataId: "b.yaml" }, "b: 1\n", { type: "yaml" });
  await server.publish({ group: "pay", dataId: "c.properties" }, "c=1\n", { type: "properties" });
  await page.goto("/console/transfer");
  await accessible(page);
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export as ZIP" }).click();
  zip = info.outputPath("export.zip");
  writeFileSync(zip, readFileSync(await (await downloading).path()));
  const text = readFileSync(zip).toString("latin1");
  expect(text).toContain("orders/a.yaml");
  expect(text).toContain("pay/c.properties");
  await page.getByLabel("Group").fill("pay");
  const some = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export as ZIP" }).click();
  const part = readFileSync(await (await some).path()).toString("latin1");
  expect(part).toContain("pay/c.properties");
  expect(part).not.toContain("orders/a.yaml");
});

test("a dry run says what is new, the same, different; then it is done as chosen", async ({ page }) => {
  await server.publish({ group: "orders", dataId: "a.yaml" }, "a: changed here\n", { type: "yaml" });
  await server.remove({ group: "pay", dataId: "c.properties" });
  await page.goto("/console/transfer");
  await page.getByLabel("ZIP file").setInputFiles(zip);
  await page.getByRole("button", { name: "See what would change" }).click();
  for (const [label, count] of [["New", "1"], ["Same", "1"], ["Different", "1"]] as const) {
    await expect(page.locator(".figure").filter({ hasText: label }).locator(".figure-value"), label).toHaveText(count);
  }
  await expect(page.getByRole("row").filter({ hasText: "a.yaml" })).toContainText("Different");
  await expect(page.getByRole("row").filter({ hasText: "c.properties" })).toContainText("New");
  expect(await server.content({ group: "pay", dataId: "c.properties" })).toBeUndefined(); // nothing was done yet
  await accessible(page);
  await page.getByRole("radio", { name: /Keep what is there/ }).check();
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Import is done");
  expect(await server.content({ group: "pay", dataId: "c.properties" })).toBe("c=1\n");
  expect(await server.content({ group: "orders", dataId: "a.yaml" })).toBe("a: changed here\n");

  await page.goto("/console/transfer");
  await page.getByLabel("ZIP file").setInputFiles(zip);
  await page.getByRole("button", { name: "See what would change" }).click();
  await page.getByRole("radio", { name: /Replace it/ }).check();
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Import is done");
  expect(await server.content({ group: "orders", dataId: "a.yaml" })).toBe("a: 1\n");

  await page.goto("/console/transfer");
  await page.getByLabel("ZIP file").setInputFiles(zip);
  await page.getByRole("button", { name: "See what would change" }).click();
  await expect(page.locator("main")).toContainText("There is nothing to import"); // a second run changes nothing
});

test("what is no ZIP with configurations is refused in words", async ({ page, watch }) => {
  watch.allow(/400/, /413/, /404/, /410/);
  for (const [name, buffer] of [
    ["not.zip", Buffer.from("this is no ZIP")],
    ["cut.zip", readFileSync(zip).subarray(0, 200)],
    ["empty.zip", Buffer.from("504b0506000000000000000000000000000000000000", "hex")],
  ] as const) {
    await page.goto("/console/transfer");
    await page.getByLabel("ZIP file").setInputFiles({ name, mimeType: "application/zip", buffer });
    await page.getByRole("button", { name: "See what would change" }).click();
    await expect(page.getByRole("alert"), name).toContainText(/not a ZIP|damaged|no configuration/);
  }
  await accessible(page);
});
