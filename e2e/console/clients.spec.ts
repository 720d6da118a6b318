// Who listens, live: page P6. Clients are long polls and Nacos' own SDK for Go.
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { accessible, configPath, expect, measured, Server, testOn } from "./fixture.ts";
import { Polls, SDK } from "./listeners.ts";

const server = new Server();
const test = testOn(server);
const key = { group: "orders", dataId: "listened.yaml" };
const rows = "#live tbody tr";
let sdks: SDK[] = [];
let missing: string | undefined;

test.beforeAll(() => {
  test.setTimeout(180_000);
  missing = SDK.unavailable();
  if (!missing) return;
  const said = `SKIPPED browser tests with Nacos' SDK: ${missing}`;
  console.log(`  ${said}`);
  appendFileSync(join(import.meta.dirname, "../../.cache/e2e-skipped.txt"), `${said.split("\n")[0]}\n`);
});
test.afterAll(async () => {
  await Promise.all(sdks.map((s) => s.stop()));
});

/** Starts clients, in processes of five at the most: in each the SDK reads one configuration five times a second, no more. */
async function sdk(clients: number, app: string): Promise<SDK> {
  const one = await SDK.start(server, key, Math.min(clients, 5), app);
  sdks.push(one);
  return clients > 5 ? sdk(clients - 5, app) : one;
}

test("nobody listens: the page says what makes a client appear", async ({ page }) => {
  await server.publish(key, "a: 1\n", { type: "yaml" });
  await page.goto(configPath(key, "clients"));
  await expect(page.locator(".empty")).toContainText("Nobody listens for this configuration");
  await accessible(page);
  await page.goto("/console/clients");
  await expect(page.locator(".empty")).toContainText("No client is connected");
});

test("fifty that listen turn green after a publish, without a reload; who is stopped is behind, with for how long", async ({ page }) => {
  test.skip(!!missing, missing);
  test.setTimeout(120_000);
  const polls = new Polls(server, key, 35);
  await sdk(13, "orders-svc");
  const frozen = await sdk(2, "pay-svc");
  await page.goto(configPath(key, "clients"));
  await expect(page.locator(rows)).toHaveCount(50, { timeout: 20_000 });
  await expect(page.locator(".sync-count")).toContainText("All 50 in sync", { timeout: 20_000 });
  await expect(page.locator(rows).filter({ hasText: "orders-svc" })).toHaveCount(13);
  await expect(page.locator(rows).filter({ hasText: "Nacos-Go-Client" })).toHaveCount(15);

  frozen.freeze(true);
  const from = Date.now();
  const revision = await server.publish(key, "a: 2\n", { type: "yaml" });
  await page.goto(configPath(key, "clients", { published: String(revision) }));
  await expect(page.locator(".sync-count")).toContainText("48 of 50 in sync", { timeout: 30_000 });
  measured("from the publish to 48 of 50 in sync on screen", Date.now() - from, 1_000);
  const behind = page.locator(rows).filter({ hasText: "pay-svc" }).first();
  await expect(behind).toContainText(/behind for \d+ s/);
  const seconds = async () => Number(/behind for (\d+) s/.exec((await behind.textContent()) ?? "")?.[1]);
  const first = await seconds();
  await expect.poll(seconds, { timeout: 10_000 }).toBeGreaterThan(first);
  await expect(page.locator("progress")).toHaveAttribute("value", "48");
  await accessible(page);
  await page.getByRole("combobox").first().selectOption({ label: "Not in sync" });
  await expect(page.locator(rows)).toHaveCount(2);
  await expect(page).toHaveURL(/state=/);
  await page.getByRole("button", { name: /Push again to 2 behind/ }).click();
  await expect(page.locator("#toasts")).toContainText("told again");

  frozen.freeze(false);
  const back = Date.now();
  await page.goto(configPath(key, "clients", { published: String(revision) }));
  await expect(page.locator(".sync-count")).toContainText("All 50 in sync after", { timeout: 20_000 });
  measured("from going on to all in sync on screen", Date.now() - back, 5_000);
  await polls.stop();
});

test("fourteen clients of the SDK reach 14 of 14 as one watches", async ({ page }) => {
  test.skip(!!missing, missing);
  await Promise.all(sdks.splice(0).map((s) => s.stop()));
  await sdk(14, "orders-svc");
  await page.goto(configPath(key, "clients"));
  await expect(page.locator(".sync-count")).toContainText("All 14 in sync", { timeout: 20_000 });
  await page.goto(configPath(key, "edit"));
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText("a: 3\n");
  await page.getByRole("button", { name: "Review and publish" }).click();
  const from = Date.now();
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page.locator(".sync-count")).toContainText("All 14 in sync after", { timeout: 30_000 });
  measured("from the click on Publish to 14 of 14 in sync on screen", Date.now() - from, 1_000);
});

test("a client's page says who it is and all that it listens for; the list is filtered and saved", async ({ page }) => {
  const polls = new Polls(server, { ns: "public", dataId: "one.txt" }, 3, { "Client-AppName": "filtered-app" });
  await server.publish("one.txt", "1");
  await page.goto("/console/clients");
  await page.getByRole("searchbox").fill("filtered-app");
  await expect(page.locator(rows)).toHaveCount(3);
  await expect(page).toHaveURL(/text=filtered-app/);
  await accessible(page);
  await page.locator(rows).first().getByRole("link").first().click();
  await expect(page).toHaveURL(/console\/client\?id=/);
  await expect(page.getByRole("row").filter({ hasText: "one.txt" })).toContainText("in sync");
  await expect(page.locator("main")).toContainText("filtered-app");
  await accessible(page);
  await page.goto(configPath("one.txt", "clients"));
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "CSV" }).click();
  const csv = readFileSync(await (await downloading).path(), "utf8");
  expect(csv.trim().split("\n")).toHaveLength(4);
  expect(csv).toContain("filtered-app");
  await page.goto(configPath("one.txt"));
  await expect(page.locator(".config-sync")).toContainText("3 of 3 in sync");
  await polls.stop();
});

test("a client that is gone is said to be", async ({ page, watch }) => {
  watch.allow(/404/);
  await page.goto("/console/client?id=1700000000_127.0.0.1_1");
  await expect(page.locator("main")).toContainText(/not connected/i);
});
