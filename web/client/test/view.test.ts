import { expect, test } from "vitest";
import { emptyThread, firstPageLoaded, identityLoaded, messageReceived } from "../src/thread-reducer.js";
import type { Conversation, Message } from "../src/types.js";
import { createView } from "../src/view.js";

test("a message that has not changed is not made anew, however often the thread is shown", () => {
  let reads = 0;
  const message = (seq: number): Message => ({
    id: `m${seq}`,
    clientId: "42",
    seq,
    version: seq,
    sender: { id: "ada", role: "developer", name: "Ada" },
    // Whatever copies the message reads this.
    get body() {
      reads++;
      return "Hello";
    },
    attachments: [],
    clientMessageId: null,
    createdAt: "2026-11-28T10:00:00.000Z",
    editedAt: null,
    deletedAt: null,
  });
  const messages = Array.from({ length: 50 }, (_, i) => message(i + 1));
  const conversation = {
    clientId: "42",
    version: 50,
    lastSeq: 50,
    read: { client: 0, developer: 50 },
    unread: { client: 50, developer: 0 },
  } as Conversation;
  const me = { id: "42", role: "client", name: "Grace" } as const;
  const thread = firstPageLoaded(identityLoaded(emptyThread, me), { messages, hasMore: false, conversation });
  const view = createView(undefined);
  const before = view(thread).messages;
  expect(reads).toBe(50);
  const after = view(messageReceived(thread, message(51))).messages;
  expect(reads).toBe(51);
  expect(before.every((shown, i) => shown === after[i])).toBe(true);
});
