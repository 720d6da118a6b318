// Namespaces, and the switcher that is on every page.
import { accessible, expect, hard, Server, testOn } from "./fixture.ts";

const server = new Server();
const test = testOn(server);

test("a namespace is made, changed and removed", async ({ page }) => {
  await page.goto("/console/namespaces");
  await page.getByLabel("Name", { exact: true }).fill("Staging, Frankfurt");
  await page.getByRole("textbox", { name: "ID", exact: true }).fill("staging");
  await page.getByLabel("Description").fill(hard.arabic);
  await page.getByRole("button", { name: "Create namespace" }).click();
  await expect(page.locator("#toasts")).toContainText("Staging, Frankfurt is there.");
  const row = page.getByRole("row").filter({ hasText: "staging" });
  await expect(row.getByRole("rowheader")).toContainText(hard.arabic);
  expect((await server.api<{ name: string }>("GET", "/namespaces/staging")).name).toBe("Staging, Frankfurt");

  await row.getByRole("link", { name: "Edit: Staging, Frankfurt" }).click();
  await expect(page.getByRole("textbox", { name: "ID", exact: true })).not.toBeEditable();
  await page.getByLabel("Name", { exact: true }).fill("Staging, Dublin");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("row").filter({ hasText: "staging" })).toContainText("Staging, Dublin");

  await page.getByRole("row").filter({ hasText: "staging" }).locator("summary").click();
  await page.getByRole("row").filter({ hasText: "staging" }).getByRole("button", { name: "Delete" }).click();
  await expect(page.locator("#toasts")).toContainText("Staging, Dublin is removed.");
  await expect(page.getByRole("row").filter({ hasText: "staging" })).toHaveCount(0);
});

test("what is wrong is said at the field, and what was typed stays", async ({ page, watch }) => {
  watch.allow(/400/, /409/);
  await server.addNamespace("taken");
  await page.goto("/console/namespaces");
  for (const [name, id, said, status] of [
    ["A name", "with space", "letters, digits, _ and -", 400],
    ["A name", "taken", "There is a namespace with this ID", 409],
    ["50% off", "percent", "A name has 1 to 256 characters, without", 400],
  ] as const) {
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByRole("textbox", { name: "ID", exact: true }).fill(id);
    const answer = page.waitForResponse((r) => r.request().method() === "POST");
    await page.getByRole("button", { name: "Create namespace" }).click();
    expect((await answer).status()).toBe(status);
    await expect(page.locator(".error")).toContainText(said);
    await expect(page.getByLabel("Name", { exact: true })).toHaveValue(name);
    await expect(page.getByRole("textbox", { name: "ID", exact: true })).toHaveValue(id);
  }
  await accessible(page);
});

test("one that holds something can't be removed", async ({ page }) => {
  await server.addNamespace("full");
  await server.publish({ ns: "full", dataId: "a" }, "x");
  await page.goto("/console/namespaces");
  const row = page.getByRole("row").filter({ hasText: "full" });
  await expect(row).toContainText("Configurations in it: 1");
  await expect(row.locator("summary")).toHaveCount(0);
});

test("one of production has a frame and a word, not only a colour, and asks for its name", async ({ page, watch }) => {
  watch.allow(/400/);
  await server.addNamespace("live", "Production, Frankfurt");
  await page.goto("/console/configs?ns=live");
  await expect(page.locator("body")).toHaveClass(/production/);
  await expect(page.locator(".switcher summary")).toContainText("PROD");
  await page.goto("/console/namespaces");
  const row = page.getByRole("row").filter({ hasText: "Production, Frankfurt" });
  await row.locator("summary").click();
  const typed = row.getByRole("textbox");
  await expect(typed).toBeFocused();
  await row.getByRole("button", { name: "Delete" }).click();
  expect(await typed.evaluate((input: HTMLInputElement) => input.validity.valueMissing)).toBe(true);
  await typed.fill("production");
  await row.getByRole("button", { name: "Delete" }).click();
  await expect(page.locator("main")).toContainText("Type Production, Frankfurt to confirm");
  await page.goto("/console/namespaces");
  await expect(row).toHaveCount(1);
});

test("among 500 the switcher finds one by what is typed, by keyboard alone", async ({ page }) => {
  for (let i = 0; i < 500; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, k) => server.addNamespace(`team-${i + k}`, `Team ${i + k} 团队`)));
  }
  await page.goto("/console/configs");
  await page.keyboard.press("Alt+n");
  const filter = page.getByRole("searchbox", { name: "Filter namespaces" });
  await expect(filter).toBeFocused();
  await filter.pressSequentially("team 347");
  const entries = page.locator("#namespace-list li:visible");
  await expect(entries).toHaveCount(1);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/ns=team-347/);
  await expect(page.locator(".switcher summary")).toContainText("Team 347 团队");
  await page.keyboard.press("Alt+n");
  await page.keyboard.press("Escape");
  await expect(page.locator(".switcher summary")).toBeFocused();
  await page.goto("/console/deleted?ns=team-1");
  await page.locator(".switcher summary").click();
  await page.locator("#namespace-list").getByRole("link", { name: "Team 2 团队" }).click();
  await expect(page).toHaveURL(/\/console\/deleted\?ns=team-2/); // it stays on the page
});

test("the table of namespaces is filtered as one types", async ({ page }) => {
  await page.goto("/console/namespaces");
  await page.getByRole("searchbox", { name: "Filter namespaces" }).last().fill("team-34");
  await expect(page.locator("#namespaces-table tbody tr:visible")).toHaveCount(11);
});
