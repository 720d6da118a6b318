// Whole ways through the console: without script, by keyboard alone, over a slow line, with a wrong clock, while the server is away.
import type { Page } from "@playwright/test";
import { configPath, expect, measured, Server, testOn, within } from "./fixture.ts";
import { password, pause, user } from "./server.ts";

const server = new Server();
const test = testOn(server);
const nobody = { cookies: [], origins: [] };
const text = (page: Page) => page.locator(".cm-content");

test("without script: login, list, search, view, edit, publish, history, restore, delete, undo, feed, sign out", async ({ browser, watch }) => {
  watch.allow(/400/);
  await server.publish("plain.yaml", "a: 1\nb: 2\n", { type: "yaml" });
  await server.addNamespace("dev", "Development");
  await within(browser, watch, server, { javaScriptEnabled: false, storageState: nobody }, async (page) => {
    await page.goto("/console/configs");
    await page.getByLabel("User name").fill(user);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL(/console\/configs/);
    await page.getByRole("searchbox", { name: "Search configurations" }).fill("plain");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("link", { name: "plain.yaml" }).click();
    await expect(page.locator("#text")).toContainText("a: 1");
    await expect(page.getByRole("button", { name: "Copy" })).toHaveCount(0); // what needs script is not there
    await page.getByRole("link", { name: "Edit" }).click();
    await expect(page.locator("textarea[name=content]")).toHaveValue("a: 1\nb: 2\n");
    await page.locator("textarea[name=content]").fill("a: [1\n");
    await page.getByRole("button", { name: "Review and publish" }).click();
    await expect(page.locator("#problems li.problem-error")).toContainText("Line");
    await page.locator("textarea[name=content]").fill("a: 1\nb: 3\n");
    await page.getByRole("button", { name: "Review and publish" }).click();
    await expect(page.locator(".diff tr.add")).toContainText("b: 3");
    await page.getByLabel("Comment").fill("by hand");
    await page.getByRole("button", { name: "Publish", exact: true }).click();
    await expect(page.locator("#toasts")).toContainText("Published plain.yaml");
    expect(await server.content("plain.yaml")).toBe("a: 1\nb: 3\n");
    await page.getByRole("link", { name: "History" }).click();
    await expect(page.locator(".timeline-row")).toHaveCount(2);
    await page.getByRole("button", { name: "Compare the chosen two" }).click();
    await expect(page.locator(".diff tr.del")).toHaveCount(1);
    await page.goBack();
    await page.getByRole("link", { name: /^Restore: / }).click();
    await page.getByRole("button", { name: "Publish this content again" }).click();
    expect(await server.content("plain.yaml")).toBe("a: 1\nb: 2\n");
    await page.goto(configPath("plain.yaml"));
    await page.locator("details.sure summary").click();
    await page.locator("details.sure[open]").getByRole("button", { name: "Delete" }).click();
    await expect(page.locator("#toasts")).toContainText("Deleted plain.yaml");
    expect(await server.content("plain.yaml")).toBeUndefined();
    await page.locator("#toasts button").first().click();
    expect(await server.content("plain.yaml")).toBe("a: 1\nb: 2\n");
    await page.goto("/console/feed");
    await expect(page.locator("[data-rows]")).toContainText("plain.yaml");
    await page.locator(".switcher summary").click();
    await page.locator("#namespace-list").getByRole("link", { name: "Development" }).click();
    await expect(page).toHaveURL(/ns=dev/);
    await page.locator(".account summary").click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.locator("main")).toContainText("You are signed out");
  });
});

test("by keyboard alone: twelve tasks, each answered at once", async ({ browser, watch }) => {
  test.setTimeout(90_000);
  await server.publish({ group: "keys", dataId: "keyboard.yaml" }, "a: 1\n", { type: "yaml" });
  await server.addNamespace("keys", "Keyboard team");
  await within(browser, watch, server, { storageState: nobody }, async (page) => {
    await page.addInitScript(() => {
      const slow = Number(sessionStorage.getItem("slow") ?? 0);
      let most = slow;
      new PerformanceObserver((list) => {
        for (const e of list.getEntries()) if ((e as PerformanceEventTiming).interactionId) most = Math.max(most, e.duration);
        sessionStorage.setItem("slow", String(most));
      }).observe({ type: "event", durationThreshold: 16, buffered: true } as PerformanceObserverInit);
    });
    const press = (...keys: string[]) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    const tabTo = async (name: RegExp) => {
      for (let i = 0; i < 80; i++) {
        const at = await page.evaluate(() => {
          const e = document.activeElement as HTMLElement | null;
          return e ? `${e.getAttribute("aria-label") ?? ""} ${(e as HTMLInputElement).labels?.[0]?.textContent ?? ""} ${e.textContent ?? ""}`.trim() : "";
        });
        if (name.test(at)) return;
        await page.keyboard.press("Tab");
      }
      throw new Error(`the focus does not come to ${name}`);
    };
    // 1 sign in
    await page.goto("/");
    await page.keyboard.type(user);
    await press("Tab");
    await page.keyboard.type(password);
    await press("Enter");
    await expect(page.locator(".account")).toContainText(user);
    // 2 skip to the content
    await press("Tab");
    await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
    await press("Enter");
    await expect(page.locator("main")).toBeFocused();
    // 3 go to the list, 4 search, 5 open
    await press("g", "c");
    await expect(page).toHaveURL(/configs/);
    await press("/");
    await page.keyboard.type("keyboard.yaml");
    await expect(page.locator("#found-count")).toContainText("1 found");
    await tabTo(/^keyboard\.yaml/);
    await press("Enter");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("keyboard.yaml");
    // 6 edit and leave the editor, 7 review and publish
    await press("e");
    await expect(page).toHaveURL(/edit/);
    await expect(text(page)).toBeVisible();
    await text(page).focus();
    await press("Control+End");
    await page.keyboard.type("b: 2\n");
    await press("Escape", "Tab");
    await expect(text(page)).not.toBeFocused();
    await tabTo(/^Review and publish/);
    await press("Enter");
    await expect(page).toHaveURL(/review/);
    await tabTo(/^Comment/);
    await page.keyboard.type("by keyboard");
    await press("Tab", "Enter");
    await expect(page).toHaveURL(/published=/);
    expect(await server.content({ group: "keys", dataId: "keyboard.yaml" })).toBe("a: 1\nb: 2\n");
    // 8 history and compare, 9 restore
    await press("h");
    await expect(page).toHaveURL(/history/);
    await tabTo(/^Compare the chosen two/);
    await press("Enter");
    await expect(page.locator(".diff tr.add")).toHaveCount(1);
    await press("h");
    await expect(page.locator(".timeline-row")).toHaveCount(2);
    await tabTo(/^Restore: /);
    await press("Enter");
    await expect(page).toHaveURL(/restore/);
    await tabTo(/^Publish this content again/);
    await press("Enter");
    await expect(page.locator("#toasts")).toContainText("Restored");
    expect(await server.content({ group: "keys", dataId: "keyboard.yaml" })).toBe("a: 1\n");
    // 10 delete and undo
    await page.goto(configPath({ group: "keys", dataId: "keyboard.yaml" }));
    await tabTo(/^Delete$/);
    await press("Enter");
    await tabTo(/^Delete$/);
    if (await page.evaluate(() => document.activeElement?.tagName === "SUMMARY")) {
      await press("Tab");
      await tabTo(/^Delete$/);
    }
    await press("Enter");
    await expect(page.locator("#toasts")).toContainText("Deleted keyboard.yaml");
    await page.locator("#toasts button").first().focus();
    await press("Enter");
    await expect(page.locator("#toasts")).toContainText("is back");
    // 11 another namespace
    await press("Alt+n");
    await page.keyboard.type("keyboard team");
    await press("Enter");
    await expect(page).toHaveURL(/ns=keys/);
    // 12 the theme by the palette, and out
    await press("Control+k");
    await page.keyboard.type("dark");
    await expect(page.getByRole("option", { name: /Search names and contents/ })).toBeVisible(); // the server has answered
    while ((await page.getByRole("option", { selected: true }).textContent()) !== "Theme: Dark") await press("ArrowDown");
    await press("Enter");
    await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
    await tabTo(new RegExp(`^${user}`));
    await press("Enter");
    await tabTo(/^Sign out/);
    measured("the slowest interaction of the keyboard's journey", Number(await page.evaluate(() => sessionStorage.getItem("slow"))), 200);
    await press("Enter");
    await expect(page.locator("main")).toContainText("You are signed out");
  });
});

test("the server is restarted while one types: a banner, then all goes on, and the draft is there", async ({ page, watch }) => {
  watch.allow(/ERR_|Failed to load|50\d|signal|aborted/);
  await server.publish("restart.yaml", "a: 1\n", { type: "yaml" });
  await page.goto(configPath("restart.yaml", "edit"));
  await text(page).click();
  await page.keyboard.press("Control+End");
  await server.restart("SIGKILL", async () => {
    await page.keyboard.type("typed: while away\n");
    await expect(page.locator("#connection")).toContainText("The server does not answer", { timeout: 10_000 });
    await expect(page.locator("[data-draft-state]")).toContainText("could not be saved", { timeout: 10_000 });
  });
  await expect(page.locator("#connection")).toContainText("The server is back", { timeout: 10_000 });
  await expect(page.locator("[data-draft-state]")).toHaveText("Draft saved", { timeout: 40_000 });
  await page.reload();
  await expect(text(page)).toContainText("typed: while away"); // and nobody was logged out
});

test("a session that ends while one types costs nothing that was typed", async ({ browser, watch }) => {
  watch.allow(/401/);
  await server.publish("ended.yaml", "a: 1\n", { type: "yaml" });
  await within(browser, watch, server, { storageState: await server.signIn() }, async (page) => {
    await page.goto(configPath("ended.yaml", "edit"));
    await text(page).click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("b: 2\n");
    await expect(page.locator("[data-draft-state]")).toHaveText("Draft saved");
    await page.context().clearCookies();
    await page.keyboard.type("c: 3\n");
    await page.getByRole("button", { name: "Review and publish" }).click();
    await page.getByLabel("User name").fill(user);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.locator("main")).toContainText("c: 3");
  });
});

test("a slow line: pages come, a form is sent once, and says that it is busy", async ({ page }) => {
  test.setTimeout(120_000);
  await server.publish("slow.yaml", "a: 1\n", { type: "yaml" });
  const client = await page.context().newCDPSession(page);
  await client.send("Network.enable");
  await client.send("Network.emulateNetworkConditions", { offline: false, latency: 400, downloadThroughput: 50 * 1024, uploadThroughput: 50 * 1024 });
  const from = Date.now();
  await page.goto("/console/configs", { waitUntil: "domcontentloaded" });
  measured("list at 400 ms and 50 KB/s, without anything kept", Date.now() - from, 5_000);
  await page.goto(configPath("slow.yaml", "edit"), { waitUntil: "domcontentloaded" });
  await expect(text(page)).toBeVisible({ timeout: 30_000 });
  await text(page).click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("b: 2\n");
  await page.getByRole("button", { name: "Review and publish" }).click();
  await expect(page).toHaveURL(/review/, { timeout: 15_000 });
  let sent = 0;
  page.on("request", (r) => r.url().endsWith("/config/publish") && r.method() === "POST" && sent++);
  const button = page.getByRole("button", { name: "Publish", exact: true });
  await page.waitForLoadState("load");
  const busy = await button.evaluate((b: HTMLButtonElement) => {
    b.click();
    b.click();
    return new Promise((done) => setTimeout(() => done(b.getAttribute("aria-busy")), 50));
  });
  expect(busy).toBe("true");
  await expect(page).toHaveURL(/published=/, { timeout: 15_000 });
  expect(sent).toBe(1);
});

test("a viewer's clock that is two days off does not matter", async ({ page }) => {
  await page.addInitScript(() => {
    const off = 2 * 86_400_000;
    const now = Date.now.bind(Date);
    globalThis.Date = class extends Date {
      constructor(...args: unknown[]) {
        super(...((args.length ? args : [now() + off]) as [number]));
      }
      static override now(): number {
        return now() + off;
      }
    } as DateConstructor;
  });
  await page.goto("/console/feed");
  await expect(page.locator("[data-state]")).toHaveText("Live");
  await server.publish("clock.yaml", "a: 1");
  const row = page.locator("[data-rows] > li").filter({ hasText: "clock.yaml" }).first();
  await expect(row.locator("time")).toHaveText(/^\d\d:\d\d:\d\d$/); // with a date it would be of another day
  await page.goto("/console/configs?q=clock.yaml");
  await expect(page.locator("table.configs time").first()).toHaveText("just now");
  await page.goto("/");
  await expect(page.locator("main time").first()).toHaveText("just now");
  await expect(page.locator("main time").first()).toHaveAttribute("title", new RegExp(String(new Date().getFullYear())));
});

test("leaving a page and coming back finds filters, place and selection as they were", async ({ page }) => {
  await server.seed("public", 300, (i) => ({ group: "back", dataId: `back-${String(i).padStart(3, "0")}`, content: "x" }));
  await page.goto("/console/configs?q=group:back&page=2");
  await expect(page.locator("table.configs tbody tr")).toHaveCount(100);
  await page.evaluate(() => scrollTo(0, 900));
  await pause(100);
  await page.locator("input[name=row]").nth(20).check();
  const scrolled = await page.evaluate(() => scrollY);
  await page.locator("table.configs tbody tr").nth(22).getByRole("rowheader").getByRole("link").first().click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("back-122");
  await page.goBack();
  await expect(page).toHaveURL(/page=2/);
  await expect.poll(() => page.evaluate(() => scrollY)).toBe(scrolled);
  await expect(page.locator("input[name=row]").nth(20)).toBeChecked();
});
