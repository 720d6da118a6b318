// What holds on every page: no barrier that axe finds, in both themes and languages; every width; both languages complete.
// Screenshots of all go to e2e/console/shots.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { accessible, configPath, expect, hard, looked, measured, Server, shoot, testOn, within } from "./fixture.ts";
import { Polls } from "./listeners.ts";
import type { Session } from "./server.ts";

const server = new Server({ "console-gallery": "on" });
const test = testOn(server);
const key = { ns: "orders", group: "orders-service", dataId: "application.yaml" };
const hardKey = { ns: "hard", group: "group-of-a-long-name.".repeat(6).slice(0, 120), dataId: hard.long };
const service = { ns: "orders", group: "orders-service", name: "orders" };
const hardService = { ns: "hard", group: "group-of-a-long-name.".repeat(6).slice(0, 120), name: `<img/src=x/onerror=alert(1)>${"service-of-a-long-name.".repeat(20)}`.slice(0, 500) };
const servicePath = (of: typeof service, part = "", more: Record<string, string> = {}) => `/console/${part.startsWith("/") || part === "" ? `service${part}` : part}?${new URLSearchParams({ ...of, ...more })}`;
const revisions: number[] = [];
let polls: Polls[] = [];

test.beforeAll(async () => {
  test.setTimeout(120_000);
  await server.addNamespace("orders", "Orders 订单");
  await server.addNamespace("hard", `${hard.arabic} ${hard.emoji} ${"long-".repeat(20)}`, hard.markup);
  await server.addNamespace("live", "Production, Frankfurt");
  await server.addNamespace("empty", "Empty");
  for (let i = 0; i < 12; i++) {
    const content = `# ${hard.chinese.slice(0, 18)}\nserver:\n  port: ${8080 + i}\nspring:\n  redis:\n    host: redis-${i}.example.com\n    password: secret\n${"pool:\n  max: 20\n".repeat(i % 2)}`;
    revisions.push(await server.publish(key, content, { type: "yaml", desc: "The service that takes orders", tags: ["eu", "tier-1"], appName: "orders", operator: i % 3 ? "alice" : "", comment: i === 9 ? `More room for ${hard.emoji}` : "" }));
  }
  await server.publish(key, "server:\n  port: 9999\n", { gray: { ips: "127.0.0.9" } });
  await server.publish(hardKey, `${hard.markup}\n${hard.arabic}\n${hard.emoji}\n${"no-place-to-break".repeat(40)}\n`, { desc: `${hard.markup} ${hard.arabic}`.slice(0, 128), tags: [hard.emoji, hard.chinese.slice(0, 60)], appName: hard.markup.slice(0, 60), comment: hard.markup, operator: hard.arabic });
  await server.publish(hardKey, `${hard.markup}\n${hard.arabic} changed\n`, { comment: "without-a-place-to-break".repeat(18) });
  for (let i = 0; i < 130; i++) await server.publish({ ns: "orders", group: i % 3 ? "orders-service" : "pay-service", dataId: `part-${i}.${["yaml", "json", "properties", "toml"][i % 4]}` }, '{"a": 1}', { desc: i % 5 ? "" : "Part of the service", tags: i % 7 ? [] : ["eu"] });
  await server.remove({ ns: "orders", group: "pay-service", dataId: "part-0.yaml" });
  await server.publish({ ns: "hard", dataId: "gone" }, "x");
  await server.remove({ ns: "hard", dataId: "gone" });
  for (const [of, ip, more] of [[service, "10.0.0.1", {}], [service, "10.0.0.2", { clusterName: "HZ", enabled: "false" }], [hardService, "host-of-a-long-name.".repeat(5), {}]] as const) {
    const metadata = JSON.stringify({ zone: hard.emoji, "<img src=x onerror=alert(1)>": `${hard.markup} ${hard.arabic}`, long: "no-place-to-break".repeat(20), "preserved.heart.beat.timeout": "900000", "preserved.ip.delete.timeout": "900000" });
    const res = await fetch(`${server.url}/nacos/v1/ns/instance`, { method: "POST", body: new URLSearchParams({ namespaceId: of.ns, groupName: of.group, serviceName: of.name, ip, port: "8080", metadata, ...more }) });
    expect(await res.text()).toBe("ok");
  }
  polls = [new Polls(server, key, 9), new Polls(server, hardKey, 2, { "Client-AppName": "an-application-of-a-very-long-name-".repeat(3) })];
  await expect.poll(async () => (await server.api<{ total: number }>("GET", "/delivery/clients")).total, { timeout: 15_000 }).toBe(11);
});
test.afterAll(() => Promise.all(polls.map((p) => p.stop())));

interface Visit {
  name: string;
  open(page: Page): Promise<unknown>;
  /** Without a session. */
  out?: boolean;
}

const at = (name: string, path: string | (() => string), out = false): Visit => ({ name, out, open: (page) => page.goto(typeof path === "string" ? path : path()) });

/** Writes into the editor of a configuration and goes on to the review; meanwhile others may do something. */
async function toReview(page: Page, of = key, meanwhile: () => Promise<unknown> = async () => {}): Promise<void> {
  await page.goto(configPath(of, "edit"));
  await page.locator(".cm-content").click();
  await meanwhile();
  await page.keyboard.press("Control+Home");
  await page.keyboard.insertText("added: true\n");
  await page.locator("form#edit button.primary").click();
  await page.waitForURL(/review/);
}

const pages: Visit[] = [
  at("login", "/console/login", true),
  at("used-link", `/console/setup/${"A".repeat(26)}`, true),
  at("home", "/"),
  at("configs", "/console/configs?ns=orders"),
  at("configs-found", "/console/configs?ns=orders&all=1&q=spring.redis.host"),
  at("configs-hard", "/console/configs?ns=hard"),
  at("configs-none", "/console/configs?ns=orders&q=nothing-is-called-like-this"),
  at("configs-wrong", "/console/configs?ns=orders&q=changed%3Asoon"),
  at("configs-empty", "/console/configs?ns=empty"),
  at("configs-production", "/console/configs?ns=live"),
  at("content", configPath(key)),
  at("content-hard", configPath(hardKey)),
  at("content-absent", configPath({ ns: "orders", dataId: "absent.yaml" })),
  at("config-clients", configPath(key, "clients")),
  at("config-history", configPath(key, "history")),
  at("config-history-hard", configPath(hardKey, "history")),
  at("config-canary", configPath(key, "canary")),
  at("config-snippets", configPath(key, "snippets")),
  at("compare", () => configPath(key, "compare", { from: String(revisions[3]), to: String(revisions[8]) })),
  at("compare-split", () => configPath(key, "compare", { from: String(revisions[3]), to: String(revisions[8]), view: "split" })),
  at("version", () => configPath(key, "version", { v: String(revisions[9]) })),
  at("restore", () => configPath(key, "restore", { v: String(revisions[3]) })),
  at("edit", configPath(key, "edit")),
  at("edit-hard", configPath(hardKey, "edit")),
  at("new", "/console/config/new?ns=orders"),
  { name: "review", open: (page) => toReview(page) },
  {
    name: "merge",
    async open(page) {
      const of = { ...key, dataId: `merge-${Date.now()}.yaml` }; // without a draft of the visit before
      await server.publish(of, "a: 1\nb: 2\n", { type: "yaml" });
      await toReview(page, of, () => server.publish(of, "a: theirs\nb: 2\n", { type: "yaml", operator: "bob" }));
      await expect(page.locator(".merge")).toBeVisible();
    },
  },
  {
    name: "clone",
    async open(page) {
      await page.goto("/console/configs?ns=orders&q=part-1");
      for (const box of (await page.locator("input[name=row]").all()).slice(0, 3)) await box.check();
      await page.locator(".bulk button[formaction*=clone]").click();
      await page.waitForURL(/configs\/clone/);
      await page.locator("select[name=target]").selectOption("empty");
      await page.locator("button[value=preview]").click();
      await expect(page.locator("input[name=take]")).toHaveCount(3);
    },
  },
  {
    name: "dry-run",
    async open(page) {
      const zip = Buffer.from(await (await fetch(`${server.url}/nacre/v1/export?namespace=orders`)).arrayBuffer());
      await page.goto("/console/transfer?ns=hard");
      await page.locator("input[type=file]").setInputFiles({ name: "export.zip", mimeType: "application/zip", buffer: zip });
      await page.locator("form[action$=import] button.primary").click();
      await page.waitForURL((url) => url.pathname !== "/console/transfer");
      await expect(page.locator("table tbody tr")).not.toHaveCount(0);
    },
  },
  {
    name: "delete-many",
    async open(page) {
      await page.goto("/console/configs?ns=orders&q=part-1");
      for (const box of (await page.locator("input[name=row]").all()).slice(0, 3)) await box.check();
      await page.locator(".bulk button.danger").click();
      await page.waitForURL(/configs\/delete/);
    },
  },
  at("services", "/console/services?ns=orders"),
  at("services-hard", "/console/services?ns=hard"),
  at("services-empty", "/console/services?ns=empty"),
  at("service", servicePath(service)),
  at("service-hard", servicePath(hardService)),
  at("service-absent", servicePath({ ...service, name: "absent" })),
  at("subscribers", servicePath(service, "/subscribers")),
  at("service-settings", servicePath(service, "/settings")),
  at("service-cluster", servicePath(service, "/cluster", { cluster: "HZ" })),
  at("service-new", "/console/services/new?ns=orders"),
  at("instance", servicePath(service, "instance", { ip: "10.0.0.1", port: "8080", cluster: "DEFAULT" })),
  at("instance-hard", servicePath(hardService, "instance", { ip: "host-of-a-long-name.".repeat(5), port: "8080", cluster: "DEFAULT" })),
  at("instance-new", servicePath(service, "/add")),
  at("clients", "/console/clients"),
  {
    name: "client",
    async open(page) {
      await page.goto("/console/clients");
      await page.goto((await page.locator("#live tbody a").first().getAttribute("href"))!);
    },
  },
  at("client-gone", "/console/client?id=nobody"),
  at("feed", "/console/feed"),
  at("cluster", "/console/cluster"),
  at("namespaces", "/console/namespaces"),
  at("namespace-edit", "/console/namespaces/edit?id=hard"),
  at("transfer", "/console/transfer?ns=orders"),
  at("connect", "/console/connect?ns=orders"),
  at("deleted", "/console/deleted?ns=orders"),
  at("deleted-empty", "/console/deleted?ns=empty"),
  at("account", "/console/account"),
  at("missing", "/console/there-is-no-such-page"),
  at("gallery", "/console/gallery?frame=warnings"),
];

/** The texts of a page that are its own: not what people and machines have written. */
const ownTexts = (page: Page) =>
  page.evaluate(() => {
    const skip = "bdi, :has(> bdi)[title], code, .diff, .key-changes, pre, kbd, time, svg, script, style, noscript, [translate=no], .cm-editor, [lang]:not(html), textarea, select[name=ns] option, select[name=target] option, .feed-rows, .chart, [data-phrases]";
    const out: string[] = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const parent = walk.currentNode.parentElement;
      const text = walk.currentNode.textContent?.trim() ?? "";
      if (text && parent && !parent.closest(skip)) out.push(text);
    }
    for (const element of document.querySelectorAll("[aria-label], [placeholder], [title]")) {
      if (element.closest(skip)) continue;
      for (const name of ["aria-label", "placeholder", "title"]) {
        const text = element.getAttribute(name)?.trim();
        if (text) out.push(text);
      }
    }
    return [...new Set(out)];
  });

/** What is the same in every language. */
const names = /^(?:[\d\s.,:%+−–·/()-]*|Nacre.*|MD5|ID|SDK|CSV|ZIP|PROD|HTTP|gRPC|IP|YAML|JSON|TOML|XML|HTML|Properties|Spring.*|Java.*|Go|Dubbo|Python.*|Node.*|curl|nginx|[0-9a-f]{32}|Ctrl.*|Alt\+N|[\d.,]+\s*(?:[KMGT]?i?B|ms|s|%).*|Group|Data ID|DataId|DEFAULT|HZ|\/health|SELECT 1)$/;

for (const visit of pages) {
  test(`every width, theme and language: ${visit.name}`, async ({ browser, watch }) => {
    test.setTimeout(90_000);
    watch.allow(/40[034]/, /409/, /410/);
    const english: string[] = [];
    const session: { storageState: Session } | undefined = visit.out ? { storageState: { cookies: [], origins: [] } } : undefined;
    for (const locale of ["en-US", "zh-CN"]) {
      await within(browser, watch, server, { locale, colorScheme: "light", reducedMotion: "reduce", viewport: { width: 1280, height: 900 }, ...session }, async (page) => {
        await visit.open(page);
        await expect(page.locator("html")).toHaveAttribute("lang", locale === "en-US" ? "en" : "zh-CN");
        await expect(page.locator("h1")).not.toHaveCount(0);
        await accessible(page);
        if (locale === "en-US") await shoot(page, visit.name, "light");
        await page.emulateMedia({ colorScheme: "dark" });
        if (locale === "en-US") await shoot(page, visit.name, "dark");
        const { violations } = await looked(new AxeBuilder({ page }).withRules(["color-contrast"])); // the theme changes no more than this
        expect(violations.flatMap((v) => v.nodes.slice(0, 5).map((n) => `dark: ${n.target} ${n.html.slice(0, 120)} ${n.any[0]?.message}`))).toEqual([]);
        for (const width of [320, 640, 768, 1280, 1920]) {
          await page.setViewportSize({ width, height: 900 });
          await fits(page, width);
        }
        const texts = await ownTexts(page);
        if (locale === "en-US") english.push(...texts);
        else if (!visit.name.startsWith("gallery")) {
          const left = texts.filter((t) => /[A-Za-z]{2}/.test(t) && !names.test(t) && english.includes(t));
          expect(left, "not translated").toEqual([]);
          expect(texts.filter((t) => /^[A-Za-z]+(\.[a-z][A-Za-z]+)+$/.test(t) && !names.test(t)), "keys of texts").toEqual([]);
          expect(texts.filter((t) => /%!|%[sd]|\{\w+\}/.test(t)), "places that were not filled").toEqual([]);
        }
      });
    }
  });
}

/** Checks that nothing is wider than the window, but for what scrolls in itself: code, differences and the editor. */
async function fits(page: Page, width: number): Promise<void> {
  const wide = await page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const inBox = (e: Element | null): boolean => !!e && (/(auto|scroll|hidden|clip)/.test(getComputedStyle(e).overflowX) || inBox(e.parentElement));
    const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !inBox(e.parentElement));
    return [`${document.documentElement.scrollWidth} > ${innerWidth}`, ...out.slice(0, 4).map((e) => e.outerHTML.slice(0, 120))];
  });
  expect(wide, `at ${width}`).toEqual([]);
}

test("reduced motion: nothing moves", async ({ browser, watch }) => {
  await within(browser, watch, server, { reducedMotion: "reduce" }, async (page) => {
    for (const path of ["/", "/console/configs?ns=orders", configPath(key, "clients"), configPath(key, "edit")]) {
      await page.goto(path);
      const moving = await page.evaluate(() => {
        const long = (list: string) => list.split(",").some((d) => Number.parseFloat(d) * (d.trim().endsWith("ms") ? 0.001 : 1) > 0.011);
        return [...document.querySelectorAll("body *")]
          .filter((e) => !e.closest(".cm-editor"))
          .filter((e) => {
            const s = getComputedStyle(e);
            return (s.animationName !== "none" && long(s.animationDuration)) || (long(s.transitionDuration) && s.transitionProperty !== "none");
          })
          .map((e) => e.outerHTML.slice(0, 100))
          .slice(0, 5);
      });
      expect(moving, path).toEqual([]);
    }
  });
});

test("first paint of each page", async ({ page }) => {
  const took: [string, number][] = [];
  for (const [name, path] of [["overview", "/"], ["list", "/console/configs?ns=orders"], ["content", configPath(key)], ["clients", configPath(key, "clients")], ["history", configPath(key, "history")], ["editor", configPath(key, "edit")], ["feed", "/console/feed"], ["cluster", "/console/cluster"]] as const) {
    await page.goto(path);
    const painted = () => page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
    await expect.poll(painted).toBeGreaterThan(0);
    took.push([name, await painted()]);
  }
  for (const [name, ms] of took) measured(`first paint: ${name}`, ms, 300);
});

test("what has the focus is seen: no bar covers it", async ({ page }) => {
  for (const path of ["/console/configs?ns=orders", configPath(key, "edit"), configPath(key, "history")]) {
    await page.goto(path);
    for (let i = 0; i < 45; i++) {
      await page.keyboard.press("Tab");
      const covered = await page.evaluate(() => {
        const e = document.activeElement;
        if (!e || e === document.body || e.matches(".unseen, [type=radio], [type=checkbox], .cm-content")) return "";
        const box = e.getBoundingClientRect();
        if (box.width < 2 || box.height < 2) return "";
        const points = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5]].map(([x, y]) => document.elementFromPoint(box.left + box.width * x!, box.top + box.height * y!));
        return points.some((p) => p && (e.contains(p) || p.contains(e))) ? "" : `${e.outerHTML.slice(0, 120)} at ${Math.round(box.top)} under ${points[0]?.outerHTML.slice(0, 80)}`;
      });
      expect(covered, path).toBe("");
      if (await page.evaluate(() => document.activeElement?.classList.contains("cm-content"))) await page.keyboard.press("Escape");
    }
  }
});
