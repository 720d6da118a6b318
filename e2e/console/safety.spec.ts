// What somebody else wrote, sent or framed can't hurt who looks at it: texts are inert, forms of other sites refused.
import { createServer, type Server as Web } from "node:http";
import type { AddressInfo } from "node:net";
import { configPath, expect, Server, testOn, within } from "./fixture.ts";
import { Polls } from "./listeners.ts";
import { payloads } from "./payloads.ts";

const server = new Server({ "console-gallery": "on" });
const test = testOn(server);
const ns = "xss";

test("sixty payloads in every field are text on every page", async ({ page, watch }) => {
  test.setTimeout(180_000);
  watch.allow(/40[04]/, /409/);
  expect(payloads.length).toBeGreaterThanOrEqual(60);
  await page.addInitScript(() => {
    Object.defineProperty(window, "alert", { value: () => ((window as unknown as { ran: boolean }).ran = true) });
  });
  const inert = async (where: string) => {
    const state = await page.evaluate(() => ({
      ran: "ran" in window,
      made: [...document.querySelectorAll("main img, main iframe, main object, main embed, main svg:not(.icon), main math, main video, main audio, main marquee, main base, main link, main style, main form[action*='javascript']")].map((e) => e.outerHTML.slice(0, 100)),
      handlers: [...document.querySelectorAll("*")].flatMap((e) => e.getAttributeNames().filter((n) => n.startsWith("on")).map((n) => `${e.tagName} ${n}`)),
      links: [...document.querySelectorAll<HTMLAnchorElement>("a[href]")].map((a) => a.protocol).filter((p) => !/^https?:$/.test(p)),
    }));
    expect(state, where).toEqual({ ran: false, made: [], handlers: [], links: [] });
  };
  await server.addNamespace(ns, "Payloads");
  await server.publish({ ns, dataId: "all.txt" }, payloads.join("\n"), { comment: payloads[0] });
  const fits = (text: string, most: number) => [...text].slice(0, most).join("");
  for (const [i, payload] of payloads.entries()) {
    const key = { ns, dataId: `p-${i}.${["html", "json", "xml", "yaml", "txt"][i % 5]}` };
    const said = { desc: fits(payload, 128), tags: [fits(payload.replaceAll(",", " "), 64)], appName: fits(payload, 128), comment: fits(payload, 512), operator: fits(payload, 64) };
    await server.publish(key, `${payload}\n`, said);
    await server.publish(key, `${payload}\n${payload}`, said);
    await server.publish(key, payload, { gray: { tag: `t${i}` }, operator: said.operator, comment: said.comment });
    // Names take none of this.
    if (i % 6 === 0) {
      const answer = await fetch(`${server.url}/nacre/v1/config?${new URLSearchParams({ namespace: ns, dataId: payload })}`, { method: "PUT", headers: { "Content-Type": "application/json" }, body: '{"content":"x"}' });
      expect(answer.status, payload).toBe(400);
    }
  }
  const names = payloads.filter((p) => !/[@#$%^&*]/.test(p) && p.length <= 256).slice(0, 25);
  for (const [i, name] of names.entries()) await server.addNamespace(`x-${i}`, name, fits(payloads[i + 20] ?? name, 256)).catch(() => undefined);
  const polls = new Polls(server, { ns, dataId: "all.txt" }, 5, { "Client-AppName": payloads[1]!, "Client-Version": payloads[2]! });

  await page.goto(`/console/configs?ns=${ns}`);
  await inert("list");
  for (const payload of payloads.slice(0, 10)) await expect(page.locator("main")).toContainText(fits(payload.replaceAll(",", " "), 64));
  await page.goto(configPath({ ns, dataId: "all.txt" }));
  await inert("content of all");
  for (const payload of payloads) expect(await page.locator("#text").textContent()).toContain(payload);
  for (let i = 0; i < payloads.length; i++) {
    const key = { ns, dataId: `p-${i}.${["html", "json", "xml", "yaml", "txt"][i % 5]}` };
    await page.goto(configPath(key, i % 2 ? "" : "history"));
    await inert(`${payloads[i]} ${i % 2 ? "content" : "history"}`);
    if (i % 4 === 0) {
      await page.goto(`/console/configs?${new URLSearchParams({ ns: payloads[i]!, q: payloads[i]!, all: "1" })}`);
      await inert(`search for ${payloads[i]}`);
    }
    if (i % 12 === 0) {
      for (const tab of ["edit", "canary", "clients", "snippets"]) {
        await page.goto(configPath(key, tab));
        await inert(`${payloads[i]} ${tab}`);
      }
    }
  }
  for (const path of ["/", "/console/feed", "/console/clients", "/console/namespaces", "/console/connect?ns=x-3", "/console/cluster", "/console/account", "/console/transfer?ns=x-1", `/console/client?id=${encodeURIComponent(payloads[3]!)}`, `/console/feed?text=${encodeURIComponent(payloads[4]!)}`, `/console/login?back=${encodeURIComponent("javascript:alert(1)")}`, `/console/${encodeURIComponent(payloads[5]!)}`]) {
    await page.goto(path);
    await inert(path);
  }
  await page.goto("/console/clients");
  await page.locator("#live tbody a").first().click();
  await expect(page.locator("main")).toContainText(payloads[1]!.slice(0, 20));
  await inert("client");
  for (let i = 0; i < 20; i++) await server.remove({ ns, dataId: `p-${i}.${["html", "json", "xml", "yaml", "txt"][i % 5]}` });
  await page.goto(`/console/deleted?${new URLSearchParams({ ns, q: "p-" })}`);
  await inert("deleted");
  await page.goto("/console/configs");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("<");
  await inert("palette");
  await polls.stop();
});

test("a payload that is edited, reviewed and published stays what it was", async ({ page }) => {
  const content = payloads.slice(0, 30).join("\n");
  await server.publish({ dataId: "edited.html" }, "<p>before</p>\n", { type: "text" });
  await page.goto(configPath("edited.html", "edit"));
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.locator(".cm-content").evaluate((element, data) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", data);
    element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, content);
  await page.getByRole("button", { name: "Review and publish" }).click();
  await expect(page.locator(".diff")).toContainText(payloads[0]!);
  await page.getByLabel("Comment").fill(payloads[3]!);
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page).toHaveURL(/published=/);
  expect(await server.content("edited.html")).toBe(content);
});

test("the raw content of a page full of script does nothing", async ({ page, watch }) => {
  watch.allow(/Content Security Policy|Refused|Blocked script|sandbox/i);
  await server.publish("page.html", `<script>document.title = "ran"; alert(1)</script><img src=x onerror="document.title='ran'">`, { type: "html" });
  await page.goto(configPath("page.html"));
  const raw = await page.getByRole("link", { name: "Raw" }).getAttribute("href");
  await page.goto(raw!);
  await page.waitForTimeout(200);
  expect(await page.title()).not.toBe("ran");
});

test("answers carry a strict policy", async ({ page }) => {
  for (const path of ["/", "/nacos/", "/console/login", "/console/configs", configPath("x", "edit"), "/console/nothing", "/console/find?q=x"]) {
    const answer = await page.request.get(path);
    const headers = answer.headers();
    const policy = headers["content-security-policy"] ?? "";
    expect(policy, path).toContain("default-src 'self'");
    expect(policy, path).toMatch(/frame-ancestors 'none'.*base-uri 'none'.*form-action 'self'/);
    expect(policy, path).not.toMatch(/unsafe|\*|https?:/);
    expect(headers["x-content-type-options"], path).toBe("nosniff");
    expect(headers["referrer-policy"], path).toBeTruthy();
    expect(headers["cache-control"], path).toContain("no-store");
    expect(await answer.text(), path).not.toMatch(/ style="|<script(?![^>]*src=)/);
  }
});

test("an injected script does not run, inline or from elsewhere", async ({ page, watch }) => {
  watch.allow(/Content Security Policy|127\.0\.0\.2|Refused/);
  await page.goto("/");
  const ran = await page.evaluate(async () => {
    const inline = document.createElement("script");
    inline.textContent = "window.injected = true";
    const far = document.createElement("script");
    far.src = "http://127.0.0.2:1/x.js";
    const refused = new Promise((done) => (far.onerror = done));
    document.body.append(inline, far);
    const box = document.createElement("div");
    box.innerHTML = `<button onclick="window.injected = true">x</button>`;
    document.body.append(box);
    box.querySelector("button")!.click();
    await refused;
    let evaluated = false;
    try {
      evaluated = (0, eval)("true") as boolean;
    } catch {
      // as it must be
    }
    return "injected" in window || evaluated;
  });
  expect(ran).toBe(false);
});

test.describe("another site", () => {
  let other: Web;
  let html = "";
  test.beforeAll(async () => {
    other = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end(html));
    await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  });
  test.afterAll(() => void other.close());

  test("can't send forms in the name of who is signed in", async ({ page, watch }) => {
    watch.allow(/40[134]/, /request to/);
    const key = { dataId: "forged.txt" };
    await server.publish(key, "mine");
    const token = await (async () => {
      await page.goto("/");
      return (await page.locator("meta[name=csrf]").getAttribute("content"))!;
    })();
    const fields = { ns: "public", group: "DEFAULT_GROUP", dataId: "forged.txt", content: "theirs", base: "1", for: "all" };
    for (const [path, csrf] of [
      ["/console/config/publish", ""], ["/console/config/publish", token], ["/console/config/delete", ""], ["/console/config/delete", token],
      ["/console/configs/delete", token], ["/console/config/restore", token], ["/console/undo", token], ["/console/draft", token], ["/console/namespaces", token],
      ["/console/logout", token], ["/console/account/end", token], ["/console/account/password", token], ["/console/transfer/import", token], ["/console/login", ""],
    ] as const) {
      const inputs = Object.entries({ ...fields, csrf, typed: "public", row: "dataId=forged.txt&group=DEFAULT_GROUP&ns=public", session: "others" }).map(([name, value]) => `<input name="${name}" value="${value.replaceAll("&", "&amp;")}">`);
      html = `<form method="post" action="${server.url}${path}">${inputs.join("")}<button>Win a prize</button></form>`;
      await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
      const answered = page.waitForResponse((r) => r.url() === server.url + path && r.request().method() === "POST");
      await page.getByRole("button").click();
      expect((await answered).status(), path).toBe(403);
    }
    expect(await server.content(key)).toBe("mine");
    await page.goto("/console/account");
    await expect(page).toHaveURL(/console\/account/); // still signed in
  });

  test("can't frame a page, nor read one", async ({ page, watch }) => {
    watch.allow(/request to/, /frame-ancestors|CORS|blocked|ERR_|Refused|40\d/i);
    html = `<iframe src="${server.url}/console/configs"></iframe>`;
    await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
    await page.waitForTimeout(300);
    expect(page.frames()[1]?.url()).toBe("chrome-error://chromewebdata/");
    const read = await page.evaluate((url) => fetch(url, { credentials: "include" }).then((r) => r.text(), () => "refused"), `${server.url}/console/account`);
    expect(read).toBe("refused");
    const socket = await page.evaluate((url) => new Promise((done) => {
      const s = new WebSocket(url);
      s.onopen = () => done("open");
      s.onerror = () => done("refused");
    }), `${server.url.replace("http", "ws")}/ws/feed`);
    expect(socket).toBe("refused");
  });
});

test("a form without its token, with another's, or sent again after signing out is refused", async ({ page, browser, watch }) => {
  watch.allow(/40[13]/);
  const send = (target: typeof page, csrf: string, path = "/console/namespaces") =>
    target.request.post(path, { form: { csrf, name: "Forged", id: "forged" }, maxRedirects: 0 });
  await page.goto("/");
  const mine = (await page.locator("meta[name=csrf]").getAttribute("content"))!;
  expect((await send(page, "")).status()).toBe(403);
  expect((await send(page, `${mine[0] === "x" ? "y" : "x"}${mine.slice(1)}`)).status()).toBe(403);
  await within(browser, watch, server, { storageState: await server.signIn() }, async (second) => {
    await second.goto("/");
    const theirs = (await second.locator("meta[name=csrf]").getAttribute("content"))!;
    expect(theirs).not.toBe(mine);
    expect((await send(second, mine)).status()).toBe(403);
    expect((await send(second, theirs)).status()).toBe(303);
    await second.request.post("/console/logout", { form: { csrf: theirs } });
    expect((await send(second, theirs)).status()).toBe(401);
  });
  expect((await page.request.get("/console/prefs?lang=en&back=https://example.com", { maxRedirects: 0 })).headers().location).toBe("/");
  expect((await page.request.get("/console/prefs?lang=en&back=//example.com", { maxRedirects: 0 })).headers().location).toBe("/");
});
