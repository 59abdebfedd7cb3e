import { afterEach, describe, expect, test, vi } from "vitest";
import type { Chat, ChatError, ConversationStore, InboxStore } from "../src/index.js";
import { World, ada, grace } from "./support/world.js";

afterEach(() => {
  vi.useRealTimers();
});

const ends: [string, (world: World, chat: Chat) => Promise<unknown>][] = [
  ["signed_out", (_, chat) => chat.signOut()],
  [
    "closed",
    (_, chat) => {
      chat.close();
      return Promise.resolve();
    },
  ],
  [
    "identity_changed",
    async (world, chat) => {
      world.me = { id: "ken", role: "developer", name: "Ken" };
      await world.pass(1_000);
      return chat
        .inbox()
        .update("x", { status: "open" })
        .catch(() => {});
    },
  ],
];

describe.each(ends)("a Chat that has ended as %s", (code, end) => {
  /** A developer's Chat with everything that can be under way. */
  async function busy() {
    const world = new World();
    world.me = ada;
    for (let i = 0; i < 8; i++) world.conversation.send(grace, `Hello ${i}`, null);
    const chat = world.chat({ getToken: undefined });
    const stores: (ConversationStore | InboxStore)[] = [chat.inbox(), chat.conversation("42")];
    for (const store of stores) store.subscribe(() => {});
    await world.pass(0);
    world.pusher.become("connected");
    await world.pass(0);
    const held: (() => void)[] = [];
    const slow = (asked: Parameters<World["answer"]>[0]) => {
      const answer = world.answer(asked);
      return new Promise<Response>((resolve) => held.push(() => resolve(answer)));
    };
    for (const route of [
      "GET /api/messages/list",
      "GET /api/conversations/list",
      "POST /api/messages/send",
      "POST /api/messages/read",
      "POST /api/conversations/update",
      "PATCH /api/messages/edit",
    ]) {
      world.script.set(route, slow);
    }
    return { world, chat, stores, held };
  }

  test("does not come back to life by an answer that was under way", async () => {
    const { world, chat, stores, held } = await busy();
    const [inbox, conversation] = stores as [InboxStore, ConversationStore];
    void conversation.loadOlder();
    conversation.send("under way");
    conversation.markRead();
    const changes = [inbox.update("42", { status: "closed" }), conversation.edit("id-1", "x")].map((change) =>
      change.catch((error: unknown) => (error as ChatError).code),
    );
    world.visible(true);
    await world.pass(0);
    expect(held.length).toBeGreaterThan(4);
    const ending = end(world, chat);
    await world.pass(0);
    await ending;
    const before = stores.map((store) => store.getSnapshot());
    expect(before).toMatchObject([
      { status: "error", connection: "error", error: { code }, me: null, conversations: [], team: [] },
      { status: "error", connection: "error", error: { code }, me: null, messages: [], conversation: null, draft: "" },
    ]);
    for (const answer of held) answer();
    await world.pass(120_000);
    expect(stores.map((store) => store.getSnapshot())).toEqual(before);
    for (const [i, store] of stores.entries()) expect(store.getSnapshot()).toBe(before[i]);
    expect(await Promise.all(changes)).toEqual([code, code]);
  });

  test("lets nothing out, and shows nothing, whatever is done with it", async () => {
    const { world, chat, stores } = await busy();
    const closed = chat.conversation("42"); // has been loaded, and nobody listens any more
    world.script.clear();
    const ending = end(world, chat);
    await world.pass(0);
    await ending;
    world.asked.length = 0;
    const [inbox, conversation] = stores as [InboxStore, ConversationStore];
    for (const store of [conversation, closed, chat.conversation("43")]) {
      store.subscribe(() => {});
      const id = store.send("too late");
      store.retry(id);
      store.markRead(9);
      store.setTyping();
      store.setDraft("too late");
      void store.loadOlder();
      await expect(store.edit("id-1", "too late")).rejects.toMatchObject({ code });
      await expect(store.delete("id-1")).rejects.toMatchObject({ code });
    }
    await expect(inbox.update("42", { status: "closed" })).rejects.toMatchObject({ code });
    inbox.setFilter({ status: "all" });
    void inbox.loadMore();
    await expect(chat.session()).rejects.toMatchObject({ code });
    world.online(true);
    await world.pass(120_000);
    expect(world.asked).toEqual([]);
    expect(JSON.stringify([...world.storage.items])).not.toContain("too late");
    for (const store of [inbox, conversation, closed, chat.inbox(), chat.conversation("44")]) {
      expect(store.getSnapshot()).toMatchObject({ status: "error", connection: "error", error: { code }, me: null });
    }
    expect(conversation.getSnapshot().messages).toEqual([]);
  });
});

describe("a change with cookies", () => {
  const changes: [string, (stores: { inbox: InboxStore; conversation: ConversationStore }) => Promise<unknown>][] = [
    ["update", ({ inbox }) => inbox.update("42", { status: "closed" })],
    ["edit", ({ conversation }) => conversation.edit("id-1", "As Ken")],
    ["delete", ({ conversation }) => conversation.delete("id-1")],
  ];

  test.each(changes)("asks first who is signed in: %s", async (_, change) => {
    const world = new World();
    world.me = ada;
    world.conversation.send(ada, "Hello", null);
    const chat = world.chat({ getToken: undefined });
    const stores = { inbox: chat.inbox(), conversation: chat.conversation("42") };
    stores.inbox.subscribe(() => {});
    stores.conversation.subscribe(() => {});
    await world.pass(1_000);
    world.me = { id: "ken", role: "developer", name: "Ken" };
    world.asked.length = 0;
    const changed = change(stores);
    await expect(changed).rejects.toMatchObject({ code: "identity_changed" });
    expect(world.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(["GET /api/session"]);
    expect(world.conversation.status).toBe("open");
  });

  test("shows nothing of another client's, although nobody has looked away", async () => {
    const world = new World();
    world.conversation.send(ada, "To Grace", null);
    world.inbox.of("43").send(ada, "To Heidi", null);
    world.realtime = { enabled: false };
    const store = world.chat({ getToken: undefined }).conversation();
    const seen: string[] = [];
    store.subscribe(() => seen.push(...store.getSnapshot().messages.map(({ body }) => body)));
    await world.pass(0);
    world.me = { id: "43", role: "client", name: "Heidi" };
    world.script.set("GET /api/messages/list", (asked) => world.answer({ ...asked, body: { clientId: "43" } }));
    await world.pass(10_000);
    expect(new Set(seen)).toEqual(new Set(["To Grace"]));
    expect(store.getSnapshot()).toMatchObject({ status: "error", error: { code: "identity_changed" }, messages: [] });
  });
});

test("a session that fails late does not take the place of a newer one", async () => {
  const world = new World();
  let fail = () => {};
  world.script.set("GET /api/session", [
    () => new Promise((_, reject) => (fail = () => reject(new TypeError("Failed to fetch")))),
  ]);
  let token = "first";
  const chat = world.chat({ getToken: () => Promise.resolve(token) });
  const first = chat.session();
  await world.pass(0);
  token = "second";
  await chat.session();
  fail();
  await world.pass(1_000);
  await chat.session();
  await first;
  expect(world.of("GET", "/api/session").map((asked) => asked.token)).toEqual(["Bearer first", "Bearer second"]);
});
