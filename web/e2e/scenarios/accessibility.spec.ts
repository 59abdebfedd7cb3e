import { hasNoViolation } from "../support/axe.ts";
import { ada, alan, grace } from "../support/deployment.ts";
import { expect, test } from "../support/scenario.ts";

test("axe finds nothing on the first pages and the widget", async ({ open }) => {
  const home = await open("/");
  await expect(home.getByRole("textbox", { name: "Write to Grace" })).toBeEnabled();
  await hasNoViolation(home, "the first page");
  await hasNoViolation(await open("/there-is-no-such-page"), "a page that is not there");
  await hasNoViolation(await open("/authjs"), "a sign-in");

  const widget = await open("/widget?as=alan");
  await widget.getByRole("button", { name: "Chat with the developers" }).click();
  await expect(widget.getByRole("textbox")).toBeEnabled();
  await hasNoViolation(widget, "a widget");
});

test("axe finds nothing on the client's page", async ({ chat, deployment }) => {
  const client = await chat(grace);
  await hasNoViolation(client.page, "an empty chat");
  await client.write("Hello https://example.com/");
  await client.delivery("Hello https://example.com/", "Sent");
  await deployment.send(ada, "An answer", grace);
  await deployment.send(ada, `> Hello\n\n**This** \`code\`:\n\`\`\`ts\n${"x = 1; ".repeat(40)}\n\`\`\`\n1. one`, grace);
  await expect(client.message("An answer")).toBeVisible();
  await expect(client.log.getByRole("region", { name: "Code in ts" })).toBeVisible();
  await client.write("To be deleted");
  await client.delivery("To be deleted", "Sent");
  await client.delete("To be deleted");
  await client.page.route("**/api/messages/send", (route) =>
    route.fulfill({ status: 403, json: { status: 403, code: "forbidden" } }),
  );
  await client.write("Refused");
  await expect(client.message("Refused")).toContainText("Not sent.");
  await client.page.context().setOffline(true);
  await expect(client.banner).toBeVisible();
  await hasNoViolation(client.page, "a chat, offline, with a message that was refused");
  await client.choose("Hello https://example.com/", "Edit");
  await hasNoViolation(client.page, "an edit");
  await client.page.keyboard.press("Escape");
  await client.choose("Hello https://example.com/", "Delete…");
  await hasNoViolation(client.page, "a question");
});

test("axe finds nothing on the developers' page", async ({ inbox, deployment }) => {
  const team = await inbox(ada);
  await hasNoViolation(team.page, "an empty inbox");
  await deployment.send(alan, "Alan asks");
  await deployment.send(grace, "Grace asks");
  await deployment.call(ada, "POST", "/api/conversations/update", { clientId: alan.id, assigneeId: "ken" });
  await team.lists("Grace", "Alan");
  await team.search.fill("gr");
  await hasNoViolation(team.page, "an inbox, with a short search");
  await team.search.clear();
  const conversation = await team.open("Grace");
  await conversation.write("An answer");
  await conversation.delivery("An answer", "Sent");
  await hasNoViolation(team.page, "a conversation");
  await conversation.log.focus();
  await team.page.keyboard.press("?");
  await hasNoViolation(team.page, "all keys");
  await team.page.keyboard.press("Escape");
  await team.page.getByRole("button", { name: "How to be told" }).click();
  await expect(team.page.getByRole("menu")).toBeVisible();
  await hasNoViolation(team.page, "how to be told", "[role=menu]");
  await team.page.keyboard.press("Escape");
  await team.page.getByRole("button", { name: "Close the conversation" }).click();
  await expect(conversation.log).toContainText("This conversation is closed");
  await hasNoViolation(team.page, "a closed conversation");
  await team.page.getByRole("button", { name: "Start a conversation" }).click();
  await hasNoViolation(team.page, "a new conversation");
});
