import { ada, grace } from "../support/deployment.ts";
import { hold } from "../support/intercept.ts";
import { expect, test } from "../support/scenario.ts";
import type { Thread } from "../support/thread.ts";

const count = 260;
const all = Array.from({ length: count }, (_, i) => `Message ${i + 1}`);

/** Goes to the first message that is loaded. What is loaded on the way stops the way there. */
async function toBeginning(thread: Thread): Promise<void> {
  await expect(async () => {
    await thread.log.press("Home");
    await expect.poll(() => thread.log.evaluate((log) => log.scrollTop), { timeout: 1_000 }).toBe(0);
  }).toPass();
}

test("260 messages are in order, and reading back keeps its place", async ({ chat, deployment }) => {
  for (const body of all) await deployment.send(ada, body, grace);
  await deployment.call(grace, "POST", "/api/messages/read", { upToSeq: count });
  const client = await chat(grace);
  await expect(client.message(`Message ${count}`)).toBeInViewport();

  for (let shown = await client.bodies.count(); shown < count; shown = await client.bodies.count()) {
    // What is loaded waits until it is known where the reader is.
    const release = await hold(client.page, "**/api/messages/list?*");
    await toBeginning(client);
    const anchor = client.message((await client.bodies.first().textContent())!);
    const before = (await anchor.boundingBox())!.y;
    release();
    await expect.poll(() => client.bodies.count()).toBeGreaterThan(shown);
    expect(Math.abs((await anchor.boundingBox())!.y - before)).toBeLessThanOrEqual(1);
  }
  await client.shows(...all);
  await toBeginning(client);

  // Further up, a new message moves nothing; at the end, it comes into sight.
  const before = (await client.message("Message 3").boundingBox())!.y;
  await deployment.send(ada, "News", grace);
  await expect(client.bodies).toHaveCount(count + 1);
  expect((await client.message("Message 3").boundingBox())!.y).toBe(before);
  await client.log.press("End");
  await expect(client.message("News")).toBeInViewport();
  await deployment.send(ada, "More news", grace);
  await expect(client.message("More news")).toBeInViewport();
});

test("a thread opens where the reader left off", async ({ chat, deployment }) => {
  for (const body of all.slice(0, 90)) await deployment.send(ada, body, grace);
  await deployment.call(grace, "POST", "/api/messages/read", { upToSeq: 60 });
  const client = await chat(grace);
  await expect(client.log.getByText("New", { exact: true })).toBeInViewport();
  await expect(client.message("Message 61")).toBeInViewport();
  await expect(client.message("Message 90")).not.toBeInViewport();
});

test("who scrolls stays there, although the page changes before it hears of that", async ({ chat, deployment }) => {
  for (const body of all.slice(0, 40)) await deployment.send(ada, body, grace);
  await deployment.call(grace, "POST", "/api/messages/read", { upToSeq: 5 });
  const client = await chat(grace);
  /** Scrolls and writes a letter in one go: the thread is rendered before the browser tells of the scrolling. */
  const scrollAndWrite = async (to: "start" | "end") => {
    await client.field.evaluate((field: HTMLTextAreaElement, place) => {
      const log = document.querySelector("[role=log]")!;
      log.scrollTop = place === "start" ? 0 : log.scrollHeight;
      field.setRangeText("x");
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    }, to);
    await expect(client.field).not.toHaveValue("");
    await client.field.clear();
  };
  await expect(client.message("Message 6")).toBeInViewport();
  await scrollAndWrite("end");
  await expect(client.message("Message 40")).toBeInViewport();
  await scrollAndWrite("start");
  await expect(client.message("Message 1")).toBeInViewport();
  await expect(client.message("Message 40")).not.toBeInViewport();
});

test("each day begins with its name, and who wrote several lines in a row is named once", async ({
  chat,
  deployment,
}) => {
  for (const body of ["Long ago", "Yesterday's", "One", "Two"]) await deployment.send(ada, body, grace);
  await deployment.sql(
    `update chat.message set created_at = created_at - case seq when 1 then interval '40 days' when 2 then interval '1 day' else '0' end`,
  );
  const client = await chat(grace);
  await client.shows("Long ago", "Yesterday's", "One", "Two");
  const [longAgo, ...later] = await client.log.locator("[data-date]").allInnerTexts();
  expect(longAgo).toMatch(/ \d{4}$/);
  expect(later).toEqual(["Yesterday", "Today"]);
  // Each message by the first of its parts that takes room: a name, where it is seen and not only read out.
  const firsts = await client.messages.evaluateAll((messages) =>
    messages.map(
      (message) =>
        (Array.from(message.children).find((part) => part.clientHeight > 1 && part.textContent) as HTMLElement)
          .innerText,
    ),
  );
  expect(firsts).toEqual(["Ada", "Ada", "Ada", "Two"]);
});

test("a message of several screens is read once half a screen of it was seen, however slowly", async ({
  chat,
  deployment,
}) => {
  for (const body of all.slice(0, 40)) await deployment.send(ada, body, grace);
  await deployment.call(grace, "POST", "/api/messages/read", { upToSeq: 40 });
  const client = await chat(grace);
  await client.shows(...all.slice(0, 40));
  await toBeginning(client);
  await deployment.send(ada, Array.from({ length: 200 }, (_, i) => `line ${i}`).join("\n"), grace);
  await expect(client.bodies).toHaveCount(41);
  const read = async () =>
    (
      await deployment.call<{ conversation: { read: { client: number } } }>(
        ada,
        "GET",
        "/api/messages/list?clientId=42&limit=1",
      )
    ).conversation.read.client;
  await client.bodies.last().evaluate((body) => {
    const scroller = body.closest("[data-scroller]")!;
    scroller.scrollTop += body.getBoundingClientRect().top - scroller.getBoundingClientRect().bottom;
  });
  expect(await read()).toBe(40);
  for (let moved = 0; moved < 480; moved += 16) {
    await client.log.evaluate(
      (log) =>
        new Promise((resolve) =>
          requestAnimationFrame(() => requestAnimationFrame(() => resolve((log.scrollTop += 16)))),
        ),
    );
  }
  await expect.poll(read).toBe(41);
});
