import { afterEach, describe, expect, test, vi } from "vitest";
import type { ChatError, ConversationStore } from "../src/index.js";
import type { MapStorage } from "./support/storage.js";
import { FakeLocks, World, ada, grace, json, problem } from "./support/world.js";

afterEach(() => {
  vi.useRealTimers();
});

const networkError = () => Promise.reject(new TypeError("Failed to fetch"));
const deliveries = (store: ConversationStore) => store.getSnapshot().messages.map((m) => [m.body, m.delivery]);
const stored = (storage: MapStorage) =>
  [...storage.items.values()].flatMap((text) => JSON.parse(text) as { body: string; by: string }[]);

describe("a message that is sent", () => {
  test("is shown at once, then as stored under the same key, then as seen", async () => {
    const world = new World();
    const { store } = await world.live();
    const id = store.send("Hello");
    const [sending] = store.getSnapshot().messages;
    expect(sending).toMatchObject({
      body: "Hello",
      delivery: "sending",
      key: id,
      clientMessageId: id,
      mine: true,
      own: true,
      seq: 0,
      sender: grace,
    });
    await world.pass(0);
    expect(store.getSnapshot().messages).toMatchObject([
      { body: "Hello", delivery: "sent", key: id, seq: 1, mine: true },
    ]);
    world.channel().emit("messages-read", { side: "developer", upToSeq: 1, version: 2 });
    expect(deliveries(store)).toEqual([["Hello", "seen"]]);
    expect(world.sends.map((s) => s.body)).toEqual([
      { clientId: "42", body: "Hello", clientMessageId: id, socketId: "1.1" },
    ]);
  });

  test("is shown once where its event comes before its answer", async () => {
    const world = new World();
    const { store } = await world.live();
    let answer = () => {};
    world.script.set("POST /api/messages/send", (asked) => {
      const response = world.answer(asked);
      return new Promise((resolve) => (answer = () => resolve(response)));
    });
    store.send("Hello");
    await world.pass(0);
    world.channel().emit("new-message", world.conversation.message(1));
    expect(deliveries(store)).toEqual([["Hello", "sent"]]);
    answer();
    await world.pass(0);
    expect(deliveries(store)).toEqual([["Hello", "sent"]]);
  });

  test("is sent again with the same key after network errors, 5xx, 408 and 425, more and more seldom", async () => {
    const world = new World();
    const { store } = await world.live();
    world.script.set("POST /api/messages/send", [
      networkError,
      () => problem(503, "unavailable"),
      () => problem(408, "http"),
      () => problem(425, "http"),
      () => new Response("<html>502</html>", { status: 502 }),
    ]);
    const begun = Date.now();
    const id = store.send("Hello");
    await world.pass(60_000);
    expect(world.sends.map((s) => s.at - begun)).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000]);
    expect(new Set(world.sends.map((s) => s.body["clientMessageId"]))).toEqual(new Set([id]));
    expect(deliveries(store)).toEqual([["Hello", "sent"]]);
  });

  test("waits as long as Retry-After says", async () => {
    const world = new World();
    const { store } = await world.live();
    world.script.set("POST /api/messages/send", [() => problem(429, "rate_limited", { "Retry-After": "7" })]);
    const begun = Date.now();
    store.send("Hello");
    await world.pass(60_000);
    expect(world.sends.map((s) => s.at - begun)).toEqual([0, 7_000]);
  });

  test("waits as long as Retry-After says also where somebody looks again meanwhile", async () => {
    const world = new World();
    const { store } = await world.live();
    world.script.set("POST /api/messages/send", [() => problem(429, "rate_limited", { "Retry-After": "60" })]);
    const begun = Date.now();
    store.send("Hello");
    for (let i = 0; i < 5; i++) {
      await world.pass(1_000);
      world.visible(false);
      world.visible(true);
    }
    await world.pass(60_000);
    expect(world.sends.map((s) => s.at - begun)).toEqual([0, 60_000]);
  });

  test("goes out at once when the network is back", async () => {
    const world = new World();
    const { store } = await world.live();
    world.isCut = true;
    store.send("Hello");
    await world.pass(45_000);
    expect(deliveries(store)).toEqual([["Hello", "sending"]]);
    world.isCut = false;
    world.online(true);
    await world.pass(0);
    expect(deliveries(store)).toEqual([["Hello", "sent"]]);
  });

  test("has failed after every other 4xx, and can be sent again or given up", async () => {
    const world = new World();
    const { store } = await world.live();
    const codes = [400, 403, 404, 409, 413, 422];
    world.script.set(
      "POST /api/messages/send",
      codes.map((status) => () => problem(status, `code_${status}`)),
    );
    const ids = codes.map((status) => store.send(`${status}`));
    await world.pass(60_000);
    expect(store.getSnapshot().messages.map((m) => [m.delivery, m.error?.status, m.key])).toEqual(
      codes.map((status, i) => ["failed", status, ids[i]]),
    );
    expect(world.sends).toHaveLength(6);
    store.retry(ids[5]!);
    store.discard(ids[0]!);
    expect(deliveries(store).at(-1)).toEqual(["422", "sending"]);
    await world.pass(0);
    expect(deliveries(store)).toEqual([["422", "sent"], ...codes.slice(1, 5).map((status) => [`${status}`, "failed"])]);
    expect(world.sends.at(-1)!.body["clientMessageId"]).toBe(ids[5]);
  });

  test("is sent again after a 401, with a fresh token each time", async () => {
    const world = new World();
    let tokens = 0;
    const getToken = () => Promise.resolve(`token ${++tokens}`);
    const { store } = await world.live({ getToken });
    world.script.set("POST /api/messages/send", [
      () => problem(401, "unauthorized"),
      () => problem(401, "unauthorized"),
    ]);
    const begun = Date.now();
    store.send("Hello");
    await world.pass(10_000);
    expect(world.sends.map((s) => s.at - begun)).toEqual([0, 0, 1_000]);
    expect(new Set(world.sends.map((s) => s.token)).size).toBe(3);
    expect(deliveries(store)).toEqual([["Hello", "sent"]]);
  });

  test("keeps its place behind those that were written before it", async () => {
    const world = new World();
    const { store } = await world.live();
    world.script.set("POST /api/messages/send", [networkError, networkError]);
    for (const body of ["one", "two", "three"]) store.send(body);
    await world.pass(500);
    expect(deliveries(store)).toEqual([
      ["one", "sending"],
      ["two", "sending"],
      ["three", "sending"],
    ]);
    await world.pass(10_000);
    expect(world.sends.map((s) => s.body["body"])).toEqual(["one", "one", "one", "two", "three"]);
    expect(world.conversation.messages.map((m) => m.body)).toEqual(["one", "two", "three"]);
  });

  test("is posted once more after 10 s where it was only queued", async () => {
    const world = new World();
    const { store } = await world.live();
    world.script.set("POST /api/messages/send", (asked) => {
      const { message } = world.conversation.send(
        grace,
        asked.body["body"] as string,
        asked.body["clientMessageId"] as string,
      );
      return json({ message, conversation: world.conversation.conversation(), realtime: "queued" }, 201);
    });
    const begun = Date.now();
    const id = store.send("Hello");
    await world.pass(60_000);
    expect(world.sends.map((s) => [s.body["clientMessageId"], s.at - begun])).toEqual([
      [id, 0],
      [id, 10_000],
    ]);
    expect(deliveries(store)).toEqual([["Hello", "sent"]]);
  });

  test("that Pusher did not take has the others' fetched, until it is heard of again", async () => {
    const queued = (asked: { body: Record<string, unknown> }) => {
      const { body, clientMessageId } = asked.body as Record<string, string>;
      const { message } = world.conversation.send(grace, body!, clientMessageId!);
      return json({ message, conversation: world.conversation.conversation(), realtime: "queued" }, 201);
    };
    const world = new World();
    const { store } = await world.live();
    world.script.set("POST /api/messages/send", queued);
    store.send("one");
    await world.pass(15_000); // it is posted a second time
    expect(store.getSnapshot().connection).toBe("polling");
    world.conversation.send(ada, "which nobody tells of", null);
    await world.pass(20_000);
    expect(deliveries(store).map(([body]) => body)).toEqual(["one", "which nobody tells of"]);
    world.channel().emit("client-typing", { side: "developer" });
    expect(store.getSnapshot().connection).toBe("polling");
    world.channel().emit("new-message", world.conversation.send(ada, "which Pusher tells of", null).message);
    expect(store.getSnapshot().connection).toBe("live");

    store.send("two");
    await world.pass(1_000);
    expect(store.getSnapshot().connection).toBe("polling");
    world.script.clear();
    await world.pass(9_000);
    expect(store.getSnapshot().connection).toBe("live"); // the second post was announced

    world.script.set("POST /api/messages/send", queued);
    store.send("three");
    await world.pass(605_000);
    expect(store.getSnapshot().connection).toBe("polling");
    await world.pass(30_000);
    expect(store.getSnapshot().connection).toBe("live");
  });

  test("goes out also while nobody looks at the conversation", async () => {
    const world = new World();
    const { store, leave } = await world.live();
    world.script.set("POST /api/messages/send", [networkError, networkError]);
    store.send("Hello");
    leave();
    await world.pass(60_000);
    expect(world.conversation.messages.map((m) => m.body)).toEqual(["Hello"]);
  });

  test("of a developer names the conversation, and may begin it", async () => {
    const world = new World();
    world.me = ada;
    const store = world.chat().conversation("42");
    store.subscribe(() => {});
    await world.pass(0);
    const id = store.send("Hello Grace", { create: true });
    await world.pass(0);
    expect(world.sends[0]!.body).toEqual({ clientId: "42", body: "Hello Grace", clientMessageId: id, create: true });
    world.pusher.become("connected");
    await world.pass(0);
    expect(store.getSnapshot()).toMatchObject({ connection: "live", conversation: { clientId: "42" } });
  });
});

describe("a message that is written before it is known who writes", () => {
  const failures: [string, (world: World) => void][] = [
    ["the session fails", (world) => world.script.set("GET /api/session", () => problem(503, "unavailable"))],
    ["the session is refused", (world) => world.script.set("GET /api/session", () => problem(401, "unauthorized"))],
    ["there is no network", (world) => (world.isCut = true)],
  ];

  test.each(failures)("is shown and kept at once, and goes out in time, where %s", async (_, fail) => {
    for (const options of [{}, { getToken: undefined }]) {
      const world = new World();
      fail(world);
      const store = world.chat(options).conversation();
      store.subscribe(() => {});
      await world.pass(5_000);
      const id = store.send("In a tunnel");
      const shown = { body: "In a tunnel", delivery: "sending", key: id, own: true, mine: true };
      expect(store.getSnapshot().messages).toMatchObject([{ ...shown, sender: { name: null } }]);
      expect(stored(world.storage)).toMatchObject([{ body: "In a tunnel", by: null }]);
      await world.pass(60_000);
      expect(store.getSnapshot().messages).toMatchObject([shown]);
      expect(world.sends).toHaveLength(0);
      world.script.clear();
      world.isCut = false;
      await world.pass(80_000);
      expect(store.getSnapshot().messages).toMatchObject([{ ...shown, delivery: "sent", sender: grace }]);
      expect(world.conversation.messages).toHaveLength(1);
      vi.useRealTimers();
    }
  });

  test("comes back as failed after a reload, whoever is signed in then, and a person sends it", async () => {
    const world = new World();
    world.isCut = true;
    const first = world.chat();
    first.conversation().send("In a tunnel");
    await world.pass(5_000);
    first.close();
    const second = world.chat();
    second.conversation().subscribe(() => {});
    expect(deliveries(second.conversation())).toEqual([["In a tunnel", "failed"]]); // still in the tunnel
    second.close();
    world.isCut = false;
    const { store, chat } = await world.live();
    await world.pass(60_000);
    expect(deliveries(store)).toEqual([["In a tunnel", "failed"]]);
    expect(world.conversation.messages).toHaveLength(0);
    chat.close();
    expect(stored(world.storage)).toMatchObject([{ by: null }]);
    const last = await world.live();
    last.store.retry(last.store.getSnapshot().messages[0]!.key);
    await world.pass(0);
    expect(deliveries(last.store)).toEqual([["In a tunnel", "sent"]]);
    expect(world.conversation.messages).toMatchObject([{ sender: grace }]);
    expect(world.storage.items.size).toBe(0);
  });

  test("is gone where it was discarded, and forgotten at sign-out", async () => {
    const world = new World();
    world.isCut = true;
    const chat = world.chat();
    chat.conversation().discard(chat.conversation().send("Never mind"));
    expect(deliveries(chat.conversation())).toEqual([]);
    expect(world.storage.items.size).toBe(0);
    chat.conversation().send("A secret");
    await chat.signOut().catch(() => {});
    expect(world.storage.items.size).toBe(0);
  });
});

describe("what lies in the storage", () => {
  test.each(["", "null", "0", '{"a":1}', "[null]", '[1,"x",{},{"at":"soon"},[]]', "not JSON"])(
    "may be anything: %s",
    async (text) => {
      const world = new World();
      world.storage.setItem("devinbox:", text);
      const { store } = await world.live();
      world.script.set("POST /api/messages/send", networkError);
      store.send("Hello");
      expect(deliveries(store)).toEqual([["Hello", "sending"]]);
      expect(stored(world.storage)).toMatchObject([{ body: "Hello" }]);
    },
  );
});

describe("a message that was edited or deleted", () => {
  test("is shown as the answer has it, and a refusal is the caller's to handle", async () => {
    const world = new World();
    world.conversation.send(grace, "Hello", "key");
    const { store } = await world.live();
    const { id } = world.conversation.message(1);
    world.script.set("PATCH /api/messages/edit", () => {
      world.conversation.edit(1, "Hello again");
      return json({ message: world.conversation.message(1), conversation: world.conversation.conversation() });
    });
    await store.edit(id, "Hello again");
    expect(world.of("PATCH", "/api/messages/edit")[0]!.body).toEqual({
      clientId: "42",
      messageId: id,
      body: "Hello again",
      ifVersion: 1,
    });
    expect(store.getSnapshot().messages[0]).toMatchObject({ body: "Hello again", key: "key" });
    const errors = [{ field: "body", message: "is empty" }];
    world.script.set("DELETE /api/messages/edit", () =>
      json({ code: "validation_failed", status: 422, detail: "No.", errors, requestId: "r" }, 422),
    );
    await expect(store.delete(id)).rejects.toMatchObject({
      name: "ChatError",
      code: "validation_failed",
      status: 422,
      fields: errors,
      message: "No.",
    });
  });
});

describe("a message that was edited elsewhere meanwhile", () => {
  async function editedElsewhere(change: (world: World) => void) {
    const world = new World();
    world.conversation.send(grace, "Hello", "key");
    const { store } = await world.live();
    change(world);
    world.script.set("PATCH /api/messages/edit", () => problem(409, "conflict"));
    return { world, store, id: world.conversation.message(1).id };
  }

  test("is not overwritten, and its newer text is shown before the caller hears of it", async () => {
    const { world, store, id } = await editedElsewhere((w) => w.conversation.edit(1, "Hello from my phone"));
    const refused = store
      .edit(id, "Hello from my desk")
      .catch((error: unknown) => [(error as ChatError).code, store.getSnapshot().messages[0]!.body]);
    await world.pass(0);
    expect(await refused).toEqual(["conflict", "Hello from my phone"]);
    expect(world.of("PATCH", "/api/messages/edit").map((a) => a.body["ifVersion"])).toEqual([1]);
  });

  test("is not overwritten when the other edit was told while this one was written", async () => {
    const { world, store, id } = await editedElsewhere((w) => {
      w.conversation.edit(1, "Hello from my phone");
      w.channel().emit("message-updated", w.conversation.message(1));
    });
    expect(store.getSnapshot().messages[0]!.version).toBe(2);
    await store.edit(id, "Hello from my desk", 1).catch(() => {});
    await store.edit(id, "Hello from my desk").catch(() => {}); // the caller has seen it
    expect(world.of("PATCH", "/api/messages/edit").map((a) => a.body["ifVersion"])).toEqual([1, 2]);
  });

  test("is refused as a conflict also when its newer text cannot be fetched", async () => {
    const { world, store, id } = await editedElsewhere((w) => w.conversation.delete(1));
    world.script.set("GET /api/messages/list", () => problem(503, "unavailable"));
    await expect(store.edit(id, "Hello")).rejects.toMatchObject({ code: "conflict" });
  });
});

describe("what waits to be sent", () => {
  /** A Chat of a page that was left while its messages could not be sent. */
  async function leftWaiting(world: World, bodies = ["one", "two"]) {
    const { chat, store } = await world.live();
    world.script.set("POST /api/messages/send", networkError);
    bodies.forEach((body) => store.send(body));
    await world.pass(0);
    chat.close();
    await world.pass(0);
    world.script.clear();
    world.asked.length = 0;
  }

  test("is sent after the page was loaded anew, in its order and with its keys", async () => {
    const world = new World();
    await leftWaiting(world);
    const keys = stored(world.storage).map((k) => (k as unknown as { id: string }).id);
    const { store } = await world.live();
    expect(deliveries(store)).toEqual([
      ["one", "sent"],
      ["two", "sent"],
    ]);
    expect(world.conversation.messages.map((m) => m.clientMessageId)).toEqual(keys);
    expect(world.storage.items.size).toBe(0);
  });

  test("is not sent by another user of the same browser, and is sent when its author is back", async () => {
    const world = new World();
    await leftWaiting(world);
    world.me = { id: "43", role: "client", name: "Heidi" };
    const chat = world.chat();
    chat.conversation().subscribe(() => {});
    await world.pass(60_000);
    expect(world.conversation.messages).toHaveLength(0);
    expect(stored(world.storage).map((k) => k.by)).toEqual(["client:42", "client:42"]);
    world.me = { id: "42", role: "developer", name: "The same id on the other side" };
    world
      .chat()
      .conversation("42")
      .subscribe(() => {});
    await world.pass(60_000);
    expect(world.conversation.messages).toHaveLength(0);
    world.me = grace;
    await world.live();
    expect(world.conversation.messages.map((m) => m.body)).toEqual(["one", "two"]);
  });

  test.each([
    ["cookie", { getToken: undefined }],
    ["token", {}],
  ])(
    "is not sent with the %s of whoever has signed in in another tab, nor is anything of theirs shown",
    async (_, options) => {
      for (const act of ["send", "read", "look", "older"]) {
        const world = new World();
        for (let i = 0; i < 6; i++) world.conversation.send(ada, "To Grace", null);
        const { store } = await world.live(options);
        expect(store.getSnapshot()).toMatchObject({ connection: "live", hasOlder: true });
        world.me = { id: "43", role: "client", name: "Heidi" };
        await world.pass(1_000);
        if (act === "send") store.send("Grace's words");
        if (act === "read") store.markRead();
        if (act === "look") world.visible(true);
        if (act === "older") void store.loadOlder();
        await world.pass(0);
        expect(
          world.asked.map(({ method, path }) => `${method} ${path}`),
          act,
        ).toEqual(["GET /api/session"]);
        expect(store.getSnapshot()).toMatchObject({
          status: "error",
          error: { code: "identity_changed" },
          messages: [],
          me: null,
        });
        vi.unstubAllGlobals();
      }
    },
  );

  test("is kept over any number of reloads, opened or not", async () => {
    const world = new World();
    world.me = ada;
    world.conversation.send(grace, "Hello", null);
    world.script.set("POST /api/messages/send", () => problem(403, "forbidden"));
    world.chat().conversation("42").send("an answer");
    await world.pass(0);
    for (let reload = 0; reload < 3; reload++) {
      world
        .chat()
        .inbox()
        .subscribe(() => {});
      await world.pass(0);
      expect(stored(world.storage).map((kept) => kept.body)).toEqual(["an answer"]);
    }
    expect(world.sends).toHaveLength(1);
  });

  test("is not sent when it was discarded before it was known who writes", async () => {
    const world = new World();
    world.isCut = true;
    const store = world.chat().conversation();
    const id = store.send("Never mind");
    await world.pass(0);
    store.discard(id);
    world.isCut = false;
    await world.pass(60_000);
    expect(world.sends).toHaveLength(0);
  });

  test("is not sent by whoever has signed in under the page in the meantime", async () => {
    const world = new World();
    const { store } = await world.live();
    world.script.set("POST /api/messages/send", [networkError, () => problem(401, "unauthorized")]);
    store.send("Grace's words");
    await world.pass(0);
    world.me = { id: "43", role: "client", name: "Heidi" };
    await world.pass(60_000);
    expect(world.sends).toHaveLength(1);
    expect(world.conversation.messages).toHaveLength(0);
    expect(store.getSnapshot()).toMatchObject({
      status: "error",
      error: { code: "identity_changed" },
      messages: [],
      me: null,
    });
    expect(stored(world.storage).map((k) => k.by)).toEqual(["client:42"]);
  });

  test("is refused where somebody else has signed in just now, and the Chat ends", async () => {
    const changes: [string, string, (store: ConversationStore) => unknown][] = [
      ["POST", "/api/messages/send", (store) => store.send("Grace's words")],
      ["PATCH", "/api/messages/edit", (store) => store.edit("id-1", "Grace's words").catch(() => {})],
      ["DELETE", "/api/messages/edit", (store) => store.delete("id-1").catch(() => {})],
      ["POST", "/api/messages/read", (store) => store.markRead()],
    ];
    for (const [method, path, act] of changes) {
      const world = new World();
      world.conversation.send(grace, "Hello", null);
      world.conversation.send(ada, "Hello Grace", null);
      const { store } = await world.live({ getToken: undefined });
      const route = `${method} ${path}`;
      world.script.set(route, (asked) =>
        asked.body["clientId"] === world.me.id ? world.answer(asked) : problem(403, "forbidden"),
      );
      await world.pass(1_000);
      await store.edit("no", "such message").catch(() => {}); // asks who is signed in, which counts for a second
      world.asked.length = 0;
      world.me = { id: "43", role: "client", name: "Heidi" };
      act(store);
      await world.pass(30_000);
      expect(
        world.of(method, path).map((asked) => asked.body["clientId"]),
        route,
      ).toEqual(["42"]);
      expect(store.getSnapshot(), route).toMatchObject({ status: "error", error: { code: "identity_changed" } });
      expect(world.inbox.of("43").messages).toEqual([]);
      vi.useRealTimers();
    }
  });

  test("is not sent after a while without asking who is signed in by now", async () => {
    const world = new World();
    const { store } = await world.live();
    let answer: (response: Response) => void = () => {};
    world.script.set("POST /api/messages/send", [() => new Promise<Response>((resolve) => (answer = resolve))]);
    store.send("one");
    store.send("two, which waits behind it");
    await world.pass(6_000);
    world.me = { id: "43", role: "client", name: "Heidi" };
    answer(problem(422, "validation_failed"));
    await world.pass(60_000);
    expect(world.sends.map((s) => s.body["body"])).toEqual(["one"]);
  });

  test("is forgotten at sign-out, with everything that is shown", async () => {
    const world = new World();
    const { chat, store } = await world.live();
    world.script.set("POST /api/messages/send", networkError);
    store.send("Grace's words");
    await world.pass(0);
    expect(stored(world.storage)).toHaveLength(1);
    await chat.signOut();
    await world.pass(60_000);
    expect(world.storage.items.size).toBe(0);
    expect(world.of("DELETE", "/api/session")).toHaveLength(1);
    expect(world.sends).toHaveLength(1);
    expect(store.getSnapshot()).toMatchObject({
      status: "error",
      error: { code: "signed_out" },
      messages: [],
      conversation: null,
    });
    expect(world.pusher.connection.state).toBe("disconnected");
    store.send("too late");
    await world.pass(0);
    expect(world.sends).toHaveLength(1);
    expect(world.storage.items.size).toBe(0);
  });

  test("is dropped after 24 h, stored or not", async () => {
    const world = new World();
    await leftWaiting(world, ["old"]);
    vi.setSystemTime(Date.now() + 24 * 60 * 60_000);
    const { store } = await world.live();
    expect(deliveries(store)).toEqual([]);
    world.script.set("POST /api/messages/send", networkError);
    store.send("never to be sent");
    await world.pass(0);
    vi.setSystemTime(Date.now() + 24 * 60 * 60_000);
    await world.pass(20_000);
    expect(store.getSnapshot().messages).toMatchObject([{ delivery: "failed", error: { code: "expired" } }]);
  });

  test("that had failed is still there, as failed", async () => {
    const world = new World();
    const { chat, store } = await world.live();
    world.script.set("POST /api/messages/send", [() => problem(422, "validation_failed")]);
    const id = store.send("refused");
    await world.pass(0);
    chat.close();
    const again = (await world.live()).store;
    expect(deliveries(again)).toEqual([["refused", "failed"]]);
    again.discard(id);
    expect(world.storage.items.size).toBe(0);
  });

  test("stays with a tab that is alive, and goes to another one when that is gone", async () => {
    const world = new World({ locks: new FakeLocks() });
    const first = await world.live();
    world.script.set("POST /api/messages/send", networkError);
    first.store.send("from the first tab");
    await world.pass(0);
    const second = await world.live();
    await world.pass(5_000);
    expect(deliveries(first.store)).toEqual([["from the first tab", "sending"]]);
    expect(deliveries(second.store)).toEqual([]);
    first.chat.close();
    world.script.clear();
    await world.pass(0);
    expect(deliveries(second.store)).toEqual([["from the first tab", "sent"]]);
    expect(world.conversation.messages).toHaveLength(1);
    expect(world.storage.items.size).toBe(0);
  });

  test("is not another's who looked before it was known whose it is", async () => {
    const world = new World({ locks: new FakeLocks() });
    world.isCut = true;
    const first = world.chat();
    first.conversation().subscribe(() => {});
    first.conversation().send("Grace's words");
    const second = world.chat();
    second.conversation().subscribe(() => {}); // finds what nobody knows the author of
    await world.pass(0);
    world.isCut = false;
    world.script.set("POST /api/messages/send", networkError);
    await first.session();
    await world.pass(0);
    expect(stored(world.storage)).toMatchObject([{ by: "client:42" }]);
    world.me = { id: "43", role: "client", name: "Heidi" };
    first.close();
    world.script.clear();
    await world.pass(60_000);
    expect(second.conversation().getSnapshot()).toMatchObject({ me: { id: "43" }, messages: [] });
    expect(world.inbox.of("43").messages).toEqual([]);
    expect(stored(world.storage)).toMatchObject([{ by: "client:42" }]);
  });

  test("is stored once where two tabs send it because there are no locks", async () => {
    const world = new World();
    const first = await world.live();
    world.script.set("POST /api/messages/send", networkError);
    first.store.send("from the first tab");
    await world.pass(0);
    world.script.clear();
    const second = await world.live();
    await world.pass(60_000);
    expect(deliveries(first.store)).toEqual([["from the first tab", "sent"]]);
    expect(deliveries(second.store)).toEqual([["from the first tab", "sent"]]);
    expect(world.conversation.messages).toHaveLength(1);
  });

  test("costs nothing but its keeping where the storage fails or there is none", async () => {
    const broken = () => {
      throw new Error("quota");
    };
    for (const storage of [null, { getItem: broken, setItem: broken, removeItem: broken }]) {
      const world = new World();
      const store = world.chat({ storage }).conversation();
      store.subscribe(() => {});
      store.send("Hello");
      await world.pass(0);
      expect(deliveries(store)).toEqual([["Hello", "sent"]]);
    }
  });
});
