import type { Page } from "@playwright/test";
import { ada, alan, grace, ken } from "../support/deployment.ts";
import { hold } from "../support/intercept.ts";
import { expect, test } from "../support/scenario.ts";

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** Presses a key as an input method sees it. */
async function pressWhileComposing(page: Page, key: string): Promise<void> {
  await page.evaluate((name) => {
    const event = { key: name, isComposing: true, keyCode: 229, bubbles: true, cancelable: true };
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", event));
  }, key);
}

test("Escape closes the editor or the dialog, and only that", async ({ inbox, deployment }) => {
  await deployment.send(grace, "Hello");
  await deployment.send(ada, "Good morning", grace);
  const team = await inbox(ada);
  const conversation = await team.open("Grace");
  const editor = conversation.log.getByRole("textbox", { name: "Message" });

  await conversation.choose("Good morning", "Edit");
  await editor.fill("Good evening");
  await pressWhileComposing(team.page, "Escape");
  await pressWhileComposing(team.page, "Enter");
  await expect(editor).toHaveValue("Good evening");
  await conversation.log.getByRole("button", { name: "Cancel" }).focus();
  await team.page.keyboard.press("Escape");
  await expect(editor).toBeHidden();
  await expect(conversation.field).toBeFocused();

  await conversation.choose("Good morning", "Delete…");
  const dialog = team.page.getByRole("dialog", { name: "Delete this message?" });
  // Words are selected, and the button is let go of beside the dialog.
  const words = (await dialog.getByText("cannot be undone").boundingBox())!;
  await team.page.mouse.move(words.x + 4, words.y + 4);
  await team.page.mouse.down();
  await team.page.mouse.move(20, 300, { steps: 3 });
  await team.page.mouse.up();
  await expect(dialog).toBeVisible();
  await team.page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await conversation.shows("Hello", "Good morning");
  await expect(conversation.messages.last().getByRole("button", { name: "Message actions" })).toBeFocused();

  // A client's message is a developer's to delete, too; and a text of any length is told to be too long.
  await conversation.delete("Hello");
  await expect(conversation.messages.first()).toBeFocused(); // its menu is gone
  await conversation.choose("Good morning", "Edit");
  await editor.fill("x".repeat(8_001));
  await expect(conversation.log.getByRole("alert")).toHaveText("1 characters too many");
  await expect(conversation.log.getByRole("button", { name: "Save" })).toBeDisabled();
});

test("on a phone Enter makes a new line in an edit, a long press opens the menu, and a name of any length fits", async ({
  chat,
  deployment,
}) => {
  const name = "N".repeat(110);
  await deployment.send({ ...ada, name }, "Good morning", grace);
  await deployment.send(grace, "Hello");
  const client = await chat(grace, phone);
  const message = client.message("Hello");
  await message
    .getByText("Hello")
    .dispatchEvent("touchstart", { touches: [{ identifier: 0, clientX: 0, clientY: 0 }] });
  await client.page.getByRole("menuitem", { name: "Edit" }).tap();
  const editor = client.log.getByRole("textbox", { name: "Message" });
  await editor.fill("Hello");
  await editor.press("Enter");
  await editor.pressSequentially("again");
  await expect(editor).toHaveValue("Hello\nagain");
  await client.log.getByRole("button", { name: "Save" }).tap();
  await client.shows("Good morning", "Hello\nagain");
  await expect(client.messages.last()).toBeFocused();
  for (const scroller of [client.log, client.page.locator("html")]) {
    expect(await scroller.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
  }
  const all = await client.page
    .locator("main *")
    .evaluateAll((elements) => elements.map((e) => e.getBoundingClientRect().right));
  expect(Math.max(...all)).toBeLessThanOrEqual(phone.viewport.width);
});

test("the focus stays in the list of the unread ones, and keys go where one looks", async ({ inbox, deployment }) => {
  for (const client of [alan, grace]) await deployment.send(client, "A question");
  const team = await inbox(ada);
  const { keyboard } = team.page;
  await team.lists("Grace", "Alan");
  await keyboard.press("j");
  const answer = await hold(team.page, "**/api/conversations/list?*unread=true*");
  await keyboard.press("u");
  await team.lists();
  await keyboard.press("j"); // before the list is there
  answer();
  await team.lists("Grace", "Alan");
  await expect(team.line("Grace")).toBeFocused();
  await keyboard.press("Enter");
  await expect(team.page.getByRole("heading", { name: "Grace" })).toBeVisible();
  await expect(team.totals).toContainText("1 unread");
  await keyboard.press("Escape");
  await team.lists("Alan"); // what was read is no longer among them
  await expect(team.line("Alan")).toBeFocused();
  await keyboard.press("Enter");
  await expect(team.page.getByRole("heading", { name: "Alan" })).toBeVisible();
  await keyboard.press("j");
  await expect(team.conversation.field).toHaveValue("");
  await expect(team.search).toHaveValue("");
  expect(new URL(team.page.url()).searchParams.get("unread")).toBe("true");
});

test("who is typing has no name that nobody vouches for", async ({ chat, inbox, deployment }) => {
  await deployment.send(grace, "Hello");
  await deployment.send(ada, "Good morning", grace);
  const [client, team] = await Promise.all([chat(grace), inbox(ken)]);
  const conversation = await team.open("Grace");
  await expect(client.message("Good morning")).toBeVisible();
  await expect(async () => {
    await conversation.field.press("x");
    await expect(client.typing).toHaveText("The team is typing…", { timeout: 1_000 });
  }).toPass();
});

test("an address ends where the sentence goes on", async ({ chat, deployment }) => {
  await deployment.send(
    ada,
    "詳細は https://example.com/pathをご覧、“https://example.org/b” Moore’s https://e.example/Moore's_law",
    grace,
  );
  await deployment.send(ada, "https://example.net。 www.example.com, grace@example.com.", grace);
  const client = await chat(grace);
  await expect(client.log.getByRole("link")).toHaveText([
    "https://example.com/path",
    "https://example.org/b",
    "https://e.example/Moore's_law",
    "https://example.net",
    "www.example.com",
    "grace@example.com",
  ]);
});

test("a day has another name after midnight, and one of another year its year", async ({ inbox, deployment }) => {
  for (const client of [grace, alan]) await deployment.send(client, "Hello");
  await deployment.sql(`
    update chat.message set created_at = created_at - interval '400 days' where client_id = '43';
    update chat.conversation c set last_message_at = m.created_at from chat.message m where m.client_id = c.client_id`);
  const team = await inbox(ada, { prepare: (page) => page.clock.install() });
  await expect(team.line("Alan").locator("time")).toHaveText(/\d{4}$/);
  const conversation = await team.open("Grace");
  const date = conversation.log.locator("[data-date]");
  await expect(date).toHaveText("Today");
  await team.page.clock.fastForward("24:00:00");
  await expect(date).toHaveText("Yesterday");
});

test("Hebrew and Arabic are written from the right", async ({ chat }) => {
  const client = await chat(grace);
  await client.field.fill("שלום");
  expect(await client.field.evaluate((field) => getComputedStyle(field).direction)).toBe("rtl");
  await client.write("שלום");
  await client.delivery("שלום", "Sent");
  await client.choose("שלום", "Edit");
  const editor = client.log.getByRole("textbox", { name: "Message" });
  expect(await editor.evaluate((field) => getComputedStyle(field).direction)).toBe("rtl");
});

test("in forced colours one sees what is chosen", async ({ inbox, deployment }) => {
  await deployment.send(grace, "Hello");
  const team = await inbox(ada, { forcedColors: "active" });
  await team.open("Grace");
  expect(await team.line("Grace").evaluate((line) => getComputedStyle(line).outlineStyle)).toBe("solid");
  const [open, closed] = await team.page
    .getByRole("radio")
    .evaluateAll((radios) => radios.map((radio) => getComputedStyle(radio.nextElementSibling!).backgroundColor));
  expect(open).not.toBe(closed);
});

test("the page knows what the list knows, and says nothing that is not so", async ({ inbox, open, deployment }) => {
  await deployment.send({ id: "cus_1010", role: "client", name: "Edsger" }, "Hello");
  await deployment.send(grace, "Hello");
  const team = await inbox(ada);
  await team.lists("Grace", "Edsger");
  const load = await hold(team.page, "**/api/messages/list?*");
  await team.line("Edsger").click();
  await expect(team.page.getByRole("heading", { level: 2 })).toHaveText("Edsger");
  load();
  await team.conversation.shows("Hello");

  await team.page.context().setOffline(true);
  await expect(team.conversation.banner).toBeVisible();
  await team.line("Grace").click();
  await expect(team.conversation.banner).toBeVisible();
  await expect(team.page.getByText(/The conversation will be here/)).toBeVisible();
  await expect(team.page.getByRole("button", { name: "Reload" })).toHaveCount(0);
  await team.conversation.write("Kept");
  await team.page.context().setOffline(false);
  await team.conversation.shows("Hello", "Kept");

  await team.page.keyboard.press("Escape");
  await team.page.keyboard.press("Escape");
  await expect(team.page.getByText("Choose a conversation.")).toBeVisible();
  expect(new URL(team.page.url()).search).toBe("?as=ada");
  await (await open("/chat")).waitForFunction(() => document.title === "Chat with the developers");
});

test("a thread is one stop for Tab, and the arrows go through it", async ({ chat, deployment }) => {
  for (const body of ["One", "Two https://example.com/", "Three"]) await deployment.send(grace, body);
  const client = await chat(grace);
  await client.shows("One", "Two https://example.com/", "Three");
  const { keyboard } = client.page;
  const attach = client.page.getByRole("button", { name: "Attach files" });
  await client.field.focus();
  await keyboard.press("Shift+Tab");
  await expect(attach).toBeFocused();
  await keyboard.press("Shift+Tab");
  await expect(client.log).toBeFocused();
  await keyboard.press("ArrowUp");
  await expect(client.messages.last()).toBeFocused();
  await keyboard.press("ArrowUp");
  await expect(client.messages.nth(1)).toBeFocused();
  await keyboard.press("Tab");
  await expect(client.log.getByRole("link")).toBeFocused();
  await keyboard.press("Tab");
  await expect(client.messages.nth(1).getByRole("button", { name: "Message actions" })).toBeFocused();
  await keyboard.press("Tab");
  await expect(attach).toBeFocused();
  await keyboard.press("Tab");
  await expect(client.field).toBeFocused();
  await client.log.focus();
  await keyboard.press("ArrowUp");
  await keyboard.press("Enter");
  await expect(client.page.getByRole("menu")).toBeVisible();
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await expect(client.page.getByRole("menu")).toBeHidden();
});
