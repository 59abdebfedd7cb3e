import { ada, grace } from "../support/deployment.ts";
import { intercept } from "../support/intercept.ts";
import { expect, test } from "../support/scenario.ts";

const offline = "You are offline. What you write is kept and sent once you are back.";
const polling = "Live updates are off for the moment. New messages come a little later.";

test("what is written offline is kept, and sent once the browser is online", async ({ chat, inbox }) => {
  const [client, team] = await Promise.all([chat(grace), inbox(ada)]);
  await client.write("Before");
  const conversation = await team.open("Grace");
  await client.delivery("Before", "Seen");

  await client.page.context().setOffline(true);
  await expect(client.banner).toHaveText(offline);
  await client.write("First");
  await client.write("Second");
  await client.delivery("Second", "Sending…");
  await conversation.write("Are you there?");
  await conversation.delivery("Are you there?", "Sent");

  await client.page.context().setOffline(false);
  await expect(client.banner).toBeHidden();
  for (const side of [client, conversation]) await side.shows("Before", "Are you there?", "First", "Second");
  await client.delivery("Second", "Seen");
});

test("without Pusher nothing is lost, and all of it is live again afterwards", async ({ chat, inbox, deployment }) => {
  const [client, team] = await Promise.all([chat(grace), inbox(ada)]);
  await client.write("Live");
  const conversation = await team.open("Grace");
  await client.delivery("Live", "Seen");

  await deployment.pusherOff();
  await expect(client.banner).toHaveText(polling);
  await expect(conversation.banner).toHaveText(polling);
  await client.write("Polled");
  await client.delivery("Polled", "Sent");
  await conversation.shows("Live", "Polled");
  await conversation.write("Both ways");
  await client.shows("Live", "Polled", "Both ways");

  await deployment.pusherOn();
  // Who has written something that Pusher did not take polls until it takes something of theirs, or brings something.
  await client.write("Live again");
  await client.delivery("Live again", "Sent");
  await conversation.write("Here as well");
  await expect(client.banner).toBeHidden();
  await expect(conversation.banner).toBeHidden();
  for (const side of [client, conversation])
    await side.shows("Live", "Polled", "Both ways", "Live again", "Here as well");
});

test("a page that is opened while Pusher is off works", async ({ chat, deployment }) => {
  await deployment.send(grace, "Hello");
  await deployment.pusherOff();
  const client = await chat(grace);
  await client.shows("Hello");
  await expect(client.banner).toHaveText(polling);
  await deployment.send(ada, "Good morning", grace);
  await client.shows("Hello", "Good morning");
});

test("a restart of the functions loses nothing", async ({ chat, inbox, deployment }) => {
  const [client, team] = await Promise.all([chat(grace), inbox(ada)]);
  await client.write("Before");
  const conversation = await team.open("Grace");
  await client.delivery("Before", "Seen");

  await deployment.functionsOff();
  await client.write("Meanwhile");
  await conversation.write("Meanwhile, too");
  await client.delivery("Meanwhile", "Sending…");
  await deployment.functionsOn();

  await client.delivery("Meanwhile", "Seen");
  await conversation.delivery("Meanwhile, too", "Seen");
  for (const side of [client, conversation]) {
    await expect(side.messages).toHaveCount(3);
    await expect(side.message("Meanwhile")).toHaveCount(1);
    await expect(side.message("Meanwhile, too")).toHaveCount(1);
  }
  expect(await client.bodies.allTextContents()).toEqual(await conversation.bodies.allTextContents());
});

test("a message whose answer was lost is there once", async ({ chat, deployment }) => {
  const client = await chat(grace);
  let lost = 0;
  await client.page.route("**/api/messages/send", async (route) => {
    if (lost === 2) return route.continue();
    await route.fetch();
    lost++;
    return route.abort();
  });
  await client.write("Once");
  await client.delivery("Once", "Sent");
  await expect.poll(() => lost).toBeGreaterThan(0); // an event, or a fetch, may have told of it before
  await client.shows("Once");
  expect(await deployment.stored(grace)).toHaveLength(1);
});

test("whoever is signed out is told so, and what they write waits for them", async ({ chat, deployment }) => {
  const client = await chat(grace);
  await client.write("Before");
  await client.delivery("Before", "Sent");
  const unauthorized = { status: 401, code: "unauthorized" };
  const signIn = await intercept(client.page, /\/api\/(messages|session)/, (route) =>
    route.fulfill({ status: 401, json: unauthorized }),
  );
  await client.page.context().setOffline(true);
  await client.page.context().setOffline(false);
  const banner = client.page.getByRole("status").filter({ hasText: "You are signed out" });
  await expect(banner).toBeVisible();
  await client.write("Meanwhile");
  await client.delivery("Meanwhile", "Sending…");
  signIn();
  await client.delivery("Meanwhile", "Sent");
  await expect(banner).toBeHidden();
  expect((await deployment.stored(grace)).map(({ body }) => body)).toEqual(["Before", "Meanwhile"]);
});
