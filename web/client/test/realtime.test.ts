import { afterEach, describe, expect, test, vi } from "vitest";
import type { SessionIdentity } from "../src/index.js";
import { World, ada, grace, problem } from "./support/world.js";

afterEach(() => {
  vi.useRealTimers();
});

describe("the connection to Pusher", () => {
  test("is one for all stores, is opened with the first and closed a little after the last", async () => {
    const world = new World();
    world.me = ada;
    world.conversation.send(ada, "Hello", null);
    const chat = world.chat();
    const leave = [chat.inbox(), chat.inbox({ status: "all" }), chat.conversation("42")].map((store) =>
      store.subscribe(() => {}),
    );
    await world.pass(0);
    expect(world.pushers).toHaveLength(1);
    world.pusher.become("connected");
    await world.pass(0);
    expect([...world.pusher.channels.keys()].sort()).toEqual(["private-client-42", "private-developer-inbox"]);
    leave[0]!();
    leave[2]!();
    await world.pass(10_000);
    expect(world.pusher.left).toEqual(["private-client-42"]);
    expect(world.pusher.connection.state).toBe("connected");
    leave[1]!();
    await world.pass(1_000);
    expect(world.pusher.connection.state).toBe("connected");
    await world.pass(1_000);
    expect(world.pusher.connection.state).toBe("disconnected");
    expect(world.pushers).toHaveLength(1);
  });

  test("stays where a listener comes back soon", async () => {
    const world = new World();
    const { store, leave } = await world.live();
    leave();
    await world.pass(1_000);
    store.subscribe(() => {});
    await world.pass(10_000);
    expect(world.pusher.connection.state).toBe("connected");
    expect(world.pushers).toHaveLength(1);
  });

  test("is the same one when it is opened again, and brings events again", async () => {
    const world = new World();
    const { store, leave } = await world.live();
    leave();
    for (let i = 0; i < 3; i++) {
      await world.pass(120_000);
      expect(world.pusher.connection.state).toBe("disconnected");
      const leaveAgain = store.subscribe(() => {});
      await world.pass(0);
      expect(world.pusher.connection.state).toBe("connecting");
      world.pusher.become("connected");
      await world.pass(0);
      world.channel().emit("new-message", world.conversation.send(ada, `${i}`, null).message);
      expect(store.getSnapshot()).toMatchObject({ connection: "live", unread: i + 1 });
      leaveAgain();
    }
    expect(world.pushers).toHaveLength(1);
  });

  test("brings events also on a channel that was left and taken up again before it was there", async () => {
    const world = new World();
    world.me = ada;
    world.conversation.send(grace, "one", null);
    const chat = world.chat();
    chat.inbox().subscribe(() => {});
    await world.pass(0);
    world.pusher.become("connected");
    await world.pass(0);
    world.network = (asked, serve) =>
      asked.body["channel_name"] === "private-client-42" ? new Promise(() => {}) : serve();
    const store = chat.conversation("42");
    store.subscribe(() => {});
    await world.pass(0);
    store.close();
    store.subscribe(() => {});
    await world.pass(0);
    world.network = undefined;
    world.pusher.become("connecting");
    world.conversation.send(grace, "two, while there was no connection", null);
    world.pusher.become("connected");
    await world.pass(0);
    expect(store.getSnapshot()).toMatchObject({ connection: "live", unread: 2 });
    world.channel().emit("new-message", world.conversation.send(grace, "three", null).message);
    expect(store.getSnapshot().unread).toBe(3);
  });

  test("has the settings and the channels' names of the server", async () => {
    const world = new World();
    world.realtime = {
      key: "k",
      cluster: "local",
      wsHost: "localhost",
      wsPort: 6001,
      forceTLS: false,
      channels: { conversation: "presence-of-the-server", inbox: null },
    };
    world
      .chat()
      .conversation()
      .subscribe(() => {});
    await world.pass(0);
    expect(world.pusher.key).toBe("k");
    expect(world.pusher.options).toMatchObject({
      cluster: "local",
      wsHost: "localhost",
      wsPort: 6001,
      wssPort: 6001,
      forceTLS: false,
      enabledTransports: ["ws"],
    });
    expect([...world.pusher.channels.keys()]).toEqual(["presence-of-the-server"]);
  });

  test("signs the user in, so that it can be cut", async () => {
    const world = new World();
    await world.live();
    expect(world.pusher.signedIn).toBe(1);
    world.pusher.become("connecting");
    world.pusher.become("connected");
    await world.pass(0);
    const auth = world.of("POST", "/api/pusher/auth").map((a) => a.body);
    expect(auth).toContainEqual({ socket_id: "1.2" });
    expect(auth).toContainEqual({ socket_id: "1.2", channel_name: "private-client-42" });
  });

  test("asks for the token each time that a channel is authorised", async () => {
    const world = new World();
    await world.live();
    world.token = "fresh";
    world.pusher.become("connecting");
    world.pusher.become("connected");
    await world.pass(0);
    expect(world.of("POST", "/api/pusher/auth").map((a) => a.token)).toEqual(["Bearer fresh", "Bearer fresh"]);
  });

  test("is asked for its channel again after 5xx and network errors, more and more seldom", async () => {
    const world = new World();
    const store = world.chat().conversation();
    store.subscribe(() => {});
    await world.pass(0);
    const failing = [
      () => problem(503, "unavailable"),
      () => Promise.reject(new TypeError("Failed to fetch")),
      () => problem(500, "internal"),
    ];
    world.script.set("POST /api/pusher/auth", (asked) =>
      asked.body["channel_name"] && failing.length ? failing.shift()!() : world.answer(asked),
    );
    world.pusher.become("connected");
    const begun = Date.now();
    await world.pass(30_000);
    const tries = world.of("POST", "/api/pusher/auth").filter((a) => a.body["channel_name"]);
    expect(tries.map((a) => a.at - begun)).toEqual([0, 1_000, 3_000, 7_000]);
    expect(store.getSnapshot().connection).toBe("live");
  });

  test("is asked for a channel that was refused once a minute, and the conversation is polled meanwhile", async () => {
    const world = new World();
    world.script.set("POST /api/pusher/auth", () => problem(403, "forbidden"));
    const store = world.chat().conversation();
    store.subscribe(() => {});
    await world.pass(0);
    world.pusher.become("connected");
    await world.pass(0);
    expect(store.getSnapshot().connection).toBe("polling");
    const asked = () => world.of("POST", "/api/pusher/auth").filter((a) => a.body["channel_name"]);
    await world.pass(59_999);
    expect(asked()).toHaveLength(1);
    await world.pass(1);
    expect(asked()).toHaveLength(2);
    world.script.clear();
    await world.pass(60_000);
    expect(store.getSnapshot().connection).toBe("live");
    await world.pass(120_000);
    expect(asked()).toHaveLength(3);
  });

  test("gives up on what was asked for by an earlier connection", async () => {
    const world = new World();
    const store = world.chat().conversation();
    store.subscribe(() => {});
    await world.pass(0);
    world.script.set("POST /api/pusher/auth", (asked) =>
      asked.body["socket_id"] === "1.1" ? problem(503, "unavailable") : world.answer(asked),
    );
    world.pusher.become("connected");
    await world.pass(1_500);
    world.pusher.become("connecting");
    world.pusher.become("connected");
    await world.pass(0);
    expect(store.getSnapshot().connection).toBe("live");
    world.asked.length = 0;
    await world.pass(60_000);
    expect(world.of("POST", "/api/pusher/auth").filter((a) => a.body["socket_id"] === "1.1")).toHaveLength(0);
  });
});

describe("the session", () => {
  test("is asked for once, with the token", async () => {
    const world = new World();
    const chat = world.chat();
    const [a, b] = await Promise.all([chat.session(), chat.session()]);
    expect(a).toBe(b);
    expect(world.of("GET", "/api/session").map((s) => s.token)).toEqual(["Bearer token"]);
  });

  test("is asked for again after 5xx and network errors, and not after a 403", async () => {
    const world = new World();
    world.script.set("GET /api/session", [
      () => problem(503, "unavailable"),
      () => Promise.reject(new TypeError("Failed to fetch")),
    ]);
    const session = world.chat().session();
    await world.pass(3_000);
    expect((await session).identity.id).toBe("42");
    world.script.set("GET /api/session", () => problem(403, "forbidden"));
    const refused = world.chat().session();
    await expect(refused).rejects.toMatchObject({ code: "forbidden", status: 403 });
    await world.pass(60_000);
    expect(world.of("GET", "/api/session")).toHaveLength(4);
  });

  test("takes a new token after a 401, once", async () => {
    const world = new World();
    const tokens = ["old", "new", "newer"];
    world.script.set("GET /api/session", (asked) =>
      asked.token === "Bearer new" ? world.answer(asked) : problem(401, "unauthorized"),
    );
    const chat = world.chat({ getToken: () => Promise.resolve(tokens.shift()!) });
    expect((await chat.session()).identity.id).toBe("42");
    const other = world.chat({ getToken: () => Promise.resolve("bad") });
    await expect(other.session()).rejects.toMatchObject({ code: "unauthorized" });
    expect(world.of("GET", "/api/session").map((s) => s.token)).toEqual(["Bearer old", "Bearer new", "Bearer bad"]);
  });

  test("comes with cookies where there is no getToken, and a 401 is final for the request", async () => {
    const world = new World();
    world.script.set("GET /api/session", () => problem(401, "unauthorized"));
    await expect(world.chat({ getToken: undefined }).session()).rejects.toMatchObject({ status: 401 });
    expect(world.of("GET", "/api/session").map((s) => s.token)).toEqual([null]);
  });

  test("is waited for where no token can be had", async () => {
    const world = new World();
    let tries = 0;
    const session = world
      .chat({ getToken: async () => (tries++ ? "token" : Promise.reject(new Error("no network"))) })
      .session();
    await world.pass(1_000);
    expect((await session).identity.id).toBe("42");
  });
});

describe("typing", () => {
  test("is told once in 3 s at most", async () => {
    const world = new World();
    const { store } = await world.live();
    for (let i = 0; i < 70; i++) {
      store.setTyping();
      await world.pass(100);
    }
    expect(world.channel().told).toEqual(Array(3).fill(["client-typing", { side: "client" }]));
  });

  test("is not told on a public channel", async () => {
    const world = new World();
    world.realtime = { channels: { conversation: "client-42", inbox: null } };
    const { store } = await world.live();
    store.setTyping();
    expect(world.channel("client-42").told).toEqual([]);
  });

  test("is shown for 4 s after the last sign of it, or until a message comes", async () => {
    const world = new World();
    const { store } = await world.live();
    const emit = () => world.channel().emit("client-typing", { side: "developer" });
    emit();
    await world.pass(3_000);
    emit();
    await world.pass(3_999);
    expect(store.getSnapshot().typing).toBe(true);
    await world.pass(1);
    expect(store.getSnapshot().typing).toBe(false);
    emit();
    world.channel().emit("new-message", world.conversation.send(ada, "Hello", null).message);
    expect(store.getSnapshot().typing).toBe(false);
  });

  test("is not shown any more where the conversation is opened again", async () => {
    const world = new World();
    const { store, leave } = await world.live();
    world.channel().emit("client-typing", { side: "developer" });
    leave();
    await world.pass(3_000);
    store.subscribe(() => {});
    expect(store.getSnapshot().typing).toBe(false);
  });

  test.each<[string, unknown, object, boolean]>([
    ["the other side", { side: "developer" }, {}, true],
    ["the other side with a name, which is not looked at", { side: "developer", name: "Mallory" }, {}, true],
    ["one's own side, in another tab", { side: "client" }, {}, false],
    ["no side", {}, {}, false],
    ["nothing", null, {}, false],
    ["a text", "developer", {}, false],
    ["a list of sides", { side: ["developer"] }, {}, false],
    ["another side", { side: "admin" }, {}, false],
    ["the other side, which Pusher confirms", { side: "developer" }, { user_id: "d:ada" }, true],
    ["the other side, which Pusher denies", { side: "developer" }, { user_id: "c:42" }, false],
    ["one's own side, which Pusher denies", { side: "client" }, { user_id: "d:ada" }, false],
  ])("is shown when it says %s", async (_, data, about, shown) => {
    const world = new World();
    const { store } = await world.live();
    const before = store.getSnapshot();
    world.channel().emit("client-typing", data, about);
    expect(store.getSnapshot()).toEqual({ ...before, typing: shown });
  });

  test("is the only client event that does anything", async () => {
    const world = new World();
    const { store } = await world.live();
    const before = store.getSnapshot();
    const forged = world.conversation.send(ada, "forged", null).message;
    for (const event of ["client-new-message", "client-messages-read", "client-conversation-updated", "client-x"])
      world.channel().emit(event, forged);
    await world.pass(5_000);
    expect(store.getSnapshot()).toBe(before);
    expect(world.lists).toHaveLength(0);
  });
});

describe("marking as read", () => {
  test("is one request a second at most, for the highest asked for", async () => {
    const world = new World();
    for (let i = 0; i < 5; i++) world.conversation.send(ada, `${i}`, null);
    const { store } = await world.live();
    const begun = Date.now();
    for (const seq of [1, 2, 4, 3]) {
      store.markRead(seq);
      await world.pass(100);
    }
    await world.pass(5_000);
    const reads = world.of("POST", "/api/messages/read");
    expect(reads.map((r) => [r.body["upToSeq"], r.at - begun])).toEqual([
      [1, 0],
      [4, 1_000],
    ]);
    expect(store.getSnapshot()).toMatchObject({ unread: 1, conversation: { read: { client: 4 } } });
  });

  test("only goes forward", async () => {
    const world = new World();
    for (let i = 0; i < 3; i++) world.conversation.send(ada, `${i}`, null);
    world.conversation.markRead("client", 2);
    const { store } = await world.live();
    store.markRead(1);
    store.markRead(2);
    await world.pass(5_000);
    expect(world.of("POST", "/api/messages/read")).toHaveLength(0);
  });

  test("without a number stops before a hole", async () => {
    const world = new World();
    world.conversation.send(ada, "one", null);
    const { store } = await world.live();
    world.conversation.send(ada, "two, which is lost", null);
    world.channel().emit("new-message", world.conversation.send(ada, "three", null).message);
    store.markRead();
    await world.pass(0);
    expect(world.of("POST", "/api/messages/read").map((r) => r.body["upToSeq"])).toEqual([1]);
  });

  test("names the connection, is tried again after a failure and given up after a refusal", async () => {
    const world = new World();
    world.conversation.send(ada, "one", null);
    const { store } = await world.live();
    world.script.set("POST /api/messages/read", [() => problem(503, "unavailable"), () => problem(404, "not_found")]);
    store.markRead();
    await world.pass(20_000);
    const reads = world.of("POST", "/api/messages/read");
    expect(reads).toHaveLength(2);
    expect(reads[0]!.body).toEqual({ clientId: "42", upToSeq: 1, socketId: "1.1" });
    store.markRead();
    await world.pass(0);
    expect(store.getSnapshot().unread).toBe(0);
  });
});

describe("the other developers", () => {
  const everybody = { "c:42": {}, "d:ada": {}, "d:ken": {}, "d:rob": {} };

  async function watched(me: SessionIdentity) {
    const world = new World();
    world.me = me;
    world.conversation.send(grace, "Hello", null);
    const store = world.chat().conversation(me.role === "developer" ? "42" : undefined);
    store.subscribe(() => {});
    await world.pass(0);
    world.pusher.become("connected");
    await world.pass(0);
    const channel = world.channel();
    channel.members = { members: everybody };
    channel.emit("pusher:member_added", { id: "d:rob" });
    const seen = () => [store.getSnapshot().viewers, store.getSnapshot().answering];
    return { world, channel, seen };
  }

  test("are shown to a developer while they are there and while they type, as Pusher says", async () => {
    const { world, channel, seen } = await watched(ada);
    expect(seen()).toEqual([["ken", "rob"], []]);
    channel.emit("client-typing", { side: "developer" }, { user_id: "d:ken" });
    channel.emit("client-typing", { side: "developer" }, { user_id: "d:mallory" });
    channel.emit("client-typing", { side: "developer", user_id: "d:rob" });
    expect(seen()).toEqual([["ken", "rob"], ["ken"]]);
    await world.pass(4_000);
    expect(seen()).toEqual([["ken", "rob"], []]);
    channel.members = { members: { "d:ada": {}, "d:rob": {} } };
    channel.emit("pusher:member_removed", { id: "d:ken" });
    expect(seen()).toEqual([["rob"], []]);
    world.pusher.become("connecting");
    expect(seen()).toEqual([[], []]);
  });

  test("are not shown to a client", async () => {
    const { channel, seen } = await watched(grace);
    channel.emit("client-typing", { side: "developer" }, { user_id: "d:ken" });
    expect(seen()).toEqual([[], []]);
  });
});
