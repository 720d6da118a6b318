// History, comparing, restoring, what was deleted: page P8.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessible, configPath, expect, hard, Server, testOn } from "./fixture.ts";

const server = new Server();
const test = testOn(server);
const key = { group: "orders", dataId: "history.yaml" };
const revisions: number[] = [];

test.beforeAll(async () => {
  for (let i = 1; i <= 7; i++) {
    revisions.push(
      await server.publish(key, `server:\n  port: ${8000 + i}\n  name: v${i}\n${i > 4 ? "pool: 5\n" : ""}`, {
        type: "yaml",
        operator: i % 2 ? "alice" : "",
        comment: i === 5 ? `${hard.emoji} ${hard.markup}` : "",
      }),
    );
  }
});

test("the time line says what, who, when and why, and never an empty operator", async ({ page }) => {
  await page.goto(configPath(key, "history"));
  const rows = page.locator(".timeline-row");
  await expect(rows).toHaveCount(7);
  await expect(rows.first()).toContainText("live now");
  await expect(rows.first()).toContainText("alice");
  await expect(rows.nth(1)).toContainText("from 127.0.0.1");
  await expect(rows.first()).toContainText("+2 −2");
  await expect(rows.last()).toContainText("Published");
  await expect(rows.nth(2).locator(".timeline-comment")).toHaveText(`${hard.emoji} ${hard.markup}`);
  for (const who of await page.locator(".timeline-row .dotted span:first-child").allTextContents()) expect(who.trim()).not.toBe("");
  await accessible(page);
});

test("any two revisions are compared, side by side too, with what happened to keys", async ({ page }) => {
  await page.goto(configPath(key, "history"));
  await page.getByRole("radio", { name: `Compare from revision ${revisions[2]}` }).check();
  await page.getByRole("radio", { name: `Compare to revision ${revisions[6]}` }).check();
  await page.getByRole("button", { name: "Compare the chosen two" }).click();
  await expect(page.getByRole("heading", { name: "Compare two revisions" })).toBeVisible();
  await expect(page.locator(".diff tr.del")).toHaveCount(2);
  await expect(page.locator(".diff tr.add")).toHaveCount(3);
  await expect(page.locator(".diff mark").first()).toHaveText("8003");
  await expect(page.locator(".key-changes")).toContainText("Keys: 2 changed, 1 added, 0 removed");
  await expect(page.locator(".key-added")).toContainText("pool");
  await page.getByRole("link", { name: "Side by side" }).click();
  await expect(page).toHaveURL(/view=split/);
  await expect(page.locator(".diff.split")).toBeVisible();
  await page.goBack();
  await expect(page.locator(".diff.split")).toHaveCount(0);
  await accessible(page);
});

test("restoring shows first what it changes, and makes a new revision", async ({ page }) => {
  await page.goto(configPath(key, "history"));
  await page.getByRole("link", { name: `Restore: Revision ${revisions[0]}` }).click();
  await expect(page.locator(".diff tr.del")).toHaveCount(3);
  await page.getByLabel("Comment").fill("back to the start");
  await page.getByRole("button", { name: "Publish this content again" }).click();
  await expect(page.locator("#toasts")).toContainText(`Restored the content of revision ${revisions[0]}`);
  expect(await server.content(key)).toContain("port: 8001");
  await page.goto(configPath(key, "history"));
  await expect(page.locator(".timeline-row")).toHaveCount(8);
  await expect(page.locator(".timeline-row").first()).toContainText(`Restored, from revision ${revisions[0]}`);
  await expect(page.locator(".timeline-row").first()).toContainText("back to the start");
});

test("what is deleted is found and comes back with its attributes", async ({ page }) => {
  const gone = { group: "orders", dataId: "gone.properties" };
  await server.publish(gone, "a=1\n", { type: "properties", desc: hard.chinese, tags: ["one", "two"] });
  await server.remove(gone);
  await page.goto("/console/deleted");
  await page.getByRole("searchbox", { name: "Part of group or data ID" }).fill("gone");
  await expect(page).toHaveURL(/q=gone/);
  await expect(page.locator("#deleted tbody tr")).toHaveCount(1);
  await accessible(page);
  await page.getByRole("button", { name: "Restore: gone.properties" }).click();
  await expect(page.locator("#toasts")).toContainText("Restored gone.properties");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("gone.properties");
  await expect(page.locator("main")).toContainText(hard.chinese);
  expect(await server.content(gone)).toBe("a=1\n");
  await page.goto("/console/deleted?q=nothing-like-this");
  await expect(page.locator(".empty")).toContainText("No deleted configuration has this in its name");
});

test("a long history is read page by page", async ({ page }) => {
  const long = { dataId: "long-history" };
  for (let i = 0; i < 70; i++) await server.publish(long, `value ${i}`);
  await page.goto(configPath(long, "history"));
  await expect(page.locator(".timeline-row")).toHaveCount(30);
  await page.getByRole("link", { name: "Older" }).click();
  await page.getByRole("link", { name: "Older" }).click();
  await expect(page.locator(".timeline-row")).toHaveCount(10);
  await page.getByRole("link", { name: "Newest" }).click();
  await expect(page.locator(".timeline-row").first()).toContainText("live now");
});

test("two revisions that differ are shown as diff -u shows them", async ({ page }) => {
  const many = { dataId: "fifty.txt" };
  const at: number[] = [];
  const texts: string[] = [];
  for (let i = 0; i <= 50; i++) {
    const lines = Array.from({ length: 30 }, (_, n) => ((n * 7 + i * 3) % 11 === 0 ? `changed ${i} in ${n}` : `line ${n}`));
    if (i % 5 === 0) lines.splice(i % 30, 2);
    texts.push(`${lines.join("\n")}\n`);
    at.push(await server.publish(many, texts[i]!));
  }
  const folder = mkdtempSync(join(tmpdir(), "nacre-diff-"));
  const count = (text: string, sign: string) => text.split("\n").slice(2).filter((line) => line.startsWith(sign)).length;
  for (let i = 0; i < 50; i++) {
    writeFileSync(`${folder}/a`, texts[i]!);
    writeFileSync(`${folder}/b`, texts[i + 1]!);
    let truth = "";
    try {
      execFileSync("diff", ["-u", "--minimal", `${folder}/a`, `${folder}/b`]);
    } catch (error) {
      truth = String((error as { stdout: Buffer }).stdout); // it ends with 1 when they differ
    }
    const answer = await page.request.get(`/console/config/compare?${new URLSearchParams({ ns: "public", group: "DEFAULT_GROUP", dataId: many.dataId, from: String(at[i]), to: String(at[i + 1]) })}`);
    const html = await answer.text();
    expect([html.match(/<tr class="add"/g)?.length ?? 0, html.match(/<tr class="del"/g)?.length ?? 0], `pair ${i}`).toEqual([count(truth, "+"), count(truth, "-")]);
  }
  rmSync(folder, { recursive: true });
});
