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

async function fits(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.viewport.width);
  for (const scroller of await page.locator("[data-scroller]").all()) {
    expect(await scroller.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
  }
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
  const team = await inbox(ada, phone);
  await fits(team.page);
  await team.lines.first().tap();
  await expect(team.conversation.bodies).toHaveCount(wide.length);
  await expect(team.lines.first()).toBeHidden();
  await fits(team.page);
  await team.page.getByRole("button", { name: "Back to the inbox" }).tap();
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
