import { afterEach, describe, expect, test, vi } from "vitest";
import type { ChatOptions } from "../src/index.js";
import { World, jwt, problem } from "./support/world.js";

afterEach(() => {
  vi.useRealTimers();
});

type GetToken = NonNullable<ChatOptions["getToken"]>;

describe("a token", () => {
  test("is asked for once, and the session once, until a page is live", async () => {
    const world = new World();
    const getToken = vi.fn<GetToken>(() => Promise.resolve(jwt(900)));
    const { store } = await world.live({ getToken });
    store.send("Hello");
    store.markRead();
    await world.pass(60_000);
    expect(store.getSnapshot()).toMatchObject({ connection: "live", messages: [{ delivery: "sent" }] });
    expect(getToken.mock.calls).toEqual([[{ refused: false }]]);
  });

  test("is asked for once where a page is loaded with cookies, as is the session", async () => {
    const world = new World();
    const chat = world.chat({ getToken: undefined });
    const store = chat.conversation();
    store.subscribe(() => {});
    await world.pass(3_000); // realtime takes its time
    world.pusher.become("connected");
    await world.pass(0);
    expect(store.getSnapshot().connection).toBe("live");
    expect(world.of("GET", "/api/session")).toHaveLength(1);
  });

  test.each<[string, () => Promise<string>]>([
    ["none", () => Promise.resolve(undefined as unknown as string)],
    ["an empty one", () => Promise.resolve("")],
    [
      "an error, at once",
      () => {
        throw new Error("no");
      },
    ],
  ])("that is missing is waited for, and no request goes out without it: %s", async (_, fail) => {
    const world = new World();
    let isThere = false;
    const chat = world.chat({ getToken: () => (isThere ? Promise.resolve(jwt(900)) : fail()) });
    const store = chat.conversation();
    store.subscribe(() => {});
    await world.pass(10_000);
    expect(world.asked).toEqual([]);
    expect(store.getSnapshot()).toMatchObject({ error: { code: "token" } });
    isThere = true;
    await world.pass(20_000);
    expect(store.getSnapshot()).toMatchObject({ status: "ready", error: null });
  });

  test("is kept until shortly before it expires", async () => {
    const world = new World();
    const getToken = vi.fn<GetToken>(() => Promise.resolve(jwt(900)));
    await world.live({ getToken });
    await world.pass(800_000);
    world.visible(true);
    await world.pass(0);
    expect(getToken).toHaveBeenCalledTimes(1);
    await world.pass(75_000);
    world.visible(true);
    await world.pass(0);
    expect(getToken).toHaveBeenCalledTimes(2);
    expect(getToken).toHaveBeenLastCalledWith({ refused: false });
  });

  test("is asked for once for several callers", async () => {
    const world = new World();
    let give: (token: string) => void = () => {};
    const getToken = vi.fn<GetToken>(() => new Promise((resolve) => (give = resolve)));
    const chat = world.chat({ getToken });
    chat.conversation().subscribe(() => {});
    chat.conversation().send("Hello");
    chat.inbox().subscribe(() => {});
    const session = chat.session();
    await world.pass(1_000);
    give(jwt(900));
    await session;
    expect(getToken).toHaveBeenCalledTimes(1);
  });

  test("that was refused is replaced by a fresh one, which is asked for as such", async () => {
    const world = new World();
    const old = jwt(900, "old");
    const getToken = vi.fn<GetToken>(({ refused }) => Promise.resolve(refused ? jwt(900, "fresh") : old));
    const { store } = await world.live({ getToken });
    for (const route of ["GET /api/session", "GET /api/messages/list", "POST /api/messages/send"]) {
      world.script.set(route, (asked) =>
        asked.token === `Bearer ${old}` ? problem(401, "unauthorized") : world.answer(asked),
      );
    }
    store.send("Hello");
    world.visible(true);
    await world.pass(60_000);
    expect(store.getSnapshot()).toMatchObject({ connection: "live", error: null, messages: [{ delivery: "sent" }] });
    expect(getToken.mock.calls).toEqual([[{ refused: false }], [{ refused: true }]]);
    expect(world.asked.filter((asked) => asked.token === `Bearer ${old}`).length).toBeLessThanOrEqual(2); // what was under way together
  });

  test("that was refused is not sent again for a minute, although there is no other", async () => {
    const world = new World();
    const only = jwt(900);
    const { store } = await world.live({ getToken: () => Promise.resolve(only) });
    let isRefused = true;
    for (const route of ["GET /api/session", "GET /api/messages/list", "POST /api/messages/send"]) {
      world.script.set(route, (asked) => (isRefused ? problem(401, "unauthorized") : world.answer(asked)));
    }
    store.send("Hello");
    await world.pass(59_000);
    expect(world.asked).toHaveLength(1);
    expect(store.getSnapshot().messages).toMatchObject([{ delivery: "sending" }]);
    isRefused = false;
    await world.pass(30_000);
    expect(store.getSnapshot().messages).toMatchObject([{ delivery: "sent" }]);
  });
});
