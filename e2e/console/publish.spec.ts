// Reviewing and publishing, for all or by address first: page P5.
import { Polls } from "./listeners.ts";
import { accessible, configPath, expect, hard, Server, testOn } from "./fixture.ts";

const server = new Server();
const test = testOn(server);
const publish = (page: import("@playwright/test").Page) => page.getByRole("button", { name: "Publish", exact: true });

async function change(page: import("@playwright/test").Page, key: Parameters<typeof configPath>[0], content: string): Promise<void> {
  await page.goto(configPath(key, "edit"));
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(content);
  await page.getByRole("button", { name: "Review and publish" }).click();
  await expect(page).toHaveURL(/review/);
}

test("the review shows what changes by line and by key, both ways, and whom it reaches", async ({ page }) => {
  const key = { group: "orders", dataId: "app.yaml" };
  await server.publish(key, "db:\n  pool:\n    max: 20\n  url: old\nport: 1\nkeep: x\n", { type: "yaml" });
  const polls = new Polls(server, key, 14);
  await expect.poll(async () => (await server.api<{ listeners: number }>("GET", `/delivery?${new URLSearchParams({ group: key.group, dataId: key.dataId })}`)).listeners).toBe(14);
  await change(page, key, `db:\n  url: new ${hard.markup.replaceAll("'", "")}\nport: 2\nkeep: x\nadded: 1\n`);
  const keys = page.locator(".key-changes").first();
  await expect(keys).toContainText(/2.*changed.*1.*added.*1.*removed/);
  await expect(keys.locator(".key-removed")).toContainText("db.pool.max");
  await expect(keys.locator(".key-changed").first()).toContainText("db.url");
  await expect(page.locator(".diff mark").first()).toBeVisible();
  await expect(page.locator(".diff.split")).toHaveCount(0);
  await page.getByRole("button", { name: "Side by side" }).click();
  await expect(page.locator(".diff.split")).toBeVisible();
  await page.getByRole("button", { name: "Unified" }).click();
  await expect(page.locator(".diff.split")).toHaveCount(0);
  await expect(page.locator("#impact").locator("xpath=ancestor::section")).toContainText("Clients that listen: 14");
  const apps = page.locator(".counts").first();
  await expect(apps).toContainText("poll-0");
  await expect(apps.getByRole("row")).toHaveCount(3);
  await accessible(page);
  await page.getByLabel("Comment").fill(hard.emoji);
  await publish(page).click();
  await expect(page).toHaveURL(/config\/clients.*published=/);
  await expect(page.locator(".sync-count")).toContainText("All 14 in sync");
  await page.goto(configPath(key, "history"));
  await expect(page.locator(".timeline-row").first()).toContainText(hard.emoji);
  await expect(page.locator(".timeline-row").first()).toContainText("nacos");
  await polls.stop();
});

test("what changes nothing is said, and not published", async ({ page }) => {
  const revision = await server.publish("same.txt", "as it is");
  await change(page, "same.txt", "as it is");
  await expect(page.locator(".empty")).toContainText("Nothing would change");
  await expect(publish(page)).toHaveCount(0);
  expect((await server.api<{ formal: { revision: number } | null }>("GET", "/config?dataId=same.txt"))).toBeTruthy();
  await page.goto(configPath("same.txt", "history"));
  await expect(page.locator(".timeline-row")).toHaveCount(1);
  await expect(page.locator(".timeline-row")).toContainText(String(revision));
});

test("production asks for its name", async ({ page, watch }) => {
  watch.allow(/400/);
  await server.addNamespace("live", "Production, Frankfurt");
  const key = { ns: "live", dataId: "p.txt" };
  await server.publish(key, "one");
  await change(page, key, "two");
  await expect(page.locator("main")).toContainText("Production, Frankfurt is a production namespace");
  const typed = page.getByRole("textbox", { name: /to confirm/ });
  await typed.fill("production");
  await publish(page).click();
  await expect(page.locator(".error")).toContainText("That is not the name");
  expect(await server.content(key)).toBe("one");
  const name = (await page.locator("label").filter({ hasText: "to confirm" }).locator("code").textContent())!;
  await typed.fill(name);
  await publish(page).click();
  await expect(page).toHaveURL(/published=/);
  expect(await server.content(key)).toBe("two");
});

test("a change while one reviews leads to the merge", async ({ page, watch }) => {
  watch.allow(/409/);
  await server.publish("race.yaml", "a: 1\nb: 2\nc: 3\nd: 4\n", { type: "yaml" });
  await change(page, "race.yaml", "a: 1\nb: 2\nc: 3\nd: mine\n");
  await server.publish("race.yaml", "a: theirs\nb: 2\nc: 3\nd: 4\n", { type: "yaml" });
  await publish(page).click();
  await expect(page.getByRole("heading", { name: "Changed meanwhile" })).toBeVisible();
  await page.getByRole("button", { name: "Review and publish" }).click();
  await publish(page).click();
  await expect(page).toHaveURL(/published=/);
  expect(await server.content("race.yaml")).toBe("a: theirs\nb: 2\nc: 3\nd: mine\n");
});

test("a canary reaches the chosen address, is changed, promoted or stopped", async ({ page, watch }) => {
  watch.allow(/400/);
  const key = { group: "orders", dataId: "canary.properties" };
  await server.publish(key, "color=blue\n", { type: "properties" });
  const polls = new Polls(server, key, 2);
  await page.goto(configPath(key, "canary"));
  await expect(page.locator(".empty")).toContainText("No canary");
  await expect.poll(async () => (await server.api<{ listeners: number }>("GET", `/delivery?${new URLSearchParams({ group: key.group, dataId: key.dataId })}`)).listeners).toBe(2);
  await change(page, key, "color=green\n");
  await page.getByRole("radio", { name: /Some addresses first/ }).check();
  await publish(page).click();
  await expect(page.locator(".error").first()).toContainText("Choose or name one address");
  await page.getByRole("radio", { name: /Some addresses first/ }).check();
  await page.getByLabel("Other addresses").fill("not-an-address");
  await publish(page).click();
  await expect(page.locator("main")).toContainText("not-an-address is not an IP address");
  await page.getByLabel("Other addresses").fill("");
  await page.getByRole("checkbox", { name: /127\.0\.0\.1/ }).check();
  await accessible(page);
  await publish(page).click();
  await expect(page).toHaveURL(/published=/);
  expect(await server.content(key)).toBe("color=blue\n");
  await page.goto(configPath(key, "canary"));
  await expect(page.locator("main")).toContainText("For clients at 127.0.0.1");
  await expect(page.locator("main")).toContainText("Clients that see it: 2");
  await expect(page.locator(".diff")).toContainText("green");
  await accessible(page);
  await page.getByText("Promote to all", { exact: true }).first().click();
  await page.locator("details[open]").getByRole("button", { name: "Promote to all" }).click();
  await expect(page.locator("#toasts")).toContainText("was promoted to all clients");
  expect(await server.content(key)).toBe("color=green\n");
  await page.goto(configPath(key, "history"));
  await expect(page.locator(".timeline")).toContainText("Canary promoted");

  await server.publish(key, "color=red\n", { gray: { ips: "10.0.0.1" } });
  await page.goto(configPath(key, "canary"));
  await page.getByText("Stop", { exact: true }).first().click();
  await page.locator("details[open]").getByRole("button", { name: "Stop" }).click();
  await expect(page.locator("#toasts")).toContainText("was stopped");
  await expect(page.locator(".empty")).toContainText("No canary");
  await polls.stop();
});

test("publishing works once, however often one presses", async ({ page }) => {
  await server.publish("once.txt", "zero");
  await change(page, "once.txt", "one");
  await page.route("**/config/publish", async (route) => {
    await new Promise((done) => setTimeout(done, 400));
    await route.continue();
  });
  await publish(page).dblclick();
  await expect(page).toHaveURL(/published=/);
  await page.goto(configPath("once.txt", "history"));
  await expect(page.locator(".timeline-row")).toHaveCount(2);
});
