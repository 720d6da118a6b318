// The palette and the keys.
import { accessible, expect, measured, Server, sinceInput, testOn } from "./fixture.ts";

const server = new Server();
const test = testOn(server);

test.beforeAll(async () => {
  test.setTimeout(120_000);
  await server.seed("public", 100_000, (i) => ({ group: `team-${i % 50}`, dataId: `service-${i}.yaml`, content: `port: ${i}\n` }));
  await server.addNamespace("staging", "Staging 预发");
  await server.publish({ ns: "staging", group: "pay", dataId: "zebra-crossing.yaml" }, "x: 1");
  await server.publish({ group: "中文", dataId: "quagga.yaml" }, "标题: 数据库").catch(() => server.publish({ group: "zh", dataId: "quagga.yaml" }, "标题: 数据库"));
});

test("three letters and Enter lead to a configuration of any namespace", async ({ page }) => {
  await page.goto("/");
  await page.keyboard.press("Control+k");
  const input = page.getByRole("combobox");
  await expect(input).toBeFocused();
  await accessible(page);
  const shown = sinceInput(page, "#palette [role=option]", "zebra-crossing");
  await input.pressSequentially("zebr", { delay: 30 });
  await expect(page.getByRole("option", { name: /zebra-crossing/ })).toBeVisible();
  measured("palette: from the last letter to the configuration", await shown, 150);
  await expect(input).toHaveAttribute("aria-activedescendant", /palette-/);
  while (!(await page.getByRole("option", { selected: true }).textContent())?.includes("zebra")) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/console\/config\?.*zebra-crossing/);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("option", { name: /zebra-crossing/ }).first()).toBeVisible(); // it is recent now
});

test("pages, namespaces and actions are found, and Escape gives the focus back", async ({ page }) => {
  await page.goto("/console/configs");
  const opener = page.locator("#palette-open");
  await opener.click();
  for (const [text, option] of [["clu", "Cluster"], ["预发", "Staging 预发"], ["dark", "Theme: Dark"], ["new conf", "New configuration"], ["中文", "Language: 中文"]] as const) {
    await page.getByRole("combobox").fill(text);
    await expect(page.getByRole("option", { name: option }).first(), text).toBeVisible();
  }
  await page.keyboard.press("Escape");
  await expect(page.locator("#palette")).toBeHidden();
  await expect(opener).toBeFocused();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("no-such-thing-at-all");
  await expect(page.locator("#palette-list")).toContainText("Nothing is called like that");
});

test("letters that an input method still composes are not searched for, and its Enter does not lead away", async ({ page }) => {
  await page.goto("/console/configs");
  await page.keyboard.press("Control+k");
  const client = await page.context().newCDPSession(page);
  await client.send("Input.imeSetComposition", { text: "yu", selectionStart: 2, selectionEnd: 2 });
  await page.getByRole("combobox").dispatchEvent("keydown", { key: "Enter", isComposing: true });
  await expect(page.locator("#palette")).toBeVisible();
  await client.send("Input.insertText", { text: "预发" });
  await expect(page.getByRole("option", { name: "Staging 预发" })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/ns=staging/);
});

test("what is found answers in time among 100,000", async ({ page }) => {
  await page.goto("/");
  const took: number[] = [];
  for (const q of ["ser", "service-99", "serv 123", "zebra", "team-7", "yaml", "xyzzy", "se", "crossing", "quagga"]) {
    const from = performance.now();
    const answer = await page.request.get(`/console/find?${new URLSearchParams({ q, ns: "public" })}`, { headers: { Accept: "application/json" } });
    took.push(performance.now() - from);
    expect(answer.status()).toBe(200);
  }
  measured("palette: the server's answer, the slowest of 10", Math.max(...took), 150);
});

test("the keys are listed, and each of them works", async ({ page }) => {
  await page.goto("/");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys that work here" })).toBeVisible();
  await accessible(page);
  await page.keyboard.press("Escape");
  for (const [key, path] of [["c", "/console/configs"], ["s", "/console/services"], ["f", "/console/feed"], ["l", "/console/clients"], ["n", "/console/cluster"], ["o", "/"]] as const) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await expect(page).toHaveURL(new RegExp(`${path === "/" ? `${server.port}/$` : path}`));
  }
  await page.goto("/console/configs");
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox", { name: "Search configurations" })).toBeFocused();
  await page.keyboard.type("c?gx"); // letters that are typed are no verbs
  await expect(page).toHaveURL(/configs/);
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("language and theme are chosen and stay", async ({ page }) => {
  await page.goto("/console/configs?q=service-1");
  await page.getByRole("link", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(page).toHaveURL(/q=service-1/);
  await page.getByRole("link", { name: "中文" }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
  await page.goto("/console/cluster");
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe("dark");
});
