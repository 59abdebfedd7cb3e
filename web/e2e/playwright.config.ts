import { defineConfig } from "@playwright/test";

// In internal/browser, chromium_test.go says which browser runs, stage_test.go what it is shown.
const { BROWSER_PATH, BROWSER_SANDBOX, SCREENSHOTS } = process.env;
if (!BROWSER_PATH)
  throw new Error("Run `go test ./internal/browser`: it brings the browser and what the scenarios need.");

export default defineConfig({
  testDir: SCREENSHOTS ? "screenshots" : "scenarios",
  outputDir: "test-results",
  fullyParallel: true,
  forbidOnly: true,
  workers: 3, // on two cores: some scenarios wait for seconds
  timeout: 120_000,
  globalTimeout: 480_000,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  use: {
    actionTimeout: 30_000,
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: BROWSER_PATH,
      // root has no sandbox
      chromiumSandbox: process.getuid?.() !== 0 && BROWSER_SANDBOX !== "no",
      args: ["--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-smooth-scrolling"],
    },
  },
});
