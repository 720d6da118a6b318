// What all tests of the console share: a page that is watched, the server's session, names and helpers.
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { test as base, type Browser, type BrowserContext, type BrowserContextOptions, expect, type Page } from "@playwright/test";
import { type Key, Server } from "./server.ts";

export { expect } from "@playwright/test";
export { Server } from "./server.ts";

/** What must not happen on any page: requests elsewhere, refused content, script errors, failed requests. */
export class Watch {
  readonly wrong: string[] = [];
  private readonly allowed: RegExp[] = [];

  constructor(private readonly server: Server) {}

  /** Lets something happen that a test is about, as a refused form is. */
  allow(...patterns: RegExp[]): void {
    this.allowed.push(...patterns);
  }

  of(page: Page): void {
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== this.server.url && protocol !== "data:" && protocol !== "blob:") this.note(`request to ${request.url()}`);
    });
    page.on("websocket", (socket) => {
      if (new URL(socket.url()).host !== new URL(this.server.url).host) this.note(`socket to ${socket.url()}`);
    });
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.note(`console: ${message.text()} ${message.location().url}`);
    });
    page.on("pageerror", (error) => this.note(`script: ${error.message}`));
    page.on("dialog", (dialog) => {
      if (dialog.type() !== "beforeunload") this.note(`dialog: ${dialog.message()}`);
      void dialog.accept();
    });
    page.on("response", (answer) => {
      if (answer.status() >= 400) this.note(`${answer.status()} for ${answer.url()}`);
    });
  }

  private note(text: string): void {
    this.wrong.push(text);
  }

  check(): void {
    expect(this.wrong.filter((w) => !this.allowed.some((a) => a.test(w)))).toEqual([]);
  }
}

interface Fixtures {
  watch: Watch;
}

/**
 * Returns tests that run against server, which is started before the first of them and stopped after the last. Their
 * pages belong to the administrator, and each must cause nothing that Watch notes.
 */
export function testOn(server: Server) {
  const test = base.extend<Fixtures>({
    baseURL: async ({}, use) => use(server.url),
    // Playwright asks for this before the server is started, too.
    storageState: async ({}, use) => use(server.url ? await server.session() : undefined),
    watch: async ({}, use) => {
      const watch = new Watch(server);
      await use(watch);
      watch.check();
    },
    context: async ({ context, watch }, use) => {
      context.on("page", (page) => watch.of(page));
      await use(context);
    },
  });
  test.beforeAll(() => server.start());
  test.afterAll(() => server.stop());
  return test;
}

/** Opens a context that is watched, too, with options of its own, and closes it afterwards. */
export async function within(
  browser: Browser,
  watch: Watch,
  server: Server,
  options: BrowserContextOptions,
  use: (page: Page, context: BrowserContext) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ baseURL: server.url, storageState: await server.session(), ...options });
  context.on("page", (page) => watch.of(page));
  await use(await context.newPage(), context);
  await context.close();
}

type Looked = Awaited<ReturnType<AxeBuilder["analyze"]>>;

/** Has axe look at the page; anew, twice at most, where a part of it was replaced meanwhile: axe fails on what has no parent any more. */
export async function looked(axe: AxeBuilder, again = 2): Promise<Looked> {
  try {
    return await axe.analyze();
  } catch (e) {
    if (again === 0 || !String(e).includes("reading 'nthChild'")) throw e;
    return looked(axe, again - 1);
  }
}

/** Checks that axe finds nothing serious, and returns how many rules it looked at. */
export async function accessible(page: Page): Promise<number> {
  const { violations, passes } = await looked(new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]));
  const grave = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  const said = grave.map((v) => `${v.id} (${v.nodes.length}): ${v.nodes.slice(0, 4).map((n) => `${n.target.join(" ")} ${n.html.slice(0, 120)} ${n.any[0]?.message ?? ""}`).join("\n  ")}`);
  expect(said, await page.title()).toEqual([]);
  return violations.length + passes.length;
}

/** Checks that the page is not wider than the window, and names what is. */
export async function withoutSidewaysScroll(page: Page): Promise<void> {
  const wide = await page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1);
    return [`${location.pathname}: ${document.documentElement.scrollWidth} > ${innerWidth}`, ...out.slice(-4).map((e) => e.outerHTML.slice(0, 100))];
  });
  expect(wide).toEqual([]);
}

/** Keeps what a page looks like, wide and narrow, in the folder shots. */
export async function shoot(page: Page, name: string, theme: string): Promise<void> {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: join(import.meta.dirname, "shots", `${name}-${theme}-${width}.png`), fullPage: true, animations: "disabled" });
  }
}

/** The address of a part of a configuration's page. */
export function configPath(key: Key | string, tab = "", more: Record<string, string> = {}): string {
  const { ns = "public", group = "DEFAULT_GROUP", dataId } = typeof key === "string" ? { dataId: key } : key;
  return `/console/config${tab && `/${tab}`}?${new URLSearchParams({ ns, group, dataId, ...more })}`;
}

/** Begins to wait for an element; gives the time in ms from the last input before it to its appearance. */
export function sinceInput(page: Page, selector: string, text = ""): Promise<number> {
  return page.evaluate(
    ([selector, text]) =>
      new Promise<number>((done) => {
        let typed = performance.now();
        document.addEventListener("input", () => (typed = performance.now()), { capture: true });
        document.addEventListener("paste", () => (typed = performance.now()), { capture: true });
        new MutationObserver((_, watching) => {
          if (![...document.querySelectorAll(selector!)].some((e) => e.textContent?.includes(text!))) return;
          watching.disconnect();
          done(performance.now() - typed);
        }).observe(document.body, { childList: true, subtree: true });
      }),
    [selector, text],
  );
}

/** Prints a figure that was measured. It is no condition: machines differ. */
export function measured(what: string, value: number, budget: number, unit = "ms"): void {
  console.log(`  measured: ${what}: ${Math.round(value * 10) / 10} ${unit} (budget ${budget} ${unit}${value > budget ? ", EXCEEDED" : ""})`);
}

/** Names and texts that are hard to show: long, of other scripts, from right to left, with markup. */
export const hard = {
  long: "a-very-long-name-".repeat(16).slice(0, 251) + ".txt",
  chinese: "订单服务的数据库连接池与缓存配置说明".repeat(7).slice(0, 120),
  arabic: "إعدادات قاعدة البيانات لخدمة الطلبات",
  emoji: "🦪👩‍👩‍👧‍👦🏳️‍🌈 pearls",
  markup: `<img src=x onerror=alert(1)>"'&amp;</textarea><script>alert(1)</script>`,
};
