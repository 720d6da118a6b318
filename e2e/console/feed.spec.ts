// The live feed: page P9.
import type { Page, WebSocketRoute } from "@playwright/test";
import { accessible, expect, measured, Server, testOn } from "./fixture.ts";
import { pause } from "./server.ts";

const server = new Server();
const test = testOn(server);
const rows = (page: Page) => page.locator("[data-rows] > li.feed-row");
const live = (page: Page) => expect(page.locator("[data-state]")).toHaveText("Live");

/** Publishes count configurations at once. */
let made = 0;
async function publish(count: number, ns = "public", group = "g"): Promise<void> {
  const from = made;
  made += count;
  await server.seed(ns, count, (i) => ({ group, dataId: `c-${from + i}`, content: "x" }));
}

/** The numbers of the rows, the newest first. */
const numbers = (page: Page) => rows(page).evaluateAll((list) => list.map((row) => Number((row as HTMLElement).dataset.seq)));
/** Heap in bytes after everything that is not used was collected. */
async function heap(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = (await session.send("Runtime.getHeapUsage")) as { usedSize: number };
  await session.detach();
  return usedSize;
}

/** Lets the socket of a page be cut off, and says which addresses it asked for. */
async function cuttable(page: Page) {
  const state = { offline: false, asked: [] as string[], open: new Set<WebSocketRoute>() };
  await page.routeWebSocket(/\/ws\/feed/, (socket) => {
    state.asked.push(socket.url());
    if (state.offline) return void socket.close({ code: 1001 });
    state.open.add(socket);
    socket.connectToServer();
  });
  return {
    ...state,
    get asked() {
      return state.asked;
    },
    async off() {
      state.offline = true;
      for (const socket of state.open) await socket.close({ code: 1001 });
      state.open.clear();
    },
    on() {
      state.offline = false;
    },
  };
}

test("what happens appears as it happens, says who and what, and leads there", async ({ page, watch }) => {
  watch.allow(/404/); // what was deleted
  await page.goto("/console/feed");
  await live(page);
  await server.publish({ group: "orders", dataId: "feed.yaml" }, "a: 1", { operator: "alice" });
  const row = rows(page).first();
  await expect(row).toContainText("alice published feed.yaml");
  await expect(row).toContainText("public / orders");
  await server.publish({ group: "orders", dataId: "feed.yaml" }, "a: 2", { gray: { ips: "10.0.0.1" } });
  await expect(rows(page).first()).toContainText("started the canary beta of feed.yaml");
  await server.addNamespace("told", "Told");
  await expect(rows(page).first()).toContainText("created the namespace");
  await server.remove({ group: "orders", dataId: "feed.yaml" });
  await expect(page.locator("[data-rows]")).toContainText("somebody at 127.0.0.1 deleted feed.yaml");
  await accessible(page);
  await rows(page).filter({ hasText: "alice published" }).getByRole("link").click();
  await expect(page).toHaveURL(/console\/config\?.*dataId=feed.yaml/);
  await page.goBack();
  await live(page);
  await expect(rows(page).filter({ hasText: "alice published" })).toHaveCount(1);
});

test("after being away exactly what was missed is there, none twice", async ({ page }) => {
  const cut = await cuttable(page);
  await page.goto("/console/feed");
  await live(page);
  const before = (await numbers(page))[0]!;
  await cut.off();
  await expect(page.locator("[data-state]")).toContainText("The connection is lost");
  await publish(900);
  await pause(2_500); // nothing is "just now" any more
  cut.on();
  await live(page);
  await expect.poll(async () => (await numbers(page))[0], { timeout: 15_000 }).toBeGreaterThanOrEqual(before + 900);
  const missed = (await numbers(page)).filter((n) => n > before).reverse();
  expect(missed).toEqual(Array.from({ length: missed.length }, (_, i) => before + 1 + i));
  expect(missed.length).toBeGreaterThanOrEqual(900);
  expect(new URL(cut.asked.at(-1)!).searchParams.get("since")).not.toBeNull();
});

test("after a restart of the server it goes on, and says so", async ({ page, watch }) => {
  watch.allow(/ERR_CONNECTION_REFUSED/, /WebSocket connection/, /50\d/);
  await page.goto("/console/feed");
  await live(page);
  await server.restart("SIGTERM", async () => {
    await expect(page.locator("[data-state]")).toContainText("The connection is lost");
  });
  await expect(page.locator("[data-state]")).toHaveText("Live", { timeout: 20_000 });
  await server.publish("after-restart", "x");
  await expect(rows(page).first()).toContainText("after-restart");
  await expect(page.locator("[data-rows]")).toContainText("The server was started anew");
});

test("a pause counts what waits, keeps the place, and goes on without a gap", async ({ page }) => {
  await page.goto("/console/feed");
  await live(page);
  await publish(60);
  await expect.poll(() => rows(page).count()).toBeGreaterThan(20);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.locator("[data-state]")).toHaveText("Paused");
  await page.evaluate(() => scrollTo(0, 300));
  const [last, count] = [(await numbers(page))[0]!, await rows(page).count()];
  await publish(327);
  await expect(page.locator("#feed [data-new]")).toHaveText("327 new");
  expect(await page.evaluate(() => scrollY)).toBe(300);
  expect(await rows(page).count()).toBe(count);
  await page.locator("#feed [data-new]").click();
  await live(page);
  await expect(page.locator("#feed [data-new]")).toBeHidden();
  await expect.poll(async () => (await numbers(page)).filter((n) => n > last).length).toBe(327);
  const list = await numbers(page);
  expect(new Set(list).size).toBe(list.length);
});

test("filters stand in the address and are the server's", async ({ page }) => {
  const cut = await cuttable(page);
  await server.addNamespace("seen", "Seen");
  await page.goto("/console/feed");
  await page.getByRole("combobox", { name: "Namespace" }).selectOption({ label: "Seen" });
  await expect(page).toHaveURL(/ns=seen/);
  await live(page);
  await expect.poll(() => cut.asked.at(-1)).toMatch(/seen/);
  await server.publish({ ns: "public", dataId: "not-seen" }, "x");
  await server.publish({ ns: "seen", dataId: "was-seen" }, "x");
  await expect(rows(page).first()).toContainText("was-seen");
  await expect(page.locator("[data-rows]")).not.toContainText("not-seen");
  await page.reload();
  await expect(rows(page)).toHaveCount(await rows(page).count());
  await expect(page.locator("[data-rows]")).not.toContainText("not-seen");
  await page.goto("/console/feed?text=nothing-has-this-name");
  await expect(page.locator(".empty")).toContainText("Nothing like that has happened");
});

test("what happens too fast is counted in one row, and the page keeps 1,000 at most", async ({ page }) => {
  await page.goto("/console/feed");
  await live(page);
  await page.getByRole("button", { name: "Clear" }).click();
  await publish(2_000);
  await expect(page.locator("[data-rows]")).toContainText(/[\d,]+ × published/);
  await pause(1_500);
  expect(await rows(page).count()).toBeLessThan(200);
  const seen = await rows(page).evaluateAll((list) => list.reduce((sum, row) => sum + Number((row as HTMLElement).dataset.count ?? 1), 0));
  expect(seen).toBe(2_000);
});

test("a page that nobody sees keeps nothing growing", async ({ page }) => {
  await page.goto("/console/feed");
  await live(page);
  const hide = (hidden: boolean) =>
    page.evaluate((is) => {
      Object.defineProperty(document, "hidden", { value: is, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await hide(true);
  await pause(300);
  const [count, used] = [await rows(page).count(), await heap(page)];
  for (let i = 0; i < 5; i++) await publish(1_000);
  expect(await rows(page).count()).toBe(count);
  const grown = (await heap(page)) - used;
  measured("heap grown by 5,000 events while hidden", grown / 2 ** 20, 20, "MiB");
  expect(grown).toBeLessThan(20 * 2 ** 20);
  await hide(false);
  await live(page);
  await expect.poll(async () => Math.max(...(await numbers(page)))).toBeGreaterThan(5_000);
  expect(await rows(page).count()).toBeLessThanOrEqual(1_000);
});

test("soak, shortened: 20 events a second for 20 seconds", async ({ page }) => {
  await page.goto("/console/feed");
  await live(page);
  await publish(1_000); // the page is as full as it gets
  await pause(1_500);
  const used = await heap(page);
  for (let i = 0; i < 20; i++) {
    const next = pause(1_000);
    await publish(20);
    await next;
  }
  const grown = (await heap(page)) - used;
  measured("heap grown by 20 s of 20 events a second", grown / 2 ** 20, 30, "MiB");
  expect(grown).toBeLessThan(30 * 2 ** 20);
});

test("the feed of a session that has ended ends, too", async ({ browser, watch }) => {
  watch.allow(/401/, /403/);
  const context = await browser.newContext({ baseURL: server.url, storageState: await server.signIn() });
  const page = await context.newPage();
  await page.goto("/console/feed");
  await live(page);
  await page.request.post("/console/logout", { headers: { "X-CSRF-Token": (await page.locator("meta[name=csrf]").getAttribute("content"))! } });
  await server.publish("secret-after-logout", "x");
  await expect(page.locator("[data-state]")).toContainText("You are signed out");
  await expect(page.locator("[data-rows]")).not.toContainText("secret-after-logout");
  await context.close();
});
