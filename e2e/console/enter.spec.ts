// Set-up, login, the account: page P0.
import { request } from "@playwright/test";
import { accessible, expect, Server, shoot, testOn, within } from "./fixture.ts";
import { password, user } from "./server.ts";

const fresh = new Server({}, false);
const test = testOn(fresh);
const server = new Server();
test.beforeAll(() => server.start());
test.afterAll(() => server.stop());
const nobody = { cookies: [], origins: [] };

test.describe("a server without an administrator", () => {
  test.use({ storageState: nobody });
  test.describe.configure({ mode: "serial" });

  test("says how to get in, and lets nobody in", async ({ page }) => {
    await page.goto("/");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nacre is running");
    await expect(page.locator("main")).toContainText(`${fresh.url}/console/setup/`);
    await expect(page.locator("main")).toContainText("NACRE_ADMIN_PASSWORD");
    await expect(page.locator("input[type=password]")).toHaveCount(0);
    await page.goto("/console/configs");
    await expect(page).toHaveURL(/\/console\/login\?back=%2Fconsole%2Fconfigs/);
    for (const path of ["/", fresh.setUpLink]) {
      await page.goto(path);
      for (const theme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
        await accessible(page);
        await shoot(page, path === "/" ? "fresh" : "set-up", theme);
      }
    }
  });

  test("refuses a link that is not the printed one", async ({ page, watch }) => {
    watch.allow(/403/);
    const answer = await page.goto(`${fresh.url}/console/setup/${"A".repeat(26)}`);
    expect(answer?.status()).toBe(403);
    await expect(page.locator("main")).toContainText("not the one that this server printed");
  });

  test("takes no weak password, and says what would be right", async ({ page, watch }) => {
    watch.allow(/400/);
    expect(fresh.setUpLink).toContain("/console/setup/");
    await page.goto(fresh.setUpLink);
    await accessible(page);
    for (const [choice, again, said] of [
      ["short", "short", "12 characters or more"],
      ["passwordpassword", "passwordpassword", "among the common ones"],
      ["nacos-nacos-nacos", "nacos-nacos-nacos", "among the common ones"],
      ["qwertyuiop[]", "qwertyuiop[]", "among the common ones"],
      ["correct horse battery", "correct horse batteri", "not the same"],
      [`${"long ".repeat(15)}er`, `${"long ".repeat(15)}er`, "72 bytes at the most"],
    ]) {
      await page.getByLabel("Password", { exact: true }).fill(choice!);
      await page.getByLabel("Password again").fill(again!);
      await page.getByRole("button", { name: "Create administrator" }).click();
      await expect(page.locator(".error")).toContainText(said!);
      await expect(page.locator("[aria-invalid=true]")).toHaveCount(1);
    }
  });

  test("makes the administrator once: the link is gone afterwards", async ({ page, watch, browser }) => {
    watch.allow(/410/);
    await page.goto(fresh.setUpLink);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByLabel("Password again").fill(password);
    await page.getByRole("button", { name: "Create administrator" }).click();
    await expect(page).toHaveURL(`${fresh.url}/`);
    await expect(page.locator(".account summary")).toContainText(user);
    await within(browser, watch, fresh, { storageState: nobody }, async (other) => {
      expect((await other.goto(fresh.setUpLink))?.status()).toBe(410);
      await expect(other.getByRole("heading", { level: 1 })).toHaveText("This link was used");
      await expect(other.getByRole("link", { name: "Sign in" })).toBeVisible();
    });
    await fresh.restart();
    expect(fresh.setUpLink).toBe("");
    await page.reload();
    await expect(page.locator(".account summary")).toContainText(user);
  });
});

test.describe("a server with an administrator", () => {
  test.use({ baseURL: async ({}, use) => use(server.url), storageState: nobody });
  test.beforeEach(({ watch }) => watch.allow(/\/\/127\.0\.0\.1:\d+/));

  test("signs in by paste, with a cookie that scripts and other sites don't get, and goes where one wanted to", async ({ page, context }) => {
    await page.goto("/console/namespaces?lang=en");
    await expect(page).toHaveURL(/console\/login/);
    await expect(page.getByLabel("User name")).toBeFocused();
    await page.getByLabel("User name").fill(user);
    await page.getByLabel("Password").focus();
    await page.evaluate((text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      if (document.activeElement?.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }))) document.execCommand("insertText", false, text);
    }, password);
    await expect(page.getByLabel("Password")).toHaveValue(password);
    expect(await page.getByLabel("Password").getAttribute("autocomplete")).toBe("current-password");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/console\/namespaces/);
    const cookie = (await context.cookies()).find((c) => c.name.includes("nacre_session"));
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", secure: false, path: "/" });
    expect(cookie?.value.length).toBeGreaterThanOrEqual(26);
    expect(page.url()).not.toContain(cookie?.value);
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, document.documentElement.outerHTML]));
    expect(kept).not.toContain(cookie?.value);
  });

  test("has a cookie with the prefix that browsers protect where a proxy speaks TLS", async () => {
    const context = await request.newContext({ baseURL: server.url, extraHTTPHeaders: { "X-Forwarded-Proto": "https" } });
    const entry = /name="entry" value="([^"]+)"/.exec(await (await context.get("/console/login")).text())?.[1] ?? "";
    const answer = await context.post("/console/login", { form: { entry, username: user, password }, maxRedirects: 0 });
    const cookies = answer.headersArray().filter((h) => h.name.toLowerCase() === "set-cookie").map((h) => h.value);
    expect(cookies.find((c) => c.startsWith("__Host-nacre_session"))).toMatch(/path=\/; HttpOnly; secure; SameSite=Strict$/);
    await context.dispose();
  });

  test("locks out after five failures, with the same words for a name that nobody has", async ({ page, watch }) => {
    watch.allow(/401/, /429/);
    const said: string[][] = [];
    for (const name of ["alice-who-is-not-there", user]) {
      await page.goto("/console/login");
      const heard: string[] = [];
      for (let i = 0; i < 6; i++) {
        await page.getByLabel("User name").fill(name);
        await page.getByLabel("Password").fill(`wrong password ${i}`);
        await page.getByRole("button", { name: "Sign in" }).click();
        await expect(page.getByLabel("Password")).toHaveValue("");
        heard.push((await page.getByRole("alert").textContent())?.trim().replace(/\d+/, "N") ?? "");
      }
      said.push(heard);
      await accessible(page);
    }
    expect(said[0]!.slice(0, 5)).toEqual(Array(5).fill("User name or password is wrong."));
    expect(said[0]![5]).toMatch(/Too many failed attempts. Try again in N s/);
    expect(said[1]).toEqual(said[0]);
    // The right password does not help while it is locked, and says nothing else.
    await page.getByLabel("User name").fill(user);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("alert")).toContainText("Too many failed attempts");
    await server.restart(); // the counters are in memory
  });

  test("lists sessions, ends others at once, and changes the password", async ({ browser, watch }) => {
    watch.allow(/400/);
    const sessions = await Promise.all([server.signIn(), server.signIn()]);
    await within(browser, watch, server, { storageState: sessions[0] }, async (page) => {
      await within(browser, watch, server, { storageState: sessions[1] }, async (other) => {
        await other.goto("/console/account");
        const rows = other.locator("#sessions").locator("xpath=ancestor::section").getByRole("row");
        await expect(rows.filter({ hasText: "this one" })).toHaveCount(1);
        expect(await rows.count()).toBeGreaterThanOrEqual(3);
        await page.goto("/console/account");
        await page.getByRole("button", { name: "Sign out everywhere else" }).click();
        await expect(page.locator("#toasts")).toContainText("Ended sessions:");
        await expect(page.getByRole("button", { name: "Sign out everywhere else" })).toHaveCount(0);
        await other.reload();
        await expect(other).toHaveURL(/console\/login/);
      });
      await page.getByLabel("Present password").fill("something else");
      await page.getByLabel("New password").fill("a new sentence to enter");
      await page.getByLabel("Password again").fill("a new sentence to enter");
      await page.getByRole("button", { name: "Change password" }).click();
      await expect(page.locator(".error")).toContainText("The present password is wrong");
      await page.getByLabel("Present password").fill(password);
      await page.getByLabel("New password").fill(`${password}!`);
      await page.getByLabel("Password again").fill(`${password}!`);
      await page.getByRole("button", { name: "Change password" }).click();
      await expect(page.locator("#toasts")).toContainText("The password is changed");
    });
  });

  test("ends the session at once when one signs out", async ({ page, context, watch }) => {
    watch.allow(/401/);
    await page.goto("/console/login");
    await page.getByLabel("User name").fill(user);
    await page.getByLabel("Password").fill(`${password}!`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.locator(".account summary")).toContainText(user);
    const cookies = await context.cookies();
    await page.locator(".account summary").click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByRole("status").filter({ hasText: "You are signed out" })).toBeVisible();
    await context.addCookies(cookies); // a copy of the cookie is of no use
    await page.goto("/console/account");
    await expect(page).toHaveURL(/console\/login/);
  });
});
