import type { Page } from "@playwright/test";
import { ada, grace } from "../support/deployment.ts";
import { expect, test } from "../support/scenario.ts";

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const wide = [
  "w".repeat(400),
  `https://example.com/${"path/".repeat(60)}`,
  "🧵".repeat(120),
  "a\u0301".repeat(200),
  "ש".repeat(300),
];

/** Requires that a page fits a phone, the narrowest one, and a window of 1280 pixels at a zoom of 200 %. */
async function fits(page: Page): Promise<void> {
  for (const width of [320, 640, phone.viewport.width]) {
    await page.setViewportSize({ width, height: phone.viewport.height });
    expect(await page.evaluate(() => document.documentElement.scrollWidth), page.url()).toBeLessThanOrEqual(width);
    for (const scroller of await page.locator("[data-scroller]").all()) {
      expect(await scroller.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
    }
  }
}

/** Requires that what a finger presses is 44 pixels high. */
async function isForFingers(page: Page): Promise<void> {
  const controls = page
    .locator("main")
    .locator("button:visible, select:visible, textarea:visible, input:not([type=radio]):visible");
  const heights = await controls.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height));
  expect(heights.length).toBeGreaterThan(0);
  expect(Math.min(...heights.filter((height) => height > 1))).toBeGreaterThanOrEqual(44);
}

test("on a phone nothing has to be moved sideways", async ({ open, chat, inbox, deployment }) => {
  for (const body of wide) await deployment.send(grace, body);
  await deployment.call(ada, "POST", "/api/conversations/update", {
    clientId: grace.id,
    clientName: "N".repeat(120),
    assigneeId: "a".repeat(120),
  });
  const home = await open("/", phone);
  await expect(home.getByText(wide[0]!)).toHaveCount(2);
  await fits(home);
  const client = await chat(grace, phone);
  await expect(client.bodies).toHaveCount(wide.length);
  await fits(client.page);
  await isForFingers(client.page);
  const team = await inbox(ada, phone);
  await fits(team.page);
  await isForFingers(team.page);
  await team.lines.first().tap();
  await expect(team.conversation.bodies).toHaveCount(wide.length);
  await expect(team.lines.first()).toBeHidden();
  await fits(team.page);
  await isForFingers(team.page);
  await team.page.getByRole("button", { name: "Conversation actions" }).tap();
  await team.page.getByRole("menuitemradio", { name: "Me", exact: true }).tap();
  const actions = team.page.getByRole("button", { name: "Conversation actions" });
  await actions.tap();
  await team.page.getByRole("menuitem", { name: "About the client" }).tap();
  const about = team.page.getByRole("dialog", { name: "About the client" });
  await about.getByRole("button", { name: "Close" }).tap();
  await expect(about).toBeHidden();
  await expect(actions).toBeFocused();
  await team.page.getByRole("button", { name: "Back to the inbox" }).tap();
  await expect(team.lines.first()).toContainText("Mine");
  await expect(team.lines.first()).toBeVisible();
  for (const path of ["/authjs", "/there-is-no-such-page"]) await fits(await open(path, phone));
});

test("on a phone Enter makes a new line, and the button sends", async ({ chat, deployment }) => {
  const client = await chat(grace, phone);
  await client.field.tap();
  await client.field.pressSequentially("One");
  await client.field.press("Enter");
  await client.field.pressSequentially("Two");
  await client.page.getByRole("button", { name: "Send" }).tap();
  await client.delivery("One Two", "Sent");
  expect((await deployment.stored(grace)).map(({ body }) => body)).toEqual(["One\nTwo"]);
});
