import type { Page } from "@playwright/test";
import { ada, alan, grace } from "../support/deployment.ts";
import { Inbox } from "../support/inbox.ts";
import { expect, test } from "../support/scenario.ts";

/** Has a page note its notifications and sounds in place of making them. */
async function note(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const told: string[] = [];
    class Notice {
      static permission = "granted";
      static requestPermission = () => Promise.resolve("granted");
      close = () => {};
      constructor(title: string, { body }: { body: string }) {
        told.push(`${title}: ${body}`);
      }
    }
    Object.assign(window, { told, Notification: Notice });
    AudioContext.prototype.resume = () => Promise.resolve(void told.push("a sound"));
  });
}

const told = (page: Page) => page.evaluate(() => (window as unknown as { told: string[] }).told);

test("a developer is told once, in one tab, and not of what is on the screen", async ({ inbox, deployment }) => {
  await deployment.send(alan, "Alan asks");
  await deployment.send(grace, "Grace asks");
  const team = await inbox(ada, { prepare: note });
  await team.page.getByRole("button", { name: "How to be told" }).click();
  await team.page.getByRole("menuitemcheckbox", { name: "Desktop notifications" }).click();
  await team.page.keyboard.press("Escape");
  const tab = await team.page.context().newPage();
  await note(tab);
  await tab.goto("/inbox?as=ada");
  const second = await Inbox.on(tab);
  await second.open("Alan");

  await deployment.send(alan, "On the screen of the second tab");
  await deployment.send(grace, "Are you there?");
  await expect
    .poll(async () => [...(await told(team.page)), ...(await told(tab))].sort())
    .toEqual(["Grace: Are you there?", "a sound"]);
  await deployment.send(ada, "I am", grace); // one's own side is nothing new
  await deployment.send(grace, "Good");
  await expect
    .poll(async () => [...(await told(team.page)), ...(await told(tab))].sort())
    .toEqual(["Grace: Are you there?", "Grace: Good", "a sound", "a sound"]);
});

test("a client hears nothing until they want to, and is told while they look elsewhere", async ({
  chat,
  deployment,
}) => {
  const client = await chat(grace, { prepare: note });
  await client.write("Hello");
  await client.delivery("Hello", "Sent");
  await client.page.getByRole("button", { name: "How to be told" }).click();
  await expect(client.page.getByRole("menuitemcheckbox", { name: "Sound" })).not.toBeChecked();
  await client.page.getByRole("menuitemcheckbox", { name: "Desktop notifications" }).click();
  await client.page.keyboard.press("Escape");
  await deployment.send(ada, "Seen", grace);
  await expect(client.message("Seen")).toBeVisible();
  await client.page.evaluate(() => Object.defineProperty(document, "visibilityState", { get: () => "hidden" }));
  await deployment.send(ada, "Not seen", grace);
  await expect.poll(() => told(client.page)).toEqual(["Ada: Not seen"]);
});
