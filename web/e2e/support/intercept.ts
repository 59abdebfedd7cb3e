import type { Page, Route } from "@playwright/test";

/**
 * Handles requests of a page in place of the deployment, until what it gives is called. Playwright's `unroute`, and its `times`, do that
 * worse: once a page has no route any more, the browser may leave what is on its way without an answer.
 */
export async function intercept(
  page: Page,
  url: string | RegExp,
  handle: (route: Route) => Promise<unknown> | undefined,
): Promise<() => void> {
  let isOn = true;
  await page.route(url, (route) => (isOn ? handle(route) : route.fallback()));
  return () => {
    isOn = false;
  };
}

/** Holds requests of a page up until what it gives is called. */
export async function hold(page: Page, url: string): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const stop = await intercept(page, url, async (route) => {
    await held;
    await route.continue();
  });
  return () => {
    stop();
    release();
  };
}
