import { alan, ada, grace } from "../support/deployment.ts";
import { Chat } from "../support/chat.ts";
import { Inbox } from "../support/inbox.ts";
import { intercept } from "../support/intercept.ts";
import { expect, test } from "../support/scenario.ts";

const send = "**/api/messages/send";
const refusal = JSON.stringify({
  type: "about:blank",
  title: "Forbidden",
  status: 403,
  code: "forbidden",
  detail: "No.",
  requestId: "x",
});

test("a message that was refused is there after a reload, and goes out when it is tried again", async ({
  chat,
  deployment,
}) => {
  const client = await chat(grace);
  const stopRefusing = await intercept(client.page, send, (route) =>
    route.fulfill({ status: 403, contentType: "application/problem+json", body: refusal }),
  );
  await client.write("Important");
  await expect(client.message("Important")).toContainText("Not sent.");
  await client.page.reload();
  await expect(client.message("Important")).toContainText("Not sent.");
  expect(await deployment.stored(grace).catch(() => [])).toEqual([]);

  stopRefusing();
  await client.message("Important").getByRole("button", { name: "Try again" }).click();
  await expect(client.message("Important")).toBeFocused();
  await client.delivery("Important", "Sent");
  await client.page.reload();
  await client.shows("Important");
  expect((await deployment.stored(grace)).map(({ body }) => body)).toEqual(["Important"]);
});

test("a message that was refused can be written anew, or discarded", async ({ chat }) => {
  const client = await chat(grace);
  await client.page.route(send, (route) =>
    route.fulfill({ status: 403, contentType: "application/problem+json", body: refusal }),
  );
  await client.write("Nonsense");
  const nonsense = client.message("Nonsense");
  await expect(nonsense).toContainText("Not sent.");
  await client.field.fill("Half a sentence");
  await nonsense.getByRole("button", { name: "Edit" }).click();
  await expect(client.messages).toHaveCount(0);
  await expect(client.field).toHaveValue("Half a sentence\n\nNonsense");
  await expect(client.field).toBeFocused();
  await client.write("Nonsense");
  await nonsense.getByRole("button", { name: "Discard" }).click();
  await expect(client.messages).toHaveCount(0);
  await expect(client.log).toBeFocused();
  await client.page.reload();
  await expect(client.field).toBeEnabled();
  await expect(client.messages).toHaveCount(0);
});

test("who has left the field in which they write anew is not led into the thread later", async ({
  chat,
  deployment,
}) => {
  const client = await chat(grace);
  await client.page.route(send, (route) =>
    route.fulfill({ status: 403, contentType: "application/problem+json", body: refusal }),
  );
  await client.write("Nonsense");
  await client.message("Nonsense").getByRole("button", { name: "Edit" }).click();
  await expect(client.field).toBeFocused();
  await expect(client.messages).toHaveCount(0);
  await client.field.blur();
  await deployment.send(ada, "An answer", grace);
  await expect(client.message("An answer")).toBeVisible();
  expect(await client.page.evaluate(() => document.activeElement?.tagName)).toBe("BODY");
});

test("a message that is still being sent goes out after a reload, once", async ({ chat, deployment }) => {
  const client = await chat(grace);
  const stopFailing = await intercept(client.page, send, (route) => route.abort());
  await client.write("On its way");
  await client.delivery("On its way", "Sending…");
  stopFailing();
  await client.page.reload();
  await client.delivery("On its way", "Sent");
  await client.shows("On its way");
  expect(await deployment.stored(grace)).toHaveLength(1);
});

test("what is being written is there after a reload, until it is sent", async ({ chat, deployment }) => {
  const client = await chat(grace);
  await client.field.fill("Half a sentence");
  await client.page.reload();
  await expect(client.field).toHaveValue("Half a sentence");
  await client.write("A whole sentence");
  await client.delivery("A whole sentence", "Sent");
  await expect(client.field).toHaveValue("");
  await client.page.reload();
  await client.shows("A whole sentence");
  await expect(client.field).toHaveValue("");
  expect((await deployment.stored(grace)).map(({ body }) => body)).toEqual(["A whole sentence"]);
});

test("what somebody has not sent is neither shown nor sent for whoever uses the browser next", async ({
  chat,
  deployment,
}) => {
  await deployment.send(ada, "Hello Alan", alan);
  const first = await chat(grace);
  const { page } = first;
  const stopFailing = await intercept(page, send, (route) => route.abort());
  await first.write("A secret");
  await first.delivery("A secret", "Sending…");
  await first.field.fill("Another secret");

  await page.getByRole("link", { name: "Alan" }).click();
  await expect(page.getByRole("link", { name: "Alan" })).toHaveAttribute("aria-current", "true");
  const second = await Chat.on(page);
  await second.shows("Hello Alan");
  await expect(second.field).toHaveValue("");
  stopFailing();
  await second.write("I am Alan");
  await second.delivery("I am Alan", "Sent");
  await page.reload();
  await second.shows("Hello Alan", "I am Alan");
  await expect(page.getByText("secret")).toHaveCount(0);
  expect((await deployment.stored(alan)).map(({ body }) => body)).toEqual(["Hello Alan", "I am Alan"]);
  for (const { sender, body } of await deployment.stored(grace).catch(() => []))
    expect(`${sender.id}: ${body}`).toBe("42: A secret");
});

test("who signs out leaves no word behind", async ({ open, deployment }) => {
  const page = await open("/authjs");
  const signIn = (name: string) => page.getByRole("button", { name, exact: true }).click();
  const chat = () => Chat.on(page);
  await signIn("Grace");
  const first = await chat();
  await first.write("Hello");
  await first.delivery("Hello", "Sent");
  const stopFailing = await intercept(page, send, (route) => route.abort());
  await first.write("A secret");
  await first.delivery("A secret", "Sending…");
  await first.field.fill("Another secret");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in with Auth.js" })).toBeVisible();
  stopFailing();
  expect(await page.evaluate(() => JSON.stringify([localStorage, sessionStorage].map(Object.entries)))).not.toContain(
    "secret",
  );

  await signIn("Ada");
  const team = await Inbox.on(page);
  const conversation = await team.open("Grace");
  await conversation.shows("Hello");
  await expect(conversation.field).toHaveValue("");
  await page.getByRole("button", { name: "Sign out" }).click();

  await signIn("Grace");
  const again = await chat();
  await again.shows("Hello");
  await expect(again.field).toHaveValue("");
  await again.write("Here I am again");
  await again.delivery("Here I am again", "Sent");
  expect((await deployment.stored(grace)).map(({ body }) => body)).toEqual(["Hello", "Here I am again"]);
});

for (const next of [alan, ada]) {
  test(`a tab that is left open when ${next.name} signs in shows and sends nothing of theirs`, async ({
    open,
    deployment,
  }) => {
    const page = await open("/authjs");
    await page.getByRole("button", { name: "Grace" }).click();
    const old = await Chat.on(page);
    await old.write("Hello");
    await old.delivery("Hello", "Sent");
    const tab = await page.context().newPage();
    await tab.goto("/authjs");
    await tab.getByRole("button", { name: "Sign out" }).click();
    await tab.getByRole("button", { name: next.name }).click();
    if (next === ada) await Inbox.on(tab);
    else await Chat.on(tab);
    await deployment.send(alan, "Alan's own");
    await expect(tab.getByText("Alan's own").first()).toBeVisible();

    if (await old.field.isEnabled()) await old.write("From the old tab");
    await expect(page.getByRole("main").getByRole("alert")).toBeVisible();
    await expect(page.getByText("Alan's own")).toHaveCount(0);
    const stored = [...(await deployment.stored(grace)), ...(await deployment.stored(alan))];
    expect(stored.map(({ body, sender }) => `${sender.id}: ${body}`)).toEqual(["42: Hello", "43: Alan's own"]);
  });
}
