// The first page and the cluster: P1 and P12.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page } from "@playwright/test";
import { accessible, expect, Server, testOn } from "./fixture.ts";
import { Polls } from "./listeners.ts";

const server = new Server();
const test = testOn(server);
interface Status {
  version: string;
  counts: { configs: number; namespaces: number };
  node: { name: string; journal: { appliedIndex: number } };
}
const figure = (page: Page, name: string) => page.locator(".figure").filter({ has: page.getByText(name, { exact: true }) }).locator(".figure-value");

test("an empty server teaches commands that work", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Publish your first configuration" })).toBeVisible();
  await accessible(page);
  for (const [step, answer] of [["Publish", "true"], ["Read", "greeting=hello"]] as const) {
    await page.getByRole("button", { name: `Copy: ${step}` }).click();
    const { stdout } = await promisify(execFile)("sh", ["-c", await page.evaluate(() => navigator.clipboard.readText())]);
    expect(stdout).toBe(answer);
  }
  await page.goto("/");
  await expect(page.getByRole("row").filter({ hasText: "greeting" }).or(page.locator("tbody tr")).first()).toBeVisible();
});

test("the figures are those of the API, and change while one looks", async ({ page }) => {
  await page.goto("/");
  const status = await server.api<Status>("GET", "/status");
  await expect(figure(page, "Configurations")).toHaveText(String(status.counts.configs));
  await expect(figure(page, "Namespaces")).toHaveText(String(status.counts.namespaces));
  await server.publish("another.yaml", "a: 1", { operator: "alice" });
  await expect(figure(page, "Configurations")).toHaveText(String(status.counts.configs + 1), { timeout: 8_000 });
  await expect(page.getByRole("row").filter({ hasText: "another.yaml" })).toContainText("alice");
  const polls = new Polls(server, { dataId: "another.yaml" }, 3);
  await expect(figure(page, "Connected clients")).toHaveText("3", { timeout: 8_000 });
  await expect(page.locator(".state")).toContainText("3 clients, 0 behind");
  await polls.stop();
  await page.getByRole("row").filter({ hasText: "another.yaml" }).getByRole("link").click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("another.yaml");
});

test("charts are drawn, have a table, and their range stands in the address", async ({ page }) => {
  await page.goto("/");
  await expect(page.locator("figure[data-chart]").first().locator("canvas")).toBeVisible({ timeout: 15_000 }); // the first sample comes after 5 s
  expect(await page.locator("figure[data-chart]").count()).toBeGreaterThanOrEqual(6);
  await expect(page.locator(".chart-legend output").first()).not.toBeEmpty({ timeout: 12_000 });
  const first = page.locator("figure[data-chart]").first();
  await first.getByText("As a table").click();
  await expect(first.locator("table tbody tr").first()).toBeVisible();
  await expect(first.locator("table thead th")).not.toHaveCount(1);
  await accessible(page);
  await page.getByRole("link", { name: "24 hours", exact: true }).click();
  await expect(page).toHaveURL(/range=24h/);
  await expect(page.getByRole("link", { name: "24 hours", exact: true })).toHaveAttribute("aria-current");
});

test("the cluster page tells what the node is and what one node can't tolerate", async ({ page }) => {
  await page.goto("/console/cluster");
  const status = await server.api<Status>("GET", "/status");
  const card = page.locator("#nodes section").first();
  await expect(card).toContainText(status.node.name);
  await expect(card).toContainText(status.version);
  await expect(card).toContainText("leader");
  await expect(card).toContainText("this node");
  await expect(page.locator("main")).toContainText("This server runs alone");
  for (const fact of ["Term", "Committed index", "Applied index", "Index in the database", "Running for", "Sync to disk", "Disk", "Memory", "Snapshot"]) {
    await expect(card, fact).toContainText(fact);
  }
  const applied = async () => Number(/Applied index\s*([\d,]+)/.exec((await card.textContent()) ?? "")?.[1]?.replaceAll(",", ""));
  const before = await applied();
  expect(before).toBeGreaterThanOrEqual(status.node.journal.appliedIndex);
  await server.publish("moves.txt", "x");
  await expect.poll(applied, { timeout: 8_000 }).toBeGreaterThan(before);
  await accessible(page);
});

test("a server that stands still is said to within 12 s, and that it is back", async ({ page, watch }) => {
  watch.allow(/ERR_|Failed to load|timed out|signal/);
  await page.goto("/console/cluster");
  server.freeze(true);
  await expect(page.locator("#connection")).toContainText("The server does not answer", { timeout: 12_000 });
  server.freeze(false);
  await expect(page.locator("#connection")).toContainText("The server is back", { timeout: 12_000 });
});
