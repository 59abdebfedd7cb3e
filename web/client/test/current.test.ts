import { afterEach, describe, expect, test, vi } from "vitest";
import { World, ada, grace, json, problem } from "./support/world.js";

afterEach(() => {
  vi.useRealTimers();
});

const say = (world: World, body: string, by = ada) => world.conversation.send(by, body, null).message;

describe("what goes wrong in somebody else's code", () => {
  const cyclic = () => {
    const error = new Error("It holds itself.") as Error & { context?: object };
    error.context = { error };
    return error;
  };

  test("stops no store: an error that holds itself", async () => {
    const world = new World();
    const { store } = await world.live();
    const failing = vi.spyOn(globalThis, "fetch").mockImplementation(() => Promise.reject(cyclic()));
    await world.pass(0);
    world.visible(true);
    await world.pass(30_000);
    expect(store.getSnapshot()).toMatchObject({ connection: "offline", error: { code: "network" } });
    failing.mockRestore();
    await world.pass(30_000);
    expect(store.getSnapshot()).toMatchObject({ connection: "live", error: null });
  });

  test("stops no store: a listener that throws", async () => {
    const world = new World();
    const thrown: unknown[] = [];
    vi.spyOn(globalThis, "queueMicrotask").mockImplementation((run) => {
      try {
        run();
      } catch (error) {
        thrown.push(error);
      }
    });
    const store = world.chat().conversation();
    const error = new Error("no");
    const leave = store.subscribe(() => {
      throw error;
    });
    const told = vi.fn();
    store.subscribe(told);
    await world.pass(0);
    world.pusher.become("connected");
    await world.pass(0);
    for (const body of ["one", "two"]) store.send(body);
    await world.pass(0);
    expect(store.getSnapshot()).toMatchObject({
      connection: "live",
      messages: [{ delivery: "sent" }, { delivery: "sent" }],
    });
    expect(told).toHaveBeenCalled();
    expect(new Set(thrown)).toEqual(new Set([error]));
    world.asked.length = 0;
    world.visible(true);
    await world.pass(0);
    expect(world.lists.length).toBeGreaterThan(0);
    leave();
    vi.mocked(queueMicrotask).mockRestore();
  });
});

describe("a conversation that is opened", () => {
  test("is shown without waiting for realtime", async () => {
    const world = new World();
    say(world, "Hello");
    const store = world.chat({ loadPusher: () => new Promise(() => {}) }).conversation();
    store.subscribe(() => {});
    await world.pass(0);
    const state = store.getSnapshot();
    expect(state).toMatchObject({ status: "ready", connection: "connecting", me: grace, hasOlder: false, unread: 1 });
    expect(state.messages.map((m) => [m.body, m.own, m.mine, m.delivery])).toEqual([["Hello", false, false, "sent"]]);
  });

  test("asks nothing and opens nothing before there is a listener", async () => {
    const world = new World();
    world.chat().conversation();
    await world.pass(60_000);
    expect(world.asked).toEqual([]);
    expect(world.pushers).toEqual([]);
  });

  test("is caught up on every subscription, page by page", async () => {
    const world = new World();
    say(world, "one");
    const { store } = await world.live();
    world.pusher.become("connecting");
    for (let i = 0; i < 12; i++) say(world, `missed ${i}`);
    world.conversation.edit(1, "one, edited");
    world.pusher.become("connected");
    await world.pass(0);
    expect(world.lists.map((l) => l.query.get("changedSince"))).toEqual(["1", "6", "11"]);
    expect(store.getSnapshot().messages.map((m) => m.seq)).toEqual(Array.from({ length: 13 }, (_, i) => i + 1));
    expect(store.getSnapshot().messages[0]!.body).toBe("one, edited");
    world.pusher.become("connecting");
    world.pusher.become("connected");
    await world.pass(0);
    expect(world.lists.map((l) => l.query.get("changedSince"))).toEqual(["1", "6", "11", "14"]);
  });

  test("fetches after it has subscribed what was sent in between", async () => {
    const world = new World();
    const store = world.chat().conversation();
    store.subscribe(() => {});
    await world.pass(0);
    say(world, "before anybody listened");
    world.pusher.become("connected");
    await world.pass(0);
    expect(store.getSnapshot().messages.map((m) => m.body)).toEqual(["before anybody listened"]);
  });

  test("loads older pages once at a time, and says when there are no more", async () => {
    const world = new World();
    for (let i = 1; i <= 12; i++) say(world, `${i}`);
    const { store } = await world.live();
    expect(store.getSnapshot()).toMatchObject({ hasOlder: true, loadingOlder: false });
    const loading = [store.loadOlder(), store.loadOlder()];
    expect(store.getSnapshot().loadingOlder).toBe(true);
    await Promise.all(loading);
    expect(world.lists.map((l) => l.query.get("before"))).toEqual(["8"]);
    await store.loadOlder();
    await store.loadOlder();
    expect(world.lists.map((l) => l.query.get("before"))).toEqual(["8", "3"]);
    expect(store.getSnapshot()).toMatchObject({ hasOlder: false, loadingOlder: false });
    expect(store.getSnapshot().messages).toHaveLength(12);
  });

  test("keeps what it shows and says so where an older page cannot be loaded", async () => {
    const world = new World();
    for (let i = 1; i <= 12; i++) say(world, `${i}`);
    const { store } = await world.live();
    world.script.set("GET /api/messages/list", [() => problem(503, "unavailable")]);
    await store.loadOlder();
    expect(store.getSnapshot()).toMatchObject({
      status: "ready",
      hasOlder: true,
      loadingOlder: false,
      error: { code: "unavailable", status: 503, requestId: "r-1" },
    });
    await store.loadOlder();
    expect(store.getSnapshot()).toMatchObject({ error: null });
  });

  test("is an error that is not asked for again where the server forbids it", async () => {
    const world = new World();
    world.script.set("GET /api/messages/list", () => problem(403, "forbidden"));
    const store = world.chat().conversation("43");
    store.subscribe(() => {});
    await world.pass(120_000);
    expect(store.getSnapshot()).toMatchObject({ status: "error", error: { code: "forbidden" } });
    expect(world.lists).toHaveLength(1);
    expect(world.lists[0]!.query.get("clientId")).toBe("43");
  });

  test("is empty, and not an error, where a developer finds none yet", async () => {
    const world = new World();
    world.me = ada;
    world.script.set("GET /api/messages/list", () => problem(404, "not_found"));
    const store = world.chat().conversation("43");
    store.subscribe(() => {});
    await world.pass(0);
    expect(store.getSnapshot()).toMatchObject({ status: "ready", error: null, conversation: null, messages: [] });
  });

  test("recovers by itself where the server was down at first", async () => {
    const world = new World();
    world.script.set("GET /api/messages/list", [
      () => problem(503, "unavailable", { "Retry-After": "4" }),
      () => problem(500, "internal"),
    ]);
    const store = world.chat().conversation();
    store.subscribe(() => {});
    await world.pass(0);
    expect(store.getSnapshot()).toMatchObject({ status: "error", error: { retryAfter: 4 } });
    await world.pass(3_900);
    expect(world.lists).toHaveLength(1);
    await world.pass(100);
    expect(world.lists).toHaveLength(2);
    await world.pass(10_000);
    expect(store.getSnapshot()).toMatchObject({ status: "ready", error: null });
  });
});

describe("an event", () => {
  test("that leaves a gap is given a second, and fetches only if nothing closes it", async () => {
    const world = new World();
    const { store } = await world.live();
    const [one, two] = [say(world, "one"), say(world, "two")];
    world.channel().emit("new-message", two);
    await world.pass(900);
    expect(world.lists).toHaveLength(0);
    world.channel().emit("new-message", one);
    world.channel().emit("conversation-updated", world.conversation.conversation());
    await world.pass(5_000);
    expect(world.lists).toHaveLength(0);
    say(world, "three, which is lost");
    world.channel().emit("new-message", say(world, "four"));
    expect(store.getSnapshot().messages.map((m) => m.seq)).toEqual([1, 2, 4]);
    await world.pass(999);
    expect(world.lists).toHaveLength(0);
    await world.pass(1);
    expect(world.lists).toHaveLength(1);
    expect(store.getSnapshot().messages.map((m) => m.seq)).toEqual([1, 2, 3, 4]);
    await world.pass(60_000);
    expect(world.lists).toHaveLength(1);
  });

  test("that brings a shortened message has the whole one fetched at once", async () => {
    const world = new World();
    const { store } = await world.live();
    const message = say(world, "a very long text");
    world.channel().emit("new-message", { ...message, body: "a very", truncated: true });
    expect(store.getSnapshot().messages[0]).toMatchObject({ body: "a very", truncated: true });
    await world.pass(0);
    expect(world.lists).toHaveLength(1);
    expect(store.getSnapshot().messages[0]).toMatchObject({ body: "a very long text" });
    expect(store.getSnapshot().messages[0]!.truncated).toBeUndefined();
  });

  test("moves read marks, and with them delivery and unread", async () => {
    const world = new World();
    say(world, "mine", grace);
    say(world, "theirs");
    const { store } = await world.live();
    expect(store.getSnapshot()).toMatchObject({ unread: 1, messages: [{ delivery: "sent" }, { delivery: "sent" }] });
    world.conversation.markRead("developer", 1);
    world.channel().emit("messages-read", { side: "developer", upToSeq: 1, version: 3 });
    world.channel().emit("messages-read", { side: "developer", upToSeq: 0, version: 9 });
    world.channel().emit("messages-read", { side: "client", upToSeq: 2, version: 4 });
    expect(store.getSnapshot()).toMatchObject({
      unread: 0,
      messages: [{ delivery: "seen" }, { delivery: "seen" }],
      conversation: { read: { client: 2, developer: 1 } },
    });
  });

  test("changes the snapshot only where it changes something, and only the message that it is about", async () => {
    const world = new World();
    say(world, "one");
    say(world, "two");
    const { store } = await world.live();
    const before = store.getSnapshot();
    world.channel().emit("new-message", world.conversation.message(1));
    world.channel().emit("messages-read", { side: "client", upToSeq: 0, version: 1 });
    expect(store.getSnapshot()).toBe(before);
    world.conversation.edit(2, "two, edited");
    world.channel().emit("message-updated", world.conversation.message(2));
    expect(store.getSnapshot().messages[0]).toBe(before.messages[0]);
    expect(store.getSnapshot().messages[1]).not.toBe(before.messages[1]);
  });
});

describe("a catch-up", () => {
  test("comes with the network, with the spectator and after 15 silent minutes", async () => {
    const world = new World();
    await world.live();
    world.online(true);
    await world.pass(0);
    expect(world.lists).toHaveLength(1);
    world.visible(false);
    await world.pass(0);
    expect(world.lists).toHaveLength(1);
    world.visible(true);
    await world.pass(0);
    expect(world.lists).toHaveLength(2);
    await world.pass(14 * 60_000);
    world.channel().emit("messages-read", { side: "client", upToSeq: 0, version: 1 });
    await world.pass(15 * 60_000 - 1);
    expect(world.lists).toHaveLength(2);
    await world.pass(1);
    expect(world.lists).toHaveLength(3);
  });

  test("that is asked for during another one follows it, once", async () => {
    const world = new World();
    await world.live();
    let answer = () => {};
    world.script.set("GET /api/messages/list", [
      () => new Promise<Response>((resolve) => (answer = () => resolve(json(world.conversation.list({}, 5))))),
    ]);
    for (let i = 0; i < 3; i++) world.online(true);
    await world.pass(1_000);
    expect(world.lists).toHaveLength(1);
    answer();
    await world.pass(1_000);
    expect(world.lists).toHaveLength(2);
  });
});

describe("the connection", () => {
  test("is live while the channel is heard", async () => {
    const world = new World();
    const { store } = await world.live();
    expect(store.getSnapshot().connection).toBe("live");
    world.pusher.become("connecting");
    expect(store.getSnapshot().connection).toBe("connecting");
    world.pusher.become("connected");
    await world.pass(0);
    expect(store.getSnapshot().connection).toBe("live");
  });

  test("falls back to polling where realtime is not there in 10 s, more and more seldom, and is live again by itself", async () => {
    const world = new World();
    const store = world.chat().conversation();
    store.subscribe(() => {});
    await world.pass(9_999);
    expect(store.getSnapshot().connection).toBe("connecting");
    expect(world.lists).toHaveLength(1);
    await world.pass(1);
    expect(store.getSnapshot().connection).toBe("polling");
    const begun = Date.now();
    await world.pass(70_000);
    const polls = world.lists.slice(1).map((l) => l.at - begun);
    expect(polls).toEqual([2_000, 6_000, 14_000, 30_000, 50_000, 70_000]);
    say(world, "news");
    await world.pass(20_000);
    expect(store.getSnapshot().messages).toHaveLength(1);
    const known = world.lists.length;
    await world.pass(2_000);
    expect(world.lists).toHaveLength(known + 1);
    world.pusher.become("connected");
    await world.pass(0);
    expect(store.getSnapshot().connection).toBe("live");
    world.asked.length = 0;
    await world.pass(60_000);
    expect(world.lists).toHaveLength(0);
  });

  test("polls from the start where realtime is switched off, and looks again every minute", async () => {
    const world = new World();
    world.realtime = { enabled: false, key: "", cluster: "" };
    const store = world.chat().conversation();
    store.subscribe(() => {});
    await world.pass(0);
    expect(store.getSnapshot()).toMatchObject({ status: "ready", connection: "polling" });
    await world.pass(2_000);
    expect(world.lists).toHaveLength(2);
    expect(world.pushers).toHaveLength(0);
    world.realtime = {};
    await world.pass(60_000);
    world.pusher.become("connected");
    await world.pass(0);
    expect(store.getSnapshot().connection).toBe("live");
  });

  test("polls at once where Pusher refuses for good, and tries to connect again every minute", async () => {
    for (const state of ["disconnected", "failed"]) {
      const world = new World();
      const { store } = await world.live();
      world.pusher.become(state);
      expect(store.getSnapshot().connection).toBe("polling");
      await world.pass(2_000);
      expect(world.lists).toHaveLength(1);
      await world.pass(57_000);
      expect(world.pusher.connection.state).toBe(state);
      await world.pass(1_000);
      expect(world.pusher.connection.state).toBe("connecting");
      expect(store.getSnapshot().connection).toBe("polling");
      world.pusher.become("connected");
      await world.pass(0);
      expect(store.getSnapshot().connection).toBe("live");
      expect(world.pushers).toHaveLength(1);
    }
  });

  test("polls where pusher-js cannot be loaded, and loads it again", async () => {
    const world = new World();
    const load = vi.fn(async () => Promise.reject(new Error("no such chunk")));
    const store = world.chat({ loadPusher: load }).conversation();
    store.subscribe(() => {});
    await world.pass(2_000);
    expect(store.getSnapshot().connection).toBe("polling");
    await world.pass(60_000);
    expect(load).toHaveBeenCalledTimes(2);
  });

  test("does not poll while nobody looks, and does at once when somebody does", async () => {
    const world = new World();
    world.realtime = { enabled: false };
    const store = world.chat().conversation();
    store.subscribe(() => {});
    await world.pass(0);
    world.visible(false);
    await world.pass(60_000);
    expect(world.lists).toHaveLength(1);
    const before = store.getSnapshot();
    world.visible(true);
    await world.pass(0);
    expect(world.lists).toHaveLength(2);
    expect(store.getSnapshot()).toBe(before);
  });

  test("is offline where the browser or a request says so, and comes back", async () => {
    const world = new World();
    const { store } = await world.live();
    world.online(false);
    expect(store.getSnapshot().connection).toBe("offline");
    world.online(true);
    await world.pass(0);
    expect(store.getSnapshot().connection).toBe("live");
    let isDown = true;
    world.script.set("GET /api/messages/list", (asked) =>
      isDown ? Promise.reject(new TypeError("Failed to fetch")) : world.answer(asked),
    );
    world.online(true);
    await world.pass(0);
    expect(store.getSnapshot()).toMatchObject({ status: "ready", connection: "offline", error: { code: "network" } });
    isDown = false;
    await world.pass(2_000);
    expect(store.getSnapshot()).toMatchObject({ status: "ready", connection: "live", error: null });
  });

  test("is offline where a page stands in for the answer, as a hotel's does", async () => {
    const world = new World();
    for (const path of ["/api/messages/list", "/api/session"])
      world.script.set(`GET ${path}`, () => new Response("<html>Please sign in</html>"));
    const store = world.chat().conversation();
    store.subscribe(() => {});
    await world.pass(0);
    expect(store.getSnapshot()).toMatchObject({ connection: "offline", error: { code: "network" } });
  });
});
