import { ada, alan, grace } from "../support/deployment.ts";
import { Chat } from "../support/chat.ts";
import { hold } from "../support/intercept.ts";
import { expect, test } from "../support/scenario.ts";

test("what one side writes the other reads, and the writer sees that it was seen", async ({ chat, inbox }) => {
  const [client, team] = await Promise.all([chat(grace), inbox(ada)]);
  await client.write("Hello");
  await client.delivery("Hello", "Sent");
  await expect(team.line("Grace")).toContainText("Hello");
  await expect(team.line("Grace")).toContainText("1 unread");
  await expect(team.page).toHaveTitle("(1) Inbox");

  const conversation = await team.open("Grace");
  await conversation.shows("Hello");
  await client.delivery("Hello", "Seen");
  await expect(team.page).toHaveTitle("Inbox");

  await conversation.write("How can I help?");
  await client.shows("Hello", "How can I help?");
  await conversation.delivery("How can I help?", "Seen");
});

test("a client sees nothing of another's conversation", async ({ chat, inbox }) => {
  const [first, second, team] = await Promise.all([chat(grace), chat(alan), inbox(ada)]);
  await first.write("From Grace");
  await first.delivery("From Grace", "Sent");
  await second.write("From Alan");
  await team.lists("Alan", "Grace");
  const conversation = await team.open("Grace");
  await conversation.write("For Grace");
  await first.shows("From Grace", "For Grace");
  await second.shows("From Alan");
});

test("who is typing is seen to, until the message is there", async ({ chat, inbox, deployment }) => {
  await deployment.send(grace, "Hello");
  const [client, team] = await Promise.all([chat(grace), inbox(ada)]);
  const conversation = await team.open("Grace");
  await client.delivery("Hello", "Seen");
  // Nobody is told what was typed before they listened.
  await expect(async () => {
    await conversation.field.press("x");
    await expect(client.typing).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await conversation.write("Here you are");
  await client.shows("Hello", "Here you are");
  await expect(client.typing).toBeHidden();
});

test("a message is edited and deleted on both sides", async ({ chat, inbox }) => {
  const [client, team] = await Promise.all([chat(grace), inbox(ada)]);
  await client.write("Helo");
  await client.write("Forget this");
  const conversation = await team.open("Grace");
  await conversation.shows("Helo", "Forget this");

  await client.edit("Helo", "Hello");
  await conversation.shows("Hello", "Forget this");
  await expect(conversation.message("Hello")).toContainText("edited");

  await client.delete("Forget this");
  for (const side of [client, conversation]) {
    await side.shows("Hello");
    await expect(side.messages).toHaveCount(2);
    await expect(side.messages.last()).toContainText("This message was deleted");
  }
  await expect(team.line("Grace")).toContainText("Message deleted");
});

test("an edit does not overwrite one that was made elsewhere meanwhile", async ({ chat, deployment }) => {
  const client = await chat(grace);
  await client.write("One");
  await client.delivery("One", "Sent");
  await client.choose("One", "Edit");
  const messageId = (await deployment.stored(grace))[0]!.id;
  await deployment.call(grace, "PATCH", "/api/messages/edit", { messageId, body: "Two, from my phone" });
  const field = client.log.getByRole("textbox", { name: "Message" });
  await field.fill("Three, from my desk");
  await client.log.getByRole("button", { name: "Save" }).click();
  await expect(client.log.getByRole("alert")).toContainText("changed in the meantime");
  await expect(client.log.getByRole("alert")).toContainText("Two, from my phone");
  await expect(field).toHaveValue("Three, from my desk");
  await client.log.getByRole("button", { name: "Save" }).click();
  await client.shows("Three, from my desk");
});

test("an edit that is saved late leaves the next one open", async ({ chat, deployment }) => {
  for (const body of ["One", "Two"]) await deployment.send(grace, body);
  const client = await chat(grace);
  const save = await hold(client.page, "**/api/messages/edit");
  await client.edit("One", "One, changed");
  await client.page.keyboard.press("Escape");
  await client.choose("Two", "Edit");
  const field = client.log.getByRole("textbox", { name: "Message" });
  await field.fill("Two, half");
  save();
  await expect(client.message("One, changed")).toBeVisible();
  await expect(field).toHaveValue("Two, half");
  await field.press("Enter");
  await client.shows("One, changed", "Two, half");
});

test("a deletion that is answered late leaves the next question open", async ({ chat, deployment }) => {
  for (const body of ["One", "Two"]) await deployment.send(grace, body);
  const client = await chat(grace);
  const answer = await hold(client.page, "**/api/messages/edit");
  const question = client.page.getByRole("dialog", { name: "Delete this message?" });
  const asked = client.page.waitForRequest("**/api/messages/edit");
  await client.choose("One", "Delete…");
  await question.getByRole("button", { name: "Delete" }).click();
  await asked;
  await client.page.keyboard.press("Escape");
  await client.choose("Two", "Delete…");
  answer();
  await expect(client.message("One")).toBeHidden();
  await expect(question).toBeVisible();
  await question.getByRole("button", { name: "Cancel" }).click();
  await expect(client.message("Two")).toBeVisible();
});

test("pasted code keeps the indentation of its first line", async ({ chat, deployment }) => {
  const client = await chat(grace);
  await client.write("\n    if x:\n        y\n");
  await client.delivery("if x: y", "Sent");
  expect((await deployment.stored(grace)).map(({ body }) => body)).toEqual(["    if x:\n        y"]);
});

test("a reload shows the same", async ({ chat, inbox, deployment }) => {
  await deployment.send(grace, "One");
  await deployment.send(ada, "Two", grace);
  const [client, team] = await Promise.all([chat(grace), inbox(ada)]);
  await client.write("Three");
  await client.delivery("Three", "Sent");
  await client.page.reload();
  await client.shows("One", "Two", "Three");
  await expect(client.message("Two")).toBeInViewport();

  await (await team.open("Grace")).shows("One", "Two", "Three");
  await team.page.reload(); // which conversation is open stands in the address
  await team.conversation.shows("One", "Two", "Three");
});

test("two tabs of one client show the same, once", async ({ chat }) => {
  const first = await chat(grace);
  const page = await first.page.context().newPage();
  await page.goto("/chat?as=grace");
  const second = await Chat.on(page);
  await first.write("From the first");
  await second.shows("From the first");
  await second.write("From the second");
  for (const tab of [first, second]) {
    await tab.shows("From the first", "From the second");
    await tab.delivery("From the second", "Sent");
  }
});

test("several lines, and whatever the keyboard has, stay as they were written", async ({ chat, inbox }) => {
  const [client, team] = await Promise.all([chat(grace), inbox(ada)]);
  const text = "First\n\n  third, indented\t👩‍👩‍👧 e\u0301 ﷺ שלום";
  await client.field.fill(text);
  await client.page.getByRole("button", { name: "Send" }).click();
  const conversation = await team.open("Grace");
  await expect(conversation.bodies).toHaveJSProperty("textContent", text);
  await expect(client.bodies).toHaveJSProperty("textContent", text);
});

test("the title, the icon and a button tell of what came while one reads further up", async ({ chat, deployment }) => {
  for (let i = 1; i <= 40; i++) await deployment.send(ada, `Line ${i}`, grace);
  await deployment.call(grace, "POST", "/api/messages/read", { upToSeq: 40 });
  const client = await chat(grace);
  const icon = client.page.locator("link[rel=icon][href^='data:']");
  await expect(client.message("Line 40")).toBeInViewport();
  await expect(client.page).toHaveTitle("Chat with the developers");
  await client.log.press("Home");
  await expect(client.message("Line 40")).not.toBeInViewport();
  await deployment.send(ada, "News", grace);
  await expect(client.page).toHaveTitle("(1) Chat with the developers");
  await expect(icon).toHaveCount(1);
  await client.page.getByRole("button", { name: "1 new message" }).click();
  await expect(client.message("News")).toBeInViewport();
  await expect(client.page).toHaveTitle("Chat with the developers");
  await expect(icon).toHaveCount(0);
});

test("both sides stand on the first page", async ({ open }) => {
  const page = await open("/");
  const [left, right] = [
    page.getByRole("region", { name: "Grace’s side" }),
    page.getByRole("region", { name: "Ada’s side" }),
  ];
  await left.getByRole("textbox", { name: "Write to Ada" }).fill("Hello Ada");
  await left.getByRole("textbox", { name: "Write to Ada" }).press("Enter");
  await expect(right.getByText("Hello Ada", { exact: true })).toBeVisible();
  await right.getByRole("textbox", { name: "Write to Grace" }).fill("Hello Grace");
  await right.getByRole("textbox", { name: "Write to Grace" }).press("Enter");
  await expect(left.getByText("Hello Grace", { exact: true })).toBeVisible();
});
