// What pages of other sites can do to this server by the browser of who is signed in: nothing but lead there.
import { createServer, type Server as Site } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext, Page } from "@playwright/test";
import { expect, Server, testOn } from "./fixture.ts";
import { password, user } from "./server.ts";

const server = new Server();
const test = testOn(server);

test.describe("a page of another site", () => {
  let site: Site;
  let context: BrowserContext;
  let page: Page;
  // The server is at 127.0.0.1, so this is another site and no other port of the same.
  const address = () => `http://localhost:${(site.address() as AddressInfo).port}/`;
  const form = (id: string, path: string) =>
    `<form id="${id}" method="post" action="${server.url}${path}"><input name="dataId" value="evil"><input name="group" value="g"><input name="content" value="x"><button>Send</button></form>`;

  test.beforeAll(async ({ browser }) => {
    site = createServer((_, answer) => {
      answer.setHeader("Content-Type", "text/html");
      answer.end(`<a href="${server.url}/console/configs?ns=public">Look</a>${form("api", "/nacos/v1/cs/configs")}${form("console", "/console/logout")}
        <iframe src="${server.url}/console/login"></iframe>
        <iframe sandbox="allow-forms allow-scripts" srcdoc='${form("hidden", "/nacos/v1/cs/configs")}<script>document.forms[0].submit()</script>'></iframe>`);
    });
    await new Promise<void>((ready) => site.listen(0, "127.0.0.1", ready));
    context = await browser.newContext({ storageState: await server.session() });
    page = await context.newPage();
  });
  test.beforeEach(() => page.goto(address()));
  test.afterEach(async () => {
    const found = await fetch(`${server.url}/nacos/v1/cs/configs?dataId=evil&group=g`);
    expect(found.status).toBe(404);
  });
  test.afterAll(async () => {
    await context.close();
    site.closeAllConnections();
    site.close();
  });

  test("leads who is signed in to a page, without asking for the password", async () => {
    await page.getByRole("link", { name: "Look" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Configurations");
    await expect(page).toHaveURL(`${server.url}/console/configs?ns=public`);
  });

  for (const [name, id] of [["the API", "#api"], ["the console", "#console"]] as const) {
    test(`sends no form to ${name}`, async () => {
      const answer = page.waitForResponse((r) => r.request().method() === "POST" && r.request().isNavigationRequest() && r.frame() === page.mainFrame());
      await page.locator(`${id} button`).click();
      expect((await answer).status()).toBe(403);
    });
  }

  test("publishes nothing by scripts, and reads nothing as one", async () => {
    const published = page.waitForResponse((r) => r.url().endsWith("/nacos/v1/cs/configs"));
    await page.evaluate((at) => fetch(`${at}/nacos/v1/cs/configs`, { method: "POST", mode: "no-cors", body: new URLSearchParams({ dataId: "evil", group: "g", content: "x" }) }), server.url);
    expect((await published).status()).toBe(403);
    const read = await page.evaluate(
      (src) =>
        new Promise((done) => {
          const script = document.createElement("script");
          Object.assign(script, { src, onload: () => done("loaded"), onerror: () => done("refused") });
          document.head.append(script);
        }),
      `${server.url}/nacos/v1/cs/configs?dataId=a&group=g`,
    );
    expect(read).toBe("refused");
  });

  test("gets no feed and shows no page of the console within its own", async () => {
    const opened = await page.evaluate(
      (at) =>
        new Promise((done) => {
          const socket = new WebSocket(`${at.replace("http", "ws")}/ws/feed`);
          socket.onopen = () => done("open");
          socket.onerror = () => done("refused");
        }),
      server.url,
    );
    expect(opened).toBe("refused");
    await expect(page.frameLocator("iframe >> nth=0").locator("input[type=password]")).toHaveCount(0);
  });
});

test("what was typed goes along through the login when the session has ended", async ({ page, context, watch }) => {
  watch.allow(/401/);
  await page.goto("/console/config/new?ns=public");
  await page.getByLabel("Data ID").fill("typed.txt");
  await page.locator(".cm-content").click();
  await page.keyboard.type("one\ntwo <b>");
  const cookies = await context.cookies();
  await context.clearCookies();
  await context.addCookies(cookies.filter((c) => !c.name.includes("session")));
  await page.getByRole("button", { name: "Review" }).click();
  await expect(page.locator("main")).toContainText("what you typed is kept on this page");
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Send it again?");
  await expect(page.locator("main")).toContainText("two <b>");
  await page.getByRole("button", { name: "Send it now" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("typed.txt");
  await expect(page.locator(".diff")).toContainText("two <b>");
});
