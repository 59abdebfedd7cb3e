import { ada, grace } from "../support/deployment.ts";
import { intercept } from "../support/intercept.ts";
import { note, told } from "../support/notices.ts";
import { expect, test } from "../support/scenario.ts";
import { Thread } from "../support/thread.ts";

test("the chat stands behind a button in the corner of any page", async ({ open, deployment }) => {
  await deployment.send(ada, "Good morning", grace);
  const page = await open("/widget?as=grace", {
    prepare: async (prepared) => {
      await note(prepared);
      await prepared.addInitScript(() => localStorage.setItem("devinbox-example:notifications:client", "on"));
    },
  });
  const button = page.getByRole("button", { name: "Chat with the developers, 1 unread" });
  await expect(button).toBeVisible();
  await page.waitForLoadState("networkidle");
  const scripts: string[] = [];
  page.on("request", (request) => {
    if (request.resourceType() === "script") scripts.push(request.url());
  });
  await button.focus();
  await page.keyboard.press("Enter");
  const panel = page.getByRole("dialog", { name: "Chat with the developers" });
  const thread = new Thread(page, panel, "Write a message");
  await thread.shows("Good morning");
  expect(scripts.length).toBeGreaterThan(0);
  await expect(thread.field).toBeFocused();
  await thread.write("Hello");
  await thread.delivery("Hello", "Sent");
  await thread.field.fill("Half a sentence");

  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
  const closed = page.getByRole("button", { name: "Chat with the developers", exact: true });
  await expect(closed).toBeFocused();
  await deployment.send(ada, "An answer", grace);
  await expect(page.getByRole("button", { name: "Chat with the developers, 1 unread" })).toBeFocused();
  await expect.poll(() => told(page)).toEqual(["Ada: An answer"]);
  await page.keyboard.press("Enter");
  await expect(thread.field).toHaveValue("Half a sentence");
  await thread.shows("Good morning", "Hello", "An answer");

  await page.setViewportSize({ width: 390, height: 844 });
  await expect(panel).toHaveJSProperty("clientWidth", 390);
  await expect(panel).toHaveJSProperty("clientHeight", 844);
  await panel.getByRole("button", { name: "Close the chat" }).click();
  await expect(closed).toBeFocused();
});

test("a widget that is closed asks for no messages of somebody who is not signed in", async ({ open, deployment }) => {
  await deployment.send(ada, "Good morning", grace);
  const asked: string[] = [];
  let signIn = () => {};
  const page = await open("/widget?as=grace", {
    prepare: async (prepared) => {
      await prepared.clock.install();
      await note(prepared);
      prepared.on("request", (request) => asked.push(new URL(request.url()).pathname));
      signIn = await intercept(prepared, "**/api/session", (route) =>
        route.fulfill({ status: 401, json: { status: 401, code: "unauthorized" } }),
      );
    },
  });
  await expect.poll(() => asked).toContain("/api/session");
  await page.clock.fastForward("01:00");
  await page.waitForLoadState("networkidle");
  expect(asked).not.toContain("/api/messages/list");

  signIn();
  const button = page.getByRole("button", { name: "Chat with the developers" });
  await button.click();
  const panel = page.getByRole("dialog", { name: "Chat with the developers" });
  await expect(async () => {
    await page.clock.fastForward("00:30");
    await expect(panel.getByText("Good morning", { exact: true })).toBeVisible({ timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
});
