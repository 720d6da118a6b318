// Connecting applications: addresses, ports and code that are this server's.
import { execFileSync } from "node:child_process";
import { accessible, configPath, expect, Server, testOn } from "./fixture.ts";
import { Polls } from "./listeners.ts";

const server = new Server();
const test = testOn(server);

test("code for each SDK has this server's ports, and the namespace", async ({ page }) => {
  await server.addNamespace("staging", "Staging");
  await page.goto("/console/connect?ns=staging");
  await expect(page.locator("main")).toContainText(`127.0.0.1:${server.port}`);
  await expect(page.locator("main")).toContainText(String(server.port + 1000));
  for (const language of ["Spring", "Java", "Go", "Python", "Node", "curl"]) {
    const code = page.locator("section.card").filter({ has: page.getByRole("heading", { level: 2, name: new RegExp(language) }) }).first();
    await expect(code.locator("pre").last(), language).toContainText(String(server.port));
    await expect(code.locator("pre").last(), language).toContainText("staging");
  }
  await accessible(page);
  await page.getByLabel("Group").fill("orders");
  await page.getByLabel("Data ID").fill("mine.yaml");
  await page.getByRole("button", { name: "Show the code" }).click();
  await expect(page).toHaveURL(/dataId=mine\.yaml/);
  await expect(page.locator("pre").filter({ hasText: "mine.yaml" }).first()).toBeVisible();
  await page.getByRole("link", { name: "One port only" }).click();
  await expect(page.locator("main")).toContainText(`Where only port ${server.port} can be opened`);
});

test("the commands that check a connection work, and who connects appears", async ({ page }) => {
  await server.publish({ group: "DEFAULT_GROUP", dataId: "application.yaml" }, "a: 1\n");
  await page.goto("/console/connect");
  const commands = await page.locator("#checks").locator("xpath=ancestor::section").locator("pre").allTextContents();
  expect(commands.length).toBeGreaterThanOrEqual(3);
  const answers = commands.map((c) => execFileSync("sh", ["-c", c], { stdio: ["ignore", "pipe", "ignore"], timeout: 20_000 }).toString().trim());
  expect(answers[1]).toContain("2");
  await expect(page.locator("#connected")).toContainText("No application is connected yet");
  const polls = new Polls(server, { dataId: "application.yaml" }, 2);
  await expect(page.locator("#connected")).toContainText("Connected: 2", { timeout: 10_000 });
  await polls.stop();
});

test("the curl of a configuration's snippets reads it", async ({ page }) => {
  await server.publish({ group: "orders", dataId: "snippet.txt" }, "read by curl");
  await page.goto(configPath({ group: "orders", dataId: "snippet.txt" }, "snippets"));
  await accessible(page);
  const code = (await page.locator("#curl-code, pre").filter({ hasText: "curl" }).first().textContent())!;
  const first = code.split("\n").filter((line) => !line.startsWith("#")).join("\n").split(/\n\n/)[0]!;
  expect(execFileSync("sh", ["-c", first], { stdio: ["ignore", "pipe", "ignore"], timeout: 20_000 }).toString()).toContain("read by curl");
});
