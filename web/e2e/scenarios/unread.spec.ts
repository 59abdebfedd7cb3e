import type { Page } from "@playwright/test";
import { ada, grace } from "../support/deployment.ts";
import { expect, test } from "../support/scenario.ts";

/** Says to a page that nobody looks at it, or that somebody does again. */
async function setVisible(page: Page, isVisible: boolean): Promise<void> {
  await page.evaluate(
    (state) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    },
    isVisible ? "visible" : "hidden",
  );
}

/** Waits until a page has drawn what it shows now, and has told its observers of that. */
async function isDrawn(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (let frames = 0; frames < 2; frames++) await new Promise((resolve) => requestAnimationFrame(resolve));
    await new Promise((resolve) => setTimeout(resolve));
  });
}

test("130 unread messages begin at the first, and only what was seen in order is read", async ({
  chat,
  deployment,
}) => {
  for (let i = 1; i <= 10; i++) await deployment.send(ada, `Old ${i}`, grace);
  await deployment.call(grace, "POST", "/api/messages/read", { upToSeq: 10 });
  for (let i = 1; i <= 130; i++) await deployment.send(ada, `Message ${i}`, grace);
  const read = async () => {
    const path = "/api/messages/list?clientId=42&limit=1";
    const page = await deployment.call<{ conversation: { read: { client: number } } }>(ada, "GET", path);
    return page.conversation.read.client - 10;
  };

  const client = await chat(grace);
  await expect(client.message("Message 1")).toBeInViewport();
  await expect(client.log.getByText("New", { exact: true })).toBeInViewport();
  await expect.poll(read).toBeGreaterThan(3);
  await client.log.press("End");
  await expect(client.message("Message 130")).toBeInViewport();
  const above = client.page.getByRole("button", { name: /^1\d\d new messages$/ });
  await expect(above).toBeVisible();
  await deployment.send(ada, "Message 131", grace);
  await expect(client.message("Message 131")).toBeInViewport();
  expect(await read()).toBeLessThan(60);

  const last = await read();
  await above.click();
  await expect(client.message(`Message ${last + 1}`)).toBeInViewport();
  for (let i = 0; i < 30; i++) {
    await client.log.press("PageDown");
    await isDrawn(client.page); // two screens within one frame would be seen as the second one only
  }
  await expect.poll(read).toBe(131);
  await expect(client.page).toHaveTitle("Chat with the developers");

  // What comes while nobody looks waits, and the thread goes to the first of it.
  await setVisible(client.page, false);
  for (let i = 132; i <= 170; i++) await deployment.send(ada, `Message ${i}`, grace);
  await expect(client.message("Message 170")).toBeVisible();
  expect(await read()).toBe(131);
  await setVisible(client.page, true);
  await expect(client.message("Message 132")).toBeInViewport();
  await expect(client.message("Message 170")).not.toBeInViewport();
  await expect.poll(read).toBeGreaterThan(131);
  expect(await read()).toBeLessThan(170);
  await client.log.press("End");
  await client.page.getByRole("button", { name: "Mark as read" }).click();
  await expect.poll(read).toBe(170);
});
