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
