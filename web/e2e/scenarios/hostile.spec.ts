import type { Page } from "@playwright/test";
import { corpus } from "../support/corpus.ts";
import { ada, grace, type Person } from "../support/deployment.ts";
import { mayHaveMarkup } from "../../example/lib/has-markup.ts";
import { expect, test } from "../support/scenario.ts";
import type { Thread } from "../support/thread.ts";

/** Watches a page: whatever a text sets off is in the list. */
async function watch(page: Page): Promise<() => Promise<string[]>> {
  const seen: string[] = [];
  const own = new URL(page.url()).host;
  page.on("dialog", (dialog) => {
    seen.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== "data:" && host !== own) seen.push(`request: ${request.url()}`);
  });
  page.on("framenavigated", (frame) => {
    if (new URL(frame.url()).host !== own) seen.push(`navigated: ${frame.url()}`);
  });
  page.on("popup", (popup) => seen.push(`popup: ${popup.url()}`));
  page.on("pageerror", (error) => seen.push(`error: ${error.message}`));
  // What the policy had to stop got further than it should.
  page.on("console", (message) => {
    if (/Content.Security.Policy/i.test(message.text())) seen.push(`policy: ${message.text()}`);
  });
  await page.addInitScript(() => {
    const called: string[] = [];
    Object.assign(window, { called, canary: () => called.push("the canary was called") });
  });
  await page.reload();
  return async () => [...seen, ...(await page.evaluate(() => (window as unknown as { called: string[] }).called))];
}

/** Reads a thread back to its beginning. */
async function readBack(thread: Thread, count: number): Promise<void> {
  await expect(async () => {
    await thread.log.press("Home");
    await expect(thread.bodies).toHaveCount(count, { timeout: 1_000 });
  }).toPass();
}

/** What the markup of a chat is made of. */
const markup = [
  "P",
  "A",
  "STRONG",
  "EM",
  "CODE",
  "PRE",
  "UL",
  "OL",
  "LI",
  "BLOCKQUOTE",
  "DIV",
  "BUTTON",
  "svg",
  "path",
];

/**
 * Requires that each message is its own words, of elements of the chat's markup only, and a link at most to http, https and
 * mail, where its words say so. What has no markup is the same to the character.
 */
async function isText(thread: Thread, bodies: readonly string[]): Promise<void> {
  await expect(thread.page.locator("[data-body]:has-text('```')")).toHaveCount(0); // the markup is loaded
  const shown = await thread.bodies.evaluateAll((all) =>
    all.map((body) => ({
      text: body.textContent,
      elements: Array.from(body.querySelectorAll("*"), ({ tagName }) => tagName),
      attributes: Array.from(body.querySelectorAll("*"), (element) => element.getAttributeNames()).flat(),
      links: Array.from(body.querySelectorAll("a"), ({ href, rel, textContent }) => ({ href, rel, text: textContent })),
    })),
  );
  expect(shown).toHaveLength(bodies.length);
  for (const [i, { text, elements, attributes, links }] of shown.entries()) {
    if (elements.every((name) => name === "P" || name === "A") && !mayHaveMarkup(bodies[i]!))
      expect(text).toBe(bodies[i]);
    expect(lettersOf(text), bodies[i]).toBe(lettersOf(bodies[i]!.replace(/^```\w*$/gm, "")));
    expect(
      elements.filter((name) => !markup.includes(name)),
      text,
    ).toEqual([]);
    expect(
      attributes.filter((name) => /^on|^src|^style/.test(name)),
      text,
    ).toEqual([]);
    for (const { href, rel, text: words } of links) {
      expect(new URL(href).protocol, text).toMatch(/^(https?|mailto):$/);
      const address = words.includes("://") ? words : /^www/i.test(words) ? `https://${words}` : `mailto:${words}`;
      if (!bodies[i]!.includes(`](${href}`)) expect(new URL(address).href, text).toBe(href);
      expect(rel, text).toContain("noopener");
    }
  }
}

/** All that can be read of a text, without the marks. */
function lettersOf(text: string): string {
  return text.replace(/[^\p{L}\p{N}\p{S}\p{M}]|[`*_>]/gu, "").replace(/[<>]/g, "");
}

test("every page has a policy, also one that is fetched in advance", async ({ deployment }) => {
  const nonces = new Set<string>();
  for (const path of ["/", "/chat", "/inbox", "/nowhere"]) {
    for (const headers of [
      {},
      { Purpose: "prefetch" },
      { "Sec-Purpose": "prefetch" },
      { "Next-Router-Prefetch": "1" },
    ] as Record<string, string>[]) {
      const policy = (await fetch(deployment.url + path, { headers })).headers.get("Content-Security-Policy");
      expect(policy, `${path} ${JSON.stringify(headers)}`).toContain("default-src 'self'");
      nonces.add(/'nonce-([^']+)'/.exec(policy!)![1]!);
    }
  }
  expect(nonces.size).toBe(16);
});

test("200 hostile messages are their own words on both sides", async ({ chat, inbox, deployment }) => {
  expect(new Set(corpus.map((text) => text.trim()))).toHaveProperty("size", corpus.length);
  expect(corpus.length).toBeGreaterThanOrEqual(200);
  for (const body of corpus) await deployment.send(grace, body);
  const stored = (await deployment.stored(grace)).map(({ body }) => body);
  expect(stored).toEqual(corpus);

  const client = await chat(grace);
  const clientSaw = await watch(client.page);
  const team = await inbox(ada);
  const teamSaw = await watch(team.page);
  await expect(team.lines).toHaveCount(1);
  const conversation = await team.open("Grace");
  for (const thread of [client, conversation]) {
    await readBack(thread, corpus.length);
    await isText(thread, stored);
  }
  // A pointer that passes over everything, and a click on each link's neighbourhood, set nothing off.
  for (const [i, body] of corpus.entries()) {
    if (/onmouse|onpointer|click/.test(body)) await conversation.bodies.nth(i).hover();
  }
  expect(await clientSaw()).toEqual([]);
  expect(await teamSaw()).toEqual([]);
});

test("hostile texts that arrive live are their own words", async ({ chat, inbox, deployment }) => {
  await deployment.send(grace, "Hello");
  const client = await chat(grace);
  const team = await inbox(ada);
  const [clientSaw, teamSaw] = [await watch(client.page), await watch(team.page)];
  const conversation = await team.open("Grace");
  await client.delivery("Hello", "Seen");
  const texts = corpus.filter((_, i) => i % 10 === 0);
  for (const text of texts) await deployment.send(ada, text, grace);
  for (const thread of [client, conversation]) {
    await expect(thread.bodies).toHaveCount(texts.length + 1);
    await isText(thread, ["Hello", ...texts]);
  }
  // Written by hand, too.
  await client.field.fill(corpus[0]!);
  await client.page.getByRole("button", { name: "Send" }).click();
  await expect(conversation.bodies).toHaveCount(texts.length + 2);
  await isText(conversation, ["Hello", ...texts, corpus[0]!]);
  expect(await clientSaw()).toEqual([]);
  expect(await teamSaw()).toEqual([]);
});

test("hostile names, ids and searches are their own words", async ({ inbox, deployment }) => {
  const texts = corpus
    .filter((text) => text.length <= 100 && !/[\n\t]/.test(text))
    .filter((_, i) => i % 6 === 0)
    .slice(0, 25);
  // What cannot be seen is taken out of a name, such as what turns the order of letters around.
  const names = texts.map((text) => text.replace(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, ""));
  expect(names).not.toEqual(texts);
  const clients = texts.map((text): Person => ({ id: text, role: "client", name: text }));
  for (const client of clients) await deployment.send(client, client.name);
  const team = await inbox(ada);
  const saw = await watch(team.page);
  await expect(team.lines).toHaveCount(texts.length);
  const lines = await team.lines.evaluateAll((all) => all.map(({ textContent }) => textContent));
  for (const [i, text] of texts.toReversed().entries()) {
    const name = names.at(-1 - i)!;
    expect(lines[i]!.startsWith(name), text).toBe(true);
    expect(lines[i]!.slice(name.length), text).toContain(text); // the preview
  }
  await team.lines.first().click();
  await expect(team.page.getByRole("heading", { level: 2 })).toHaveJSProperty("textContent", names.at(-1)!);
  await expect(team.conversation.bodies).toHaveCount(1);
  await team.page.reload();
  await expect(team.page.getByRole("heading", { level: 2 })).toHaveJSProperty("textContent", names.at(-1)!);
  await team.search.fill(names.at(-1)!);
  await expect(team.lines).toHaveCount(1);
  expect(await saw()).toEqual([]);
});
