// Writing a configuration: page P4.
import type { Page } from "@playwright/test";
import { accessible, configPath, expect, hard, measured, Server, sinceInput, testOn, within } from "./fixture.ts";

const server = new Server();
const test = testOn(server);

const text = (page: Page) => page.locator(".cm-content");
const review = (page: Page) => page.getByRole("button", { name: "Review and publish" });
const saved = (page: Page) => expect(page.locator("[data-draft-state]")).toHaveText("Draft saved");

/** Puts a text in the place of all that the editor holds, as a person who pastes does. */
async function write(page: Page, content: string): Promise<void> {
  await text(page).click();
  await page.keyboard.press("Control+a");
  await paste(page, content);
}

async function paste(page: Page, content: string): Promise<void> {
  await text(page).evaluate((element, data) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", data);
    element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, content);
}

test("a new configuration is written, reviewed and published, by keyboard alone", async ({ page }) => {
  await page.goto("/console/configs");
  await page.keyboard.press("c");
  await expect(page).toHaveURL(/config\/new/);
  await page.getByLabel("Data ID").focus();
  await page.keyboard.type("written.yaml");
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("Group")).toBeFocused();
  await text(page).focus();
  await page.keyboard.type("server:\n");
  await page.keyboard.press("Tab");
  await page.keyboard.type("port: 8080");
  await expect(page.locator("#problems")).toContainText("No problems found");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab"); // leaves the editor
  await expect(text(page)).not.toBeFocused();
  await text(page).focus();
  await page.keyboard.press("Control+Enter");
  await expect(page).toHaveURL(/config\/review/);
  await expect(page.locator(".diff tr.add")).toHaveCount(2);
  await page.getByLabel("Comment").fill("first");
  await page.getByLabel("Comment").press("Tab");
  await expect(page.getByRole("button", { name: "Publish", exact: true })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/config\/clients.*published=/);
  expect(await server.content("written.yaml")).toMatch(/^server:\n\s+port: 8080$/);
});

test("broken YAML is marked at its line within 500 ms, and is not taken", async ({ page, watch }) => {
  watch.allow(/400/);
  await server.publish("broken.yaml", "a: 1\n", { type: "yaml" });
  await page.goto(configPath("broken.yaml", "edit"));
  await expect(text(page)).toContainText("a: 1");
  const shown = sinceInput(page, "#problems li.problem-error");
  await write(page, "server:\n  port: 8080\n bad: [1, 2\nlast: x\n");
  const problem = page.locator("#problems li.problem-error").first();
  await expect(problem).toBeVisible();
  measured("from the last key to the error of broken YAML", await shown, 500);
  await expect(problem).toContainText(/Line [345], column/);
  await expect(page.locator(".cm-lint-marker-error")).toHaveCount(1);
  await problem.getByRole("button").click();
  await expect(text(page)).toBeFocused();
  await accessible(page);
  await review(page).click();
  await expect(page.getByRole("alert").first()).toContainText("Readers of yaml would refuse this content", { ignoreCase: true });
  await expect(page.locator("#problems li.problem-error").first()).toBeVisible();
  await expect(text(page)).toContainText("bad: [1, 2"); // what was typed is there
  expect(await server.content("broken.yaml")).toBe("a: 1\n");
  await page.getByLabel("Type").selectOption("text");
  await review(page).click();
  await expect(page).toHaveURL(/review/);
});

test("what readers may take otherwise is warned of: duplicate keys, tabs, trailing space, unescaped letters", async ({ page, watch }) => {
  watch.allow(/400/);
  for (const [name, content, said] of [
    ["dup.yaml", "a: 1\nb: 2\na: 3\n", /a.*(twice|already|duplicate|again)/i],
    ["tab.yaml", "a:\n\tb: 1\n", /tab/i],
    ["space.properties", "password=secret \n", /space/i],
    ["dup.json", '{"a": 1,\n "a": 2}', /the key a stands in line/],
    ["broken.json", '{"a": 1,\n "b": }', /./],
    ["broken.toml", "a = 1\na = 2\n", /./],
    ["broken.xml", "<a><b></a>", /./],
  ] as const) {
    await page.goto(`/console/config/new?${new URLSearchParams({ ns: "public" })}`);
    await page.getByLabel("Data ID").fill(name);
    await write(page, content);
    await expect(page.locator("#problems li").first(), name).toContainText(said);
    await expect(page.locator("#problems li.problem-error, #problems li.problem-warning").first(), name).toContainText("Line");
  }
});

test("a draft is kept on the server: after a reload, on another device, until it is discarded", async ({ page, browser, watch }) => {
  const key = "draft.yaml";
  await server.publish(key, "a: 1\n", { type: "yaml" });
  await page.goto(configPath(key, "edit"));
  await write(page, `a: 1\nnote: ${hard.emoji} ${hard.chinese}\n`);
  await saved(page);
  await page.reload();
  await expect(text(page)).toContainText(hard.chinese);
  await expect(page.locator("#draft")).toContainText("This is your draft");
  await within(browser, watch, server, { storageState: await server.signIn() }, async (other) => {
    await other.goto(configPath(key));
    await expect(other.locator("main")).toContainText("You have a draft");
    await other.goto(configPath(key, "edit"));
    await expect(text(other)).toContainText(hard.chinese);
  });
  await page.getByRole("button", { name: "Discard the draft" }).click();
  await expect(page.locator("#toasts")).toContainText("The draft was discarded");
  await page.goto(configPath(key, "edit"));
  await expect(page.locator("#draft")).toHaveCount(0);
  await expect(text(page)).not.toContainText(hard.chinese);
});

test("what is new is there again after a reload, and after going back from the review", async ({ page }) => {
  await page.goto("/console/config/new?ns=public");
  await page.getByLabel("Data ID").fill("begun.yaml");
  await write(page, "begun: 1\n");
  await saved(page);
  await page.reload();
  await expect(text(page)).toContainText("begun: 1");
  await review(page).click();
  await expect(page).toHaveURL(/review/);
  await page.goBack();
  await expect(text(page)).toContainText("begun: 1");
  await expect(page.getByLabel("Data ID")).toHaveValue("begun.yaml");
});

test("leaving right after the last key loses nothing", async ({ page }) => {
  await server.publish("hasty.yaml", "a: 1\n", { type: "yaml" });
  await page.goto(configPath("hasty.yaml", "edit"));
  await write(page, "a: typed in haste\n");
  await page.goto("/console/configs"); // the question of the browser is answered with yes
  await expect(async () => {
    await page.goto(configPath("hasty.yaml", "edit"));
    await expect(text(page)).toContainText("typed in haste", { timeout: 1_000 });
  }).toPass({ timeout: 10_000 });
});

test("what is typed stays as it is while the page asks what others do", async ({ page }) => {
  await server.publish("asks.yaml", "a: 1\n", { type: "yaml" });
  await page.goto(configPath("asks.yaml", "edit"));
  await write(page, "first: 1\nsecond: 2\n");
  await page.waitForResponse(/\/edit\/others/);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("third: 3");
  await page.waitForResponse(/\/edit\/others/);
  await saved(page);
  expect(await page.locator(".cm-line").allTextContents()).toEqual(["first: 1", "second: 2", "third: 3"]);
});

test("two who edit the same: the second gets the merge, and nothing is lost", async ({ page, browser, watch }) => {
  watch.allow(/409/);
  const key = "merge.yaml";
  await server.publish(key, "first: 1\nsecond: 2\nthird: 3\nfourth: 4\nfifth: 5\n", { type: "yaml" });
  await page.goto(configPath(key, "edit"));
  await expect(text(page)).toContainText("first: 1");
  // Somebody else publishes; their line and the own one differ.
  await server.publish(key, "first: 1\nsecond: theirs\nthird: 3\nfourth: 4\nfifth: 5\n", { type: "yaml", operator: "bob" });
  await expect(page.getByRole("status").filter({ hasText: "newer version" })).toContainText("bob published a newer version", { timeout: 10_000 });
  await write(page, "first: 1\nsecond: 2\nthird: 3\nfourth: 4\nfifth: mine\n");
  await review(page).click();
  await expect(page.getByRole("heading", { name: "Changed meanwhile" })).toBeVisible();
  await expect(page.locator(".merge")).toContainText("bob");
  await expect(page.locator(".merge .diff").first()).toContainText("theirs");
  await expect(text(page)).toContainText("second: theirs");
  await expect(text(page)).toContainText("fifth: mine");
  await accessible(page);
  await review(page).click();
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page).toHaveURL(/published=/);
  expect(await server.content(key)).toBe("first: 1\nsecond: theirs\nthird: 3\nfourth: 4\nfifth: mine\n");
  expect(browser.isConnected()).toBe(true);
});

test("the same line changed by two is decided by hand; marks that are left are refused", async ({ page, watch }) => {
  watch.allow(/400/, /409/);
  const key = "clash.yaml";
  await server.publish(key, "a: 1\nb: 2\nc: 3\n", { type: "yaml" });
  await page.goto(configPath(key, "edit"));
  await write(page, "a: 1\nb: mine\nc: 3\n");
  await saved(page);
  await server.publish(key, "a: 1\nb: theirs\nc: 3\n", { type: "yaml" });
  await review(page).click();
  await expect(page.locator(".merge")).toContainText("Places that both have changed: 1");
  await expect(text(page)).toContainText("<<<<<<<");
  await expect(text(page)).toContainText("b: mine");
  await expect(text(page)).toContainText("b: theirs");
  await review(page).click();
  await expect(page.getByRole("alert").first()).toContainText("There are places left that both have changed");
  await expect(page.locator("#problems li.problem-error")).toContainText("Line 2, column 1");
  expect(await server.content(key)).toContain("theirs");
  await page.getByRole("button", { name: "Take both" }).click();
  await expect(text(page)).not.toContainText("<<<<<<<");
  await write(page, "a: 1\nb: decided\nc: 3\n");
  await review(page).click();
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page).toHaveURL(/published=/);
  expect(await server.content(key)).toContain("decided");
});

test("one's own two tabs: the second is told, and one chooses", async ({ page, context, watch }) => {
  watch.allow(/409/);
  await server.publish("tabs.yaml", "a: 1\n", { type: "yaml" });
  await page.goto(configPath("tabs.yaml", "edit"));
  const other = await context.newPage();
  await other.goto(configPath("tabs.yaml", "edit"));
  await write(page, "a: from the first tab\n");
  await saved(page);
  await write(other, "a: from the second tab\n");
  await expect(other.locator("[data-elsewhere]")).toBeVisible();
  await expect(other.locator("[data-elsewhere]")).toContainText("changed in another tab");
  await other.getByRole("button", { name: "Go on with what is here" }).click();
  await saved(other);
  await page.reload();
  await expect(text(page)).toContainText("from the second tab");
});

test("ten megabytes are pasted, kept responsive, and arrive whole", async ({ page, watch }) => {
  test.slow();
  watch.allow(/404/);
  const content = `${"0123456789 abcdefghijklmnopqrstuvwxyz, the quick brown fox\n".repeat(170_000)}`;
  await page.goto("/console/config/new?ns=public");
  await page.getByLabel("Data ID").fill("ten-megabytes.txt");
  await page.getByLabel("Type").selectOption("text");
  await page.evaluate(() => {
    const tasks: number[] = ((window as unknown as { tasks: number[] }).tasks = []);
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map((e) => e.duration))).observe({ entryTypes: ["longtask"] });
  });
  await text(page).click();
  await paste(page, content);
  await page.evaluate(() => ((window as unknown as { tasks: number[] }).tasks.length = 0)); // the paste itself is one
  for (let i = 0; i < 20; i++) await page.keyboard.type("typed ");
  const tasks = await page.evaluate(() => (window as unknown as { tasks: number[] }).tasks);
  measured(`long tasks while typing into 10 MB, mean of ${tasks.length}`, tasks.length ? tasks.reduce((a, b) => a + b) / tasks.length : 0, 200);
  expect(tasks.length).toBeLessThan(100);
  await review(page).click();
  await page.getByRole("button", { name: "Publish", exact: true }).click({ timeout: 30_000 });
  await expect(page).toHaveURL(/published=/, { timeout: 30_000 });
  const held = (await server.content("ten-megabytes.txt"))!;
  expect(held.length).toBe(content.length + 20 * "typed ".length);
});

test("find and replace, laying out, line ends and letters of any script", async ({ page }) => {
  await server.publish("tools.json", '{"b":1,"a":[1,2,3],"name":"x"}', { type: "json" });
  await page.goto(configPath("tools.json", "edit"));
  await page.getByRole("button", { name: "Lay out anew" }).click();
  await expect(page.locator(".cm-line")).not.toHaveCount(1);
  await text(page).focus();
  await page.keyboard.press("Control+f");
  const find = page.locator(".cm-search input[name=search]");
  await expect(find).toBeFocused();
  await find.fill('"x"');
  await page.locator(".cm-search input[name=replace]").fill(`"${hard.arabic}"`);
  await page.locator(".cm-search button[name=replaceAll]").click();
  await expect(text(page)).toContainText(hard.arabic);
  await accessible(page);
  await review(page).click();
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page).toHaveURL(/published=/);
  expect(JSON.parse((await server.content("tools.json"))!)).toEqual({ b: 1, a: [1, 2, 3], name: hard.arabic });
  const crlf = "a=1\r\nb=2\r\n";
  await server.publish("crlf.properties", crlf, { type: "properties" });
  await page.goto(configPath("crlf.properties", "edit"));
  await expect(page.locator("main")).toContainText("Lines end with CRLF");
  await write(page, "a=1\nb=3\n");
  await review(page).click();
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await expect(page).toHaveURL(/published=/);
  expect(await server.content("crlf.properties")).toBe("a=1\r\nb=3\r\n");
});

test("names that can't be are said at their field", async ({ page, watch }) => {
  watch.allow(/400/);
  for (const [id, said] of [["with space", "Only letters, digits and"], [hard.markup, "Only letters, digits and"], ["x".repeat(300), "At most 256 characters"]]) {
    await page.goto("/console/config/new?ns=public");
    await page.getByLabel("Data ID").evaluate((input: HTMLInputElement) => input.removeAttribute("maxlength"));
    await page.getByLabel("Data ID").evaluate((input: HTMLInputElement) => input.removeAttribute("pattern"));
    await page.getByLabel("Data ID").fill(id!);
    await write(page, "x");
    await review(page).click();
    await expect(page.locator(".field.wrong")).toContainText(said!);
    await expect(text(page)).toContainText("x");
  }
});

test("what is no text is not edited here, and it is said why", async ({ page, watch }) => {
  watch.allow(/4\d\d/);
  await fetch(`${server.url}/nacos/v1/cs/configs`, { method: "POST", body: new URLSearchParams({ dataId: "nul.bin", group: "DEFAULT_GROUP", content: "a\u0000b" }) });
  await page.goto(configPath("nul.bin", "edit"));
  await expect(page.locator("main")).toContainText("can't be edited here");
  await expect(text(page)).toHaveCount(0);
});
