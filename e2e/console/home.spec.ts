import { execFile } from "node:child_process";
import { promisify } from "node:util";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page, test } from "@playwright/test";
import { Server } from "./server.ts";

let server: Server;

test.beforeAll(async () => {
  server = await Server.start();
});

test.afterAll(async () => {
  await server?.stop();
});

/** Collects what must not happen on any page: requests elsewhere, refused content, script errors. */
function watch(page: Page): string[] {
  const wrong: string[] = [];
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== server.url) wrong.push(`request to ${request.url()}`);
  });
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") wrong.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => wrong.push(`script: ${error.message}`));
  page.on("response", (answer) => {
    if (answer.status() >= 400) wrong.push(`${answer.status()} for ${answer.url()}`);
  });
  return wrong;
}

async function accessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
  const grave = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  expect(grave.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`)).toEqual([]);
}

async function withoutSidewaysScroll(page: Page): Promise<void> {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(content).toBeLessThanOrEqual(window);
}

// The order matters: the first group sees an empty server, the second one that has configurations.
for (const state of ["empty", "with configurations"]) {
  test.describe(state, () => {
    if (state !== "empty") {
      test.beforeAll(async () => {
        await server.publish("application.yml", "server:\n  port: 8080\n");
        await server.publish(`${"a-very-long-name-".repeat(14)}.properties`, "a=b");
      });
    }
    for (const colorScheme of ["light", "dark"] as const) {
      for (const locale of ["en-US", "zh-CN"]) {
        test(`is accessible and fits every width, ${colorScheme}, ${locale}`, async ({ browser }) => {
          const context = await browser.newContext({ colorScheme, locale });
          const page = await context.newPage();
          const wrong = watch(page);
          const answer = await page.goto(server.url);
          expect(answer?.status()).toBe(200);
          await expect(page.locator("html")).toHaveAttribute("lang", locale === "en-US" ? "en" : "zh-CN");
          for (const details of await page.locator("summary").all()) await details.click();
          for (const width of [1280, 768, 390, 320]) {
            await page.setViewportSize({ width, height: 800 });
            await withoutSidewaysScroll(page);
            await accessible(page);
            if (process.env.SHOTS) {
              const name = `home-${state}-${colorScheme}-${locale}-${width}`.replaceAll(" ", "-");
              await page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });
            }
          }
          expect(wrong).toEqual([]);
          await context.close();
        });
      }
    }

    test("is complete without script", async ({ browser }) => {
      const context = await browser.newContext({ javaScriptEnabled: false });
      const page = await context.newPage();
      await page.goto(server.url);
      await expect(page.getByText("Ready", { exact: true })).toBeVisible();
      await expect(page.getByRole("heading", { level: 2, name: state === "empty" ? "Publish your first configuration" : "Latest changes" })).toBeVisible();
      await expect(page.getByRole("button")).toHaveCount(0);
      await context.close();
    });
  });

  if (state !== "empty") break;

  test("an empty server teaches commands that work", async ({ browser }) => {
    const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
    const page = await context.newPage();
    await page.goto(server.url);
    for (const [step, answer] of [["Publish", "true"], ["Read", "greeting=hello"]]) {
      await page.getByRole("button", { name: `Copy: ${step}` }).click();
      await expect(page.getByRole("status")).toHaveText("Copied");
      const command = await page.evaluate(() => navigator.clipboard.readText());
      expect(command).toContain(server.url);
      const { stdout } = await promisify(execFile)("sh", ["-c", command]);
      expect(stdout).toBe(answer);
    }
    await context.close();
  });
}

test("latest changes lead to the content", async ({ page }) => {
  await server.publish("application.yml", "server:\n  port: 8080\n");
  const wrong = watch(page);
  await page.goto(server.url);
  const row = page.getByRole("row").filter({ hasText: "application.yml" });
  await expect(row).toContainText("just now");
  await expect(row.locator("time")).toHaveAttribute("title", /\d{4}/);
  await row.getByRole("link").click();
  await expect(page.locator("body")).toContainText("port: 8080");
  // The browser looks for an icon of plain text at a fixed path; nothing else may be missing.
  expect(wrong.filter((w) => !w.includes("favicon.ico") && !w.includes("404"))).toEqual([]);
});

test("answers carry a strict policy", async ({ request }) => {
  for (const path of ["/", "/nacos/"]) {
    const answer = await request.get(server.url + path);
    expect(answer.status()).toBe(200);
    const policy = answer.headers()["content-security-policy"] ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    expect(answer.headers()["x-content-type-options"]).toBe("nosniff");
  }
});

test("an injected script does not run", async ({ page }) => {
  await page.goto(server.url);
  const ran = await page.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "window.injected = true";
    document.body.append(script);
    return "injected" in window;
  });
  expect(ran).toBe(false);
});

test("language and skip link work by keyboard", async ({ page }) => {
  await page.goto(server.url);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
  await page.getByRole("link", { name: "中文" }).press("Enter");
  await expect(page).toHaveURL(/lang=zh-CN/);
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
});
