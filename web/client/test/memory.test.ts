import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, expect, test, vi } from "vitest";
import type { ConversationStore } from "../src/index.js";
import { World, ada, problem } from "./support/world.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

afterEach(() => {
  vi.useRealTimers();
});

test("a Chat forgets the conversations that nobody holds any more, but none that has something to send", async () => {
  const world = new World();
  world.me = ada;
  world.script.set("POST /api/messages/send", (asked) =>
    asked.body["body"] === "refused" ? problem(422, "validation_failed") : world.answer(asked),
  );
  const chat = world.chat();
  const refs = new Map<string, WeakRef<ConversationStore>>();
  const visit = async (id: string, act: (store: ConversationStore) => void) => {
    const store = chat.conversation(id);
    refs.set(id, new WeakRef(store));
    const leave = store.subscribe(() => {});
    await world.pass(0);
    act(store);
    await world.pass(0);
    leave();
    await world.pass(60_000);
  };
  const held = chat.conversation("held");
  let late: ConversationStore | undefined = chat.conversation("late");
  for (let i = 0; i < 20; i++) await visit(`read ${i}`, () => {});
  await visit("refused", (store) => store.send("refused", { create: true }));
  await visit("draft", (store) => store.setDraft("half a sentence"));
  for (const id of ["twice", "between", "twice"]) await visit(id, () => {});
  await visit("twice", (store) => store.setDraft("on the second visit"));
  chat.conversation("never opened").setDraft("without a listener");
  chat.conversation("another");
  late.setDraft("long after it was asked for");
  late = undefined;
  vi.useRealTimers();
  await new Promise((resolve) => setTimeout(resolve, 10));
  collectGarbage();
  const left = [...refs].filter(([, ref]) => ref.deref()).map(([id]) => id);
  expect(left).toEqual(expect.arrayContaining(["refused", "draft", "twice"]));
  expect(left.length).toBeLessThan(6);
  expect(chat.conversation("held")).toBe(held);
  expect(chat.conversation("refused").getSnapshot().messages).toMatchObject([{ delivery: "failed" }]);
  expect(chat.conversation("draft").getSnapshot().draft).toBe("half a sentence");
  const drafts = ["twice", "never opened", "late"].map((id) => chat.conversation(id).getSnapshot().draft);
  expect(drafts).toEqual(["on the second visit", "without a listener", "long after it was asked for"]);
});

test("a Chat that has ended is forgotten, although pusher-js keeps the connection that it has made", async () => {
  const world = new World();
  async function use() {
    const { chat, store } = await world.live();
    store.send("Grace's words");
    await world.pass(0);
    chat.close();
    await world.pass(120_000);
    return new WeakRef(store);
  }
  const store = await use();
  const kept = world.pushers.splice(0);
  new World(); // lets go of the other one's Chats
  vi.useRealTimers();
  await new Promise((resolve) => setTimeout(resolve, 10));
  collectGarbage();
  expect(kept).toHaveLength(1);
  expect(store.deref()).toBeUndefined();
});
