import AxeBuilder from "@axe-core/playwright";
import { type Page, expect } from "@playwright/test";

/** Waits until nothing moves or fades any more, but for what does so all the time. */
async function standsStill(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const moving = document.getAnimations().filter(({ effect }) => effect?.getTiming().iterations !== Infinity);
    await Promise.allSettled(moving.map(({ finished }) => finished));
  });
}

/**
 * Requires that axe finds nothing, in all of a page or within a part: in light colours by all its rules, in dark ones by those
 * that look at colours. Code in a thread is left out: the arrows go to its message and Tab from there, and axe knows only Tab.
 */
export async function hasNoViolation(page: Page, state: string, within = "html"): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await standsStill(page);
    // There is no frame, and nobody asks for what is right: without both, axe takes a third of the time.
    const axe = new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ["violations"] });
    axe.include(within).exclude("[role=log] pre");
    const { violations } = await (
      colorScheme === "dark" ? axe.withRules(["color-contrast", "link-in-text-block"]) : axe
    ).analyze();
    const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`);
    expect(found, `${state}, in ${colorScheme} colours`).toEqual([]);
  }
}
