import { defineConfig } from "@playwright/test";

// One worker: the tests of a file share a server and what is published there, and one browser is enough for two cores.
export default defineConfig({
  testDir: ".",
  outputDir: "../../.cache/playwright",
  timeout: 60_000,
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  reporter: [["list"]],
  use: {
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
