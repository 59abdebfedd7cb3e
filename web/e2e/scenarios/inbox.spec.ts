import { ada, alan, grace, ken, type Person } from "../support/deployment.ts";
import { hold } from "../support/intercept.ts";
import { expect, test } from "../support/scenario.ts";

const linus: Person = { id: "44", role: "client", name: "Linus" };

test.beforeEach(async ({ deployment }) => {
  for (const client of [linus, alan, grace]) await deployment.send(client, `${client.name} asks`);
});

test("the latest conversation stands first, and moves up as somebody writes", async ({ inbox, deployment }) => {
  const team = await inbox(ada);
  await team.lists("Grace", "Alan", "Linus");
  await expect(team.totals).toHaveText("3 open, 3 unread");
  await deployment.send(linus, "One more thing");
  await team.lists("Linus", "Grace", "Alan");
  await expect(team.line("Linus")).toContainText("One more thing");
  await expect(team.line("Linus")).toContainText("2 unread");
  await deployment.send(ada, "An answer", alan);
  await team.lists("Alan", "Linus", "Grace");
  await expect(team.line("Alan")).toContainText("Us: An answer");
});

test("search finds by name and id, and says when it finds nothing", async ({ inbox, deployment }) => {
  const team = await inbox(ada);
  await team.search.fill("gra");
  await team.lists("Grace");
  await team.search.fill("gr");
  await expect(team.page.getByText("Type at least 3 characters.")).toBeVisible();
  await team.lists("Grace", "Alan", "Linus");
  await team.search.fill("nobody");
  await expect(team.page.getByText("No conversation matches.")).toBeVisible();
  await deployment.send({ id: "customer-nobody", role: "client", name: "Edsger" }, "Found meanwhile");
  await team.search.fill("nobody");
  await team.search.fill("customer-n");
  await team.lists("Edsger");
  await team.search.clear();
  await team.lists("Edsger", "Grace", "Alan", "Linus");
  await team.search.fill("nobody at all");
  const showAll = team.page.getByRole("button", { name: "Show all that are open" });
  await expect(showAll).toBeVisible();
  await team.search.fill("nobody at");
  await showAll.press("Enter"); // before the field has looked for what it has now
  await team.lists("Edsger", "Grace", "Alan", "Linus");
  await expect(team.search).toHaveValue("");
  await expect(team.line("Edsger")).toBeFocused();
});

test("a conversation is closed, filtered, and reopened by its client", async ({ inbox, deployment }) => {
  const [team, other] = await Promise.all([inbox(ada), inbox(ken)]);
  await team.open("Grace");
  await team.page.getByRole("button", { name: "Close the conversation" }).click();
  await expect(team.page.getByRole("button", { name: "Reopen the conversation" })).toBeVisible();
  await other.lists("Alan", "Linus");
  await expect(other.totals).toContainText("2 open");
  await other.status("Closed");
  await other.lists("Grace");
  await other.status("All");
  await other.lists("Grace", "Alan", "Linus");
  await expect(other.line("Grace")).toContainText("Closed");

  await deployment.send(grace, "It is not solved");
  await expect(other.line("Grace")).not.toContainText("Closed");
  await expect(team.page.getByRole("button", { name: "Close the conversation" })).toBeVisible();
  await other.open("Alan");
  await other.page.getByRole("button", { name: "Close the conversation" }).click();
  await other.page.getByRole("button", { name: "Reopen the conversation" }).click();
  await expect(other.page.getByRole("button", { name: "Close the conversation" })).toBeVisible();
});

test("whoever assigns a conversation finds it, and the others see whose it is", async ({ inbox }) => {
  const [team, other] = await Promise.all([inbox(ada), inbox(ken)]);
  await team.open("Grace");
  await team.assignee.selectOption("Me");
  await expect(team.line("Grace")).toContainText("Mine");
  await expect(other.line("Grace")).toContainText(/ada/i);

  const mine = team.page.getByRole("combobox", { name: "Assigned to" });
  await mine.selectOption("Mine");
  await team.lists("Grace");
  await mine.selectOption("Unassigned");
  await team.lists("Alan", "Linus");
  await mine.selectOption("Anyone");
  await team.assignee.selectOption("Nobody");
  await expect(team.line("Grace")).not.toContainText("Mine");
  await expect(other.line("Grace")).not.toContainText(/ada/i);
});

test("the unread ones alone, and what is read leaves them", async ({ inbox }) => {
  const team = await inbox(ada);
  const unread = team.page.getByRole("button", { name: "Unread" });
  await team.open("Alan");
  await expect(team.page).toHaveTitle("(2) Inbox");
  await unread.click();
  await team.lists("Grace", "Linus");
  await unread.click();
  await team.lists("Grace", "Alan", "Linus");
});

test("the conversation that is open stays in the list of the unread ones until one leaves it", async ({ inbox }) => {
  const team = await inbox(ada);
  await team.page.getByRole("button", { name: "Unread" }).click();
  await team.open("Alan");
  await expect(team.page).toHaveTitle("(2) Inbox");
  await team.lists("Grace", "Alan", "Linus");
  await team.open("Linus");
  await team.lists("Grace", "Linus");
});

test("a search shows who writes meanwhile and is what it looks for", async ({ inbox, deployment }) => {
  const team = await inbox(ada);
  await team.search.fill("👍👍");
  await expect(team.page.getByText("Type at least 3 characters.")).toBeVisible();
  await team.search.fill("edsger");
  await expect(team.page.getByText("No conversation matches.")).toBeVisible();
  await deployment.send({ id: "customer-7", role: "client", name: "Edsger" }, "Hello");
  await team.lists("Edsger");
});

test("the keyboard is enough", async ({ inbox }) => {
  const team = await inbox(ada);
  const { keyboard } = team.page;
  await team.lists("Grace", "Alan", "Linus");
  await keyboard.press("j");
  await expect(team.line("Grace")).toBeFocused();
  await keyboard.press("j");
  await keyboard.press("j");
  await expect(team.line("Linus")).toBeFocused();
  await keyboard.press("k");
  await expect(team.line("Alan")).toBeFocused();
  await keyboard.press("Enter");
  await expect(team.page.getByRole("heading", { name: "Alan" })).toBeVisible();
  await keyboard.press("j"); // reading goes on
  await expect(team.page.getByRole("heading", { name: "Linus" })).toBeVisible();
  await keyboard.press("k");
  await expect(team.page.getByRole("heading", { name: "Alan" })).toBeVisible();
  await expect(team.conversation.field).toBeEnabled();
  await keyboard.press("r");
  await expect(team.conversation.field).toBeFocused();
  await keyboard.type("jk/?e"); // in a field these are letters
  await expect(team.conversation.field).toHaveValue("jk/?e");
  await keyboard.press("Enter");
  await team.conversation.shows("Alan asks", "jk/?e");
  await team.conversation.delivery("jk/?e", "Sent");
  await keyboard.press("ArrowUp");
  await keyboard.type(" and more");
  await keyboard.press("Enter");
  await team.conversation.shows("Alan asks", "jk/?e and more");
  await keyboard.press("Escape"); // from the field
  await keyboard.press("Escape"); // from the conversation
  await expect(team.page.getByText("Choose a conversation.")).toBeVisible();
  await expect(team.line("Alan")).toBeFocused();
  await keyboard.press("/");
  await expect(team.search).toBeFocused();
  await keyboard.press("Escape");
  await keyboard.press("?");
  const keys = team.page.getByRole("dialog", { name: "Keys" });
  await expect(keys).toContainText("send, close, and go on to the next");
  await keyboard.press("Escape");
  await expect(keys).toBeHidden();
  await team.page.goBack();
  await expect(team.page.getByRole("heading", { name: "Alan" })).toBeVisible();
});

test("single keys do nothing once they are switched off, also after a reload", async ({ inbox }) => {
  const team = await inbox(ada);
  const setKeys = async (on: boolean) => {
    await team.page.getByRole("button", { name: "Keys" }).click();
    await team.page.getByRole("checkbox", { name: "Keyboard shortcuts" }).setChecked(on);
    await team.page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  };
  await team.lists("Grace", "Alan", "Linus");
  await setKeys(false);
  await team.page.reload();
  await team.lists("Grace", "Alan", "Linus");
  await team.page.keyboard.press("j");
  await expect(team.line("Grace")).not.toBeFocused();
  await setKeys(true);
  await team.page.keyboard.press("j");
  await expect(team.line("Grace")).toBeFocused();
});

test("20 waiting conversations are assigned, answered and closed with 4 keys each", async ({ inbox, deployment }) => {
  test.slow();
  const clients = Array.from({ length: 17 }, (_, i): Person => ({ id: `c${i}`, role: "client", name: `Client ${i}` }));
  for (const client of clients) await deployment.send(client, "A question");
  const team = await inbox(ada);
  await expect(team.lines).toHaveCount(20);
  // Keys are faster than the network.
  await team.page.route("**/api/conversations/update", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await route.continue();
  });
  let keys = 0;
  const press = async (key: string) => {
    keys += key.split("+").length;
    await team.page.keyboard.press(key);
  };
  const heading = team.page.getByRole("heading", { level: 2 });
  await press("j");
  await press("Enter");
  for (let left = 20; left > 0; left--) {
    const name = (await heading.textContent())!;
    await expect(team.conversation.field).toBeEnabled();
    await press("m");
    await press("r");
    await team.page.keyboard.type("It is done.");
    await press("Control+Enter");
    if (left > 1) await expect(heading).not.toHaveText(name);
  }
  await expect(team.totals).toContainText("0 open");
  expect(keys).toBeLessThanOrEqual(2 + 20 * 4);
  const { conversations } = await deployment.call<{
    conversations: { status: string; assigneeId: string; lastMessage: { preview: string } }[];
  }>(ada, "GET", "/api/conversations/list?status=all&limit=100");
  expect(conversations.map(({ status, assigneeId, lastMessage }) => [status, assigneeId, lastMessage.preview])).toEqual(
    Array.from({ length: 20 }, () => ["closed", "ada", "It is done."]),
  );
});

test("filters, the search and the open conversation stand in the address", async ({ inbox }) => {
  const team = await inbox(ada);
  await team.open("Alan");
  await team.assignee.selectOption("Me");
  await team.page.getByRole("combobox", { name: "Assigned to" }).selectOption("Mine");
  await team.status("All");
  await team.search.fill("alan");
  await expect(team.page).toHaveURL(/\?as=ada&conversation=43&assignee=me&status=all&q=alan$/);
  await team.page.reload();
  await team.lists("Alan");
  await expect(team.page.getByRole("heading", { level: 2 })).toHaveText("Alan");
  await expect(team.search).toHaveValue("alan");
  await expect(team.page.getByRole("radio", { name: "All" })).toBeChecked();
  await team.search.fill("ala");
  await expect(team.page).toHaveURL(/&q=ala$/);
  await team.page.evaluate(() => history.back()); // to the list, before anything was looked for
  await team.lists("Grace", "Alan", "Linus");
  await expect(team.search).toHaveValue("");
});

test("a closed conversation says so on both sides, and a client is known by more than a name", async ({
  inbox,
  chat,
}) => {
  const [team, client] = await Promise.all([inbox(ada), chat(grace)]);
  await team.open("Grace");
  const about = team.page.getByRole("complementary", { name: "About the client" });
  await expect(about).toContainText("Messages1");
  await about.getByRole("button", { name: "Rename" }).click();
  await about.getByRole("textbox", { name: "Name" }).fill("Grace Hopper");
  await about.getByRole("textbox", { name: "Name" }).press("Enter");
  await expect(team.page.getByRole("heading", { level: 2 })).toHaveText("Grace Hopper");
  await expect(about.getByRole("button", { name: "Rename" })).toBeFocused();
  // As on a page without TLS.
  await team.page.evaluate(() =>
    Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true }),
  );
  await about.getByRole("button", { name: "Copy: Id" }).click();
  await about.getByRole("button", { name: "Id could not be copied" }).blur();
  await team.page.evaluate(() => Reflect.deleteProperty(navigator, "clipboard"));
  await team.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await about.getByRole("button", { name: "Copy: Id" }).click();
  await expect.poll(() => team.page.evaluate(() => navigator.clipboard.readText())).toBe("42");

  let updates = 0;
  await team.page.route("**/api/conversations/update", (route) =>
    updates++ === 0 ? route.fulfill({ status: 404, body: "No." }) : route.continue(),
  );
  await team.page.getByRole("button", { name: "Close the conversation" }).click();
  await expect(team.page.getByRole("alert").filter({ hasText: "Grace Hopper was not changed." })).toBeVisible();
  await team.page.getByRole("button", { name: "Dismiss" }).press("Enter");
  await expect(team.conversation.log).toBeFocused();
  await team.page.getByRole("button", { name: "Close the conversation" }).click();
  await expect(team.conversation.log).toContainText(
    "This conversation is closed. It opens again when Grace Hopper writes.",
  );
  await expect(client.log).toContainText("This conversation is closed. Write, and it is open again.");
  await client.write("One more thing");
  await expect(client.log).not.toContainText("is closed");
  await expect(team.conversation.log).not.toContainText("is closed");
});

test("whoever searches while a conversation is loading goes on in the search", async ({ inbox }) => {
  const team = await inbox(ada);
  const load = await hold(team.page, "**/api/messages/list?*");
  await team.line("Grace").click();
  await team.search.pressSequentially("al");
  load();
  await expect(team.conversation.field).toBeEnabled();
  await team.page.keyboard.type("an");
  await expect(team.search).toHaveValue("alan");
  await team.lists("Alan");
});

test("a developer begins a conversation", async ({ inbox, chat }) => {
  const team = await inbox(ada);
  await team.page.getByRole("button", { name: "Start a conversation" }).click();
  await team.page.getByLabel("The client’s id").fill("new-client");
  await team.page.getByRole("button", { name: "Open", exact: true }).click();
  await expect(team.conversation.log).toContainText("Nothing has been written with new-client yet.");
  await team.conversation.write("Welcome");
  await team.conversation.delivery("Welcome", "Sent");
  await team.lists("new-client", "Grace", "Alan", "Linus");
  await (await chat(grace)).shows("Grace asks");
});

test("a list of 75 conversations is read to its end", async ({ inbox, deployment }) => {
  const clients = Array.from({ length: 72 }, (_, i): Person => ({
    id: `many-${i}`,
    role: "client",
    name: `Client ${i + 10}`,
  }));
  for (const client of clients) await deployment.send(client, "Hello");
  const names = clients.map(({ name }) => name).reverse();
  const team = await inbox(ada);
  await expect(team.totals).toHaveText("75 open, 75 unread");
  await team.page.getByRole("button", { name: "more conversations" }).focus();
  await expect(async () => {
    await team.lines.last().scrollIntoViewIfNeeded({ timeout: 1_000 });
    await expect(team.lines).toHaveCount(75, { timeout: 1_000 });
  }).toPass();
  await team.lists(...names, "Grace", "Alan", "Linus");
  await expect(team.page.locator("a:focus")).toHaveCount(1); // the button that loaded them is gone
});
