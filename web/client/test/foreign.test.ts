import { afterEach, describe, expect, test, vi } from "vitest";
import { World, json, page, problem } from "./support/world.js";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe("an answer that is not devinbox's", () => {
  test.each<[string, () => Response]>([
    ["a firewall's page, as a 403", () => page(403)],
    ["a page that is not there, as a 404", () => page(404)],
    ["a page that says that it is JSON", () => page(403, "application/json")],
    ["JSON of somebody else's", () => json({ message: "Forbidden" }, 403)],
    ["JSON with a code of somebody else's", () => json({ code: "blocked", message: "Forbidden" }, 403)],
    ["a problem of another status", () => json({ code: "forbidden", status: 500 }, 403)],
    ["text, as a 400", () => new Response("Bad Request", { status: 400 })],
    ["nothing", () => new Response(null, { status: 404 })],
    ["a list", () => json([], 422)],
  ])("is passing: %s", async (_, answer) => {
    const world = new World();
    world.conversation.send(world.me, "Hello", null);
    const { store } = await world.live();
    world.script.set("GET /api/messages/list", [answer]);
    world.visible(true);
    await world.pass(0);
    expect(store.getSnapshot()).toMatchObject({ status: "ready", connection: "live", error: { code: "http" } });
    await world.pass(2_000);
    expect(store.getSnapshot()).toMatchObject({ status: "ready", connection: "live", error: null });
  });

  test("is passing for the first page, and the page is there as soon as it can be", async () => {
    for (const status of [403, 404]) {
      const world = new World();
      world.conversation.send(world.me, "Hello", null);
      world.script.set("GET /api/messages/list", [() => page(status)]);
      const store = world.chat().conversation();
      store.subscribe(() => {});
      await world.pass(0);
      expect(store.getSnapshot()).toMatchObject({
        status: "error",
        connection: "connecting",
        error: { code: "http", status },
      });
      await world.pass(2_000);
      expect(store.getSnapshot()).toMatchObject({ status: "ready", error: null, messages: [{ body: "Hello" }] });
    }
  });

  test("is passing for the right to a channel", async () => {
    const world = new World();
    world.script.set("POST /api/pusher/auth", [() => page(403), () => page(404), () => page(403)]);
    const { store } = await world.live();
    await world.pass(10_000);
    expect(store.getSnapshot().connection).toBe("live");
  });

  test("is passing for a message, which is neither lost nor refused", async () => {
    const world = new World();
    const { store } = await world.live();
    world.script.set("POST /api/messages/send", [() => page(403), () => page(413), () => json({ ok: true })]);
    store.send("Hello");
    await world.pass(10_000);
    expect(store.getSnapshot().messages).toMatchObject([{ body: "Hello", delivery: "sent" }]);
    expect(world.conversation.messages).toHaveLength(1);
  });

  test.each([403, 404, 413])("is final for a message that a firewall refuses for a minute: %i", async (status) => {
    const world = new World();
    const { store } = await world.live();
    world.script.set("POST /api/messages/send", (asked) =>
      asked.body["body"] === "<script>" ? page(status) : world.answer(asked),
    );
    const id = store.send("<script>");
    store.send("behind it");
    await world.pass(40_000);
    expect(store.getSnapshot().messages).toMatchObject([{ delivery: "sending" }, { delivery: "sending" }]);
    await world.pass(60_000);
    expect(store.getSnapshot().messages).toMatchObject([
      { body: "behind it", delivery: "sent" },
      { body: "<script>", delivery: "failed", error: { code: "http", status } },
    ]);
    expect(world.sends).toHaveLength(9);
    world.script.clear();
    store.retry(id);
    await world.pass(0);
    expect(store.getSnapshot().messages).toMatchObject([{ delivery: "sent" }, { delivery: "sent" }]);
  });

  test.each([408, 425, 429, 502])("is never final for a message as a %i", async (status) => {
    const world = new World();
    const { store } = await world.live();
    world.script.set("POST /api/messages/send", () => page(status));
    store.send("Hello");
    await world.pass(600_000);
    expect(store.getSnapshot().messages).toMatchObject([{ delivery: "sending" }]);
    world.script.clear();
    await world.pass(30_000);
    expect(store.getSnapshot().messages).toMatchObject([{ delivery: "sent" }]);
  });

  test("is passing for the session", async () => {
    const world = new World();
    world.script.set("GET /api/session", [() => page(404), () => page(403)]);
    const session = world.chat().session();
    await world.pass(3_000);
    expect((await session).identity.id).toBe("42");
  });
});

describe("a page that nothing but foreign answers reach", () => {
  function misconfigured() {
    const world = new World();
    vi.stubEnv("NODE_ENV", "development");
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const all = () => page(404);
    for (const route of ["GET /api/session", "GET /api/messages/list", "POST /api/messages/send"])
      world.script.set(route, all);
    const store = world.chat().conversation();
    store.subscribe(() => {});
    return { world, warn, store };
  }

  test("says that it is misconfigured, and keeps asking, and heals", async () => {
    const { world, store } = misconfigured();
    await world.pass(4_900);
    expect(store.getSnapshot()).toMatchObject({ status: "error", connection: "connecting", error: { code: "http" } });
    await world.pass(3_000);
    expect(store.getSnapshot()).toMatchObject({
      status: "error",
      connection: "error",
      error: { code: "misconfigured" },
    });
    world.asked.length = 0;
    await world.pass(60_000);
    expect(store.getSnapshot()).toMatchObject({
      status: "error",
      connection: "error",
      error: { code: "misconfigured" },
    });
    expect(world.lists.length).toBeGreaterThan(2);
    world.script.clear();
    await world.pass(20_000);
    expect(store.getSnapshot()).toMatchObject({ status: "ready", error: null });
    expect(["connecting", "polling"]).toContain(store.getSnapshot().connection);
  });

  test("says once on the console what to look at, in development only", async () => {
    const { world, warn } = misconfigured();
    await world.pass(120_000);
    expect(warn).toHaveBeenCalledTimes(1);
    for (const word of ["rewrite", "baseUrl", "CHAT_ALLOWED_ORIGINS", "CHAT_JWT_SECRET"])
      expect(warn.mock.calls[0]![0]).toContain(word);
    vi.useRealTimers();
    const production = misconfigured();
    vi.stubEnv("NODE_ENV", "production");
    await production.world.pass(120_000);
    expect(production.warn).not.toHaveBeenCalled();
  });

  test("is not one where devinbox has answered anything, or nothing has", async () => {
    for (const answer of [
      () => problem(503, "unavailable"),
      () => problem(401, "unauthorized"),
      () => Promise.reject(new TypeError("Failed to fetch")),
    ]) {
      const { world, store, warn } = misconfigured();
      for (const route of ["GET /api/session", "GET /api/messages/list"]) world.script.set(route, answer);
      await world.pass(60_000);
      expect(store.getSnapshot().connection).not.toBe("error");
      expect(store.getSnapshot().error?.code).not.toBe("misconfigured");
      expect(warn).not.toHaveBeenCalled();
      vi.useRealTimers();
    }
  });

  test("is not one where a session has been loaded", async () => {
    const world = new World();
    const { store } = await world.live();
    world.script.set("GET /api/messages/list", () => page(404));
    world.visible(true);
    await world.pass(60_000);
    expect(store.getSnapshot()).toMatchObject({ status: "ready", connection: "live", error: { code: "http" } });
  });
});

test("every error's message is a sentence", async () => {
  const world = new World();
  world.isCut = true;
  const network = await world
    .chat()
    .conversation()
    .delete("x")
    .catch((error: unknown) => error);
  const token = await world
    .chat({ getToken: () => Promise.reject(new Error("no")) })
    .conversation()
    .delete("x")
    .catch((error: unknown) => error);
  world.isCut = false;
  world.script.set("GET /api/session", () => page(404));
  const foreign = await world
    .chat()
    .conversation()
    .delete("x")
    .catch((error: unknown) => error);
  const closed = world.chat();
  closed.close();
  const ended = await closed
    .conversation()
    .delete("x")
    .catch((error: unknown) => error);
  expect([network, token, foreign, ended].map((error) => (error as { code: string }).code)).toEqual([
    "network",
    "token",
    "http",
    "closed",
  ]);
  for (const error of [network, token, foreign, ended])
    expect((error as Error).message).toMatch(/^[A-Z]\w* .+\.$|^getToken .+\.$/);
  expect((network as Error).cause).toBeInstanceOf(TypeError);
  expect((token as Error).cause).toBeInstanceOf(Error);
});
