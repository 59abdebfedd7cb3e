import { afterEach, describe, expect, test, vi } from "vitest";
import { World, ada, grace } from "./support/world.js";

afterEach(() => {
  vi.useRealTimers();
});

const heidi = { id: "43", role: "client", name: "Heidi" } as const;
const DAY = 24 * 60 * 60_000;

describe("a draft", () => {
  test("is shown at once, and is there after a reload until it is set to nothing", async () => {
    const world = new World();
    const { chat, store } = await world.live();
    expect(store.getSnapshot().draft).toBe("");
    store.setDraft("Hello, I");
    expect(store.getSnapshot().draft).toBe("Hello, I");
    chat.close();
    const next = await world.live();
    expect(next.store.getSnapshot()).toMatchObject({ draft: "Hello, I", messages: [] });
    next.store.setDraft("");
    expect(world.storage.items.size).toBe(0);
    expect((await world.live()).store.getSnapshot().draft).toBe("");
    expect(world.sends).toHaveLength(0);
  });

  test("is one for each conversation, and stays while one looks at another", async () => {
    for (const storage of [undefined, null]) {
      const world = new World();
      world.me = ada;
      const chat = world.chat(storage === null ? { storage } : {});
      for (const id of ["a", "b"]) {
        const leave = chat.conversation(id).subscribe(() => {});
        chat.conversation(id).setDraft(`to ${id}`);
        leave();
        await world.pass(60_000);
      }
      expect(["a", "b", "c"].map((id) => chat.conversation(id).getSnapshot().draft)).toEqual(["to a", "to b", ""]);
    }
  });

  test("is nobody else's", async () => {
    const world = new World();
    const first = await world.live();
    first.store.setDraft("Grace's words");
    first.chat.close();
    world.me = heidi;
    const second = await world.live();
    expect(second.store.getSnapshot().draft).toBe("");
    second.store.setDraft("Heidi's words");
    second.chat.close();
    world.me = grace;
    expect((await world.live()).store.getSnapshot().draft).toBe("Grace's words");
  });

  test("is gone after a day, and at sign-out", async () => {
    const world = new World();
    const first = await world.live();
    first.store.setDraft("old");
    first.chat.close();
    vi.setSystemTime(Date.now() + DAY);
    const second = await world.live();
    expect(second.store.getSnapshot().draft).toBe("");
    second.store.setDraft("secret");
    await second.chat.signOut();
    expect(second.store.getSnapshot().draft).toBe("");
    expect(world.storage.items.size).toBe(0);
  });

  test("that was written before it was known who writes is theirs then, and otherwise there for whoever comes back", async () => {
    const world = new World();
    world.isCut = true;
    const first = world.chat();
    first.conversation().subscribe(() => {});
    first.conversation().setDraft("in a tunnel");
    await world.pass(0);
    first.close();
    const second = world.chat();
    second.conversation().subscribe(() => {});
    expect(second.conversation().getSnapshot().draft).toBe("in a tunnel");
    second.conversation().setDraft("still in a tunnel");
    world.isCut = false;
    await world.pass(10_000);
    expect(second.conversation().getSnapshot()).toMatchObject({ status: "ready", draft: "still in a tunnel" });
    second.close();
    world.me = heidi;
    expect((await world.live()).store.getSnapshot().draft).toBe("");
    world.me = grace;
    expect((await world.live()).store.getSnapshot().draft).toBe("still in a tunnel");
  });
});
