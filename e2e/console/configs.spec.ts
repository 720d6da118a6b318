// The list of configurations and one configuration's page: P2 and P3, on a server that holds 100,000.
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { accessible, configPath, expect, hard, measured, Server, testOn } from "./fixture.ts";

const server = new Server();
const test = testOn(server);
const total = 100_000;
const filler = "# retries, timeouts and addresses of the service, as its team has agreed on them\n".repeat(3);

test.beforeAll(async () => {
  test.setTimeout(180_000);
  const from = Date.now();
  await server.seed("public", total, (i) => ({
    group: `team-${i % 50}`,
    dataId: `service-${String(i).padStart(6, "0")}.${i % 4 ? "yaml" : "properties"}`,
    type: i % 4 ? "yaml" : "properties",
    content: i % 4 ? `server:\n  port: ${i}\n${filler}` : `server.port=${i}\n${filler}`,
  }));
  console.log(`  seeded ${total} configurations in ${Date.now() - from} ms`);
  await server.addNamespace("other", "Other");
  await server.publish({ ns: "other", group: "pay", dataId: "redis.yaml" }, "spring:\n  redis:\n    host: Redis.Example.COM\n    port: 6379\n", { type: "yaml", tags: ["cache", "eu"], desc: "Where sessions are" });
  await server.publish({ group: "pay", dataId: "cjk.yaml" }, `title: ${hard.chinese}\n`, { type: "yaml" });
  await server.publish({ group: "hard", dataId: hard.long }, `${hard.emoji}\n${hard.arabic}\n${hard.markup}\n`, { desc: hard.markup, tags: [hard.arabic.slice(0, 20), "🦪"], appName: hard.emoji });
});

const search = (page: Page) => page.getByRole("searchbox", { name: "Search configurations" });
const rows = (page: Page) => page.locator("table.configs tbody tr");

test("the list is paged at 100, and each row has a name for who can't see it", async ({ page }) => {
  await page.goto("/console/configs");
  await expect(page.locator("#found-count")).toHaveText("Configurations: 100,002");
  await expect(rows(page)).toHaveCount(100);
  await expect(page.getByRole("checkbox", { name: /^Select / })).toHaveCount(101);
  const name = await rows(page).nth(40).getByRole("rowheader").getByRole("link").first().textContent();
  await expect(page.getByRole("checkbox", { name: `Select ${name}` })).toBeVisible();
  await page.getByRole("link", { name: "Next" }).click();
  await expect(page).toHaveURL(/page=2/);
  await expect(page.locator(".pager")).toContainText("101–200 of 100,002");
  await page.goto("/console/configs?page=99999");
  await expect(rows(page)).toHaveCount(2); // the last one there is
});

test("a search over all namespaces finds a key by its path, in any case, as one types", async ({ page }) => {
  await page.goto("/console/configs?all=1");
  await search(page).pressSequentially("SPRING.redis.host");
  await expect(rows(page)).toHaveCount(1);
  const hit = rows(page).locator(".hit").first();
  await expect(hit).toContainText("line 3");
  await expect(hit.locator(".hit-path")).toHaveText("spring.redis.host");
  await expect(rows(page)).toContainText("Other");
  await expect(page).toHaveURL(/q=SPRING\.redis\.host/i);
  await accessible(page);
  const held = new URL(page.url()).search;
  await hit.getByRole("link").click();
  await expect(page).toHaveURL(/#l3$/);
  await expect(page.locator("#l3")).toContainText("Redis.Example.COM");
  await page.goBack();
  expect(new URL(page.url()).search).toBe(held);
  await expect(search(page)).toHaveValue("SPRING.redis.host");
  await expect(rows(page)).toHaveCount(1);
});

test("operators narrow, and what is wrong with a search is said beside it", async ({ page, watch }) => {
  watch.allow(/400/);
  for (const [q, count] of [
    ["key:server.port value:4242 type:properties", "0"],
    ["key:server.port value:4244", "1"],
    ["group:team-7 service-00100", "0"],
    ["team-7 type:properties service-0010", "1"],
    ["ns:other tag:cache", "1"],
    ["type:toml", "0"],
    ["changed:<1d tag:eu", "1"],
    ['"Where sessions"', "1"],
    [hard.chinese.slice(3, 9), "1"],
    ["数据库连接池", "1"],
    ["REDIS.EXAMPLE.com", "1"],
    ["ns:other listener:none", "1"],
    ["ns:other listener:any", "0"],
  ] as const) {
    await page.goto(`/console/configs?${new URLSearchParams({ all: "1", q })}`);
    if (count === "0") await expect(page.locator(".empty, table.configs").first(), q).toBeVisible();
    else await expect(page.locator("#found-count"), q).toHaveText(/^[\d,]+ found among [\d,]+$/);
  }
  await page.goto(`/console/configs?${new URLSearchParams({ q: "changed:yesterday" })}`);
  await expect(page.getByRole("alert")).toContainText("changed");
  await expect(search(page)).toHaveAttribute("aria-invalid", "true");
  await page.goto(`/console/configs?${new URLSearchParams({ q: "redis.example.com" })}`);
  await expect(page.locator(".empty")).toContainText("stands in no name, description, content or key of the namespace public");
  await page.getByRole("link", { name: "Search all namespaces" }).click();
  await expect(rows(page)).toHaveCount(1);
});

test("names that are hard to show are shown, and are only text", async ({ page }) => {
  await page.goto("/console/configs?q=group:hard");
  await expect(rows(page)).toContainText(hard.long);
  await expect(rows(page)).toContainText(hard.markup);
  await rows(page).getByRole("rowheader").getByRole("link").first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(hard.long);
  await expect(page.locator("#text")).toContainText(hard.markup);
  await expect(page.locator("#text")).toContainText(hard.arabic);
  await expect(page.locator("main")).toContainText(hard.emoji);
});

test("budgets on 100,000 configurations", async ({ page }) => {
  const took: number[] = [];
  for (const q of ["", "service-04", "spring.redis.host", "no such thing anywhere", "team-7 type:yaml"]) {
    for (let i = 0; i < 3; i++) {
      const from = performance.now();
      await server.api("GET", `/search?${new URLSearchParams({ q, page: "1", size: "100" })}`);
      took.push(performance.now() - from);
    }
  }
  measured("list query, the slowest of 15 searches", Math.max(...took), 100);
  measured("list query, median", took.sort((a, b) => a - b)[7]!, 100);
  await page.goto("/console/configs");
  await page.reload();
  const painted = () => page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
  await expect.poll(painted).toBeGreaterThan(0);
  measured("first paint of the list", await painted(), 300);
  await search(page).focus();
  const keyed: number[] = [];
  for (const letter of "service-0042") {
    keyed.push(
      await page.evaluate(async (key) => {
        const input = document.querySelector<HTMLInputElement>("#q")!;
        const from = performance.now();
        const shown = new Promise<number>((done) => {
          const see = new MutationObserver(() => {
            see.disconnect();
            requestAnimationFrame(() => done(performance.now() - from));
          });
          see.observe(document.querySelector("main")!, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["href"] });
        });
        input.value += key;
        input.dispatchEvent(new InputEvent("input", { bubbles: true, data: key }));
        return shown;
      }, letter),
    );
  }
  await expect(page.locator("#found-count")).toHaveText("100 found among 100,002");
  measured("keystroke to result, median of 12", keyed.sort((a, b) => a - b)[6]!, 150);
  const script = await page.evaluate(async () => {
    let size = 0;
    for (const entry of performance.getEntriesByType("resource") as PerformanceResourceTiming[]) {
      if (!/\/static\/.*\.(js|css)$/.test(entry.name)) continue;
      const body = await (await fetch(entry.name)).blob();
      const packed = await new Response(body.stream().pipeThrough(new CompressionStream("gzip"))).blob();
      size += packed.size;
    }
    return size;
  });
  measured("script and styles of the list, gzip", script / 1024, 150, "KiB");
  expect(script).toBeLessThanOrEqual(150 * 1024);
});

test("rows are walked and selected by keyboard, opened and left again at the same place", async ({ page }) => {
  await page.goto("/console/configs?q=service-0000");
  await expect(rows(page)).toHaveCount(100);
  for (let i = 0; i < 30; i++) await page.keyboard.press("j");
  await expect(rows(page).nth(29)).toHaveAttribute("data-here", "");
  await page.keyboard.press("k");
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Shift+X");
  await expect(page.locator("input[name=row]:checked")).toHaveCount(3);
  await expect(page.locator("[data-selected]")).toHaveText("3 selected");
  await accessible(page);
  const scrolled = await page.evaluate(() => scrollY);
  const name = await rows(page).nth(30).getByRole("rowheader").getByRole("link").first().textContent();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name!);
  await page.goBack();
  await expect(rows(page)).toHaveCount(100);
  await expect(search(page)).toHaveValue("service-0000");
  await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(scrolled - 200);
});

test("several are exported, cloned and deleted, and one deletion is undone", async ({ page }) => {
  await page.goto("/console/configs?q=service-00011");
  for (let i = 0; i < 3; i++) await rows(page).nth(i).getByRole("checkbox").check();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export as ZIP" }).click();
  const zip = readFileSync(await (await downloading).path());
  expect(zip.subarray(0, 2).toString()).toBe("PK");
  expect(zip.includes("service-000110")).toBe(true);

  await page.getByRole("button", { name: "Clone…" }).click();
  await page.getByLabel("Into the namespace").selectOption({ label: "Other" });
  await page.getByRole("button", { name: "Show what would change" }).click();
  await expect(page.locator(".badge").filter({ hasText: "new" })).toHaveCount(3);
  await page.getByRole("checkbox").last().uncheck();
  await accessible(page);
  await page.getByRole("button", { name: "Clone", exact: true }).click();
  await expect(page.locator("#toasts")).toContainText("Cloned 2 configurations into Other");

  await page.goto("/console/configs?q=service-00011");
  for (let i = 0; i < 3; i++) await rows(page).nth(i).getByRole("checkbox").check();
  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Delete 3 configurations?");
  await accessible(page);
  const typed = page.getByRole("textbox", { name: /Type .* to confirm/ });
  const word = /Type (.+) to confirm/.exec((await page.locator("label").filter({ hasText: "to confirm" }).textContent()) ?? "")?.[1]?.trim() ?? "";
  await typed.fill(word);
  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page.locator("#toasts")).toContainText("Deleted 3 configurations");
  await expect(rows(page)).toHaveCount(7);

  await rows(page).first().getByRole("rowheader").getByRole("link").first().click();
  const name = (await page.getByRole("heading", { level: 1 }).textContent())!;
  await page.locator("details.sure summary").click();
  await page.locator("details.sure[open]").getByRole("button", { name: "Delete" }).click();
  await expect(page.locator("#toasts")).toContainText(`Deleted ${name}`);
  await page.getByRole("button", { name: "Restore" }).or(page.getByRole("button", { name: "Undo" })).first().click();
  await expect(page.locator("#toasts")).toContainText(`${name} is back`);
});

test("each part of a configuration's page has an address and a key", async ({ page }) => {
  const key = { group: "pay", dataId: "cjk.yaml" };
  for (const tab of ["", "clients", "history", "canary", "snippets"]) {
    expect((await page.goto(configPath(key, tab)))?.status(), tab).toBe(200);
    await expect(page.locator(".tabs [aria-current=page]")).toHaveCount(1);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("cjk.yaml");
  }
  await page.goto(configPath(key));
  await page.keyboard.press("h");
  await expect(page).toHaveURL(/config\/history/);
  await page.keyboard.press("l");
  await expect(page).toHaveURL(/config\/clients/);
  await page.keyboard.press("e");
  await expect(page).toHaveURL(/config\/edit/);
});

test("content and MD5 are copied, where the browser forbids it by a selection", async ({ browser, page, context }) => {
  const key = { ns: "other", group: "pay", dataId: "redis.yaml" };
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(configPath(key));
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(page.locator("#said")).toHaveText("Copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await server.content(key));
  await page.getByRole("button", { name: "Copy: MD5" }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^[0-9a-f]{32}$/);
  const denied = await browser.newContext({ baseURL: server.url, storageState: await server.session() });
  const other = await denied.newPage();
  await other.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException("denied", "NotAllowedError"));
    document.addEventListener("copy", () => ((window as unknown as { copied: string }).copied = getSelection()?.toString() || (document.activeElement as HTMLTextAreaElement).value));
  });
  await other.goto(configPath(key));
  await other.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(other.locator("#said")).toHaveText("Copied");
  expect(await other.evaluate(() => (window as unknown as { copied: string }).copied)).toBe(await server.content(key));
  await denied.close();
});

test("the raw content is exactly what was published; what is no text is not shown as such", async ({ page }) => {
  const key = { dataId: "exact.txt" };
  const content = `  tabs\tand\r\nline ends\n\n${hard.emoji} `;
  await server.publish(key, content);
  await page.goto(configPath(key));
  const raw = await page.request.get((await page.getByRole("link", { name: "Raw" }).getAttribute("href"))!);
  expect(await raw.text()).toBe(content);
  expect(raw.headers()["content-type"]).toContain("text/plain");
  expect(raw.headers()["x-content-type-options"]).toBe("nosniff");
  const big = { dataId: "big.txt" };
  await server.publish(big, "0123456789abcde\n".repeat(200_000));
  await page.goto(configPath(big));
  await expect(page.locator("main")).toContainText("Download it to see all");
});

test("an absent configuration is said, and can be made or looked up in the history", async ({ page, watch }) => {
  watch.allow(/404/);
  expect((await page.goto(configPath("not-there.yaml")))?.status()).toBe(404);
  await expect(page.getByRole("heading", { name: "There is no such configuration" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Create it" })).toBeVisible();
  await expect(page.getByRole("link", { name: "See its history" })).toBeVisible();
  await accessible(page);
});

test("an empty namespace teaches a command that works", async ({ page }) => {
  await server.addNamespace("fresh", "Fresh");
  await page.goto("/console/configs?ns=fresh");
  await expect(page.locator(".empty")).toContainText("Nothing in Fresh yet");
  const command = (await page.locator("#first-command").textContent())!;
  expect(command).toContain(String(server.port));
  const { execFileSync } = await import("node:child_process");
  execFileSync("sh", ["-c", command], { stdio: "pipe" });
  expect(await server.content({ ns: "fresh", dataId: "hello.properties" })).toBe("greeting=hello");
  await page.reload();
  await expect(rows(page)).toHaveCount(1);
});

test("columns are chosen and stay chosen", async ({ page }) => {
  await page.goto("/console/configs?q=group:hard");
  await page.getByText("Columns", { exact: true }).click();
  await page.getByRole("checkbox", { name: "Size" }).check();
  await page.getByRole("checkbox", { name: "Changed" }).uncheck();
  await page.getByRole("button", { name: "Show these" }).click();
  await expect(page.getByRole("columnheader", { name: "Size" })).toBeVisible();
  await expect(page.getByRole("columnheader", { name: "Changed" })).toHaveCount(0);
  await page.goto("/console/configs");
  await expect(page.getByRole("columnheader", { name: "Size" })).toBeVisible();
});
