import { type PendingMessage, type Thread, isSentBy, loadedMessages, unreadCount } from "./thread-reducer.js";
import type { ConversationState, Delivery, Received, SessionIdentity, ShownMessage } from "./types.js";

type View = Pick<ConversationState, "me" | "conversation" | "messages" | "hasOlder" | "unread" | "draft">;

/** Shows a {@link Thread}. A message that has not changed is the same object as before, so that React can pass it over. */
export function createView(clientId: string | undefined): (thread: Thread) => View {
  const shown = new WeakMap<Received | PendingMessage, ShownMessage>();

  function reuse(of: Received | PendingMessage, message: ShownMessage): ShownMessage {
    const before = shown.get(of);
    if (before?.delivery === message.delivery) return before;
    shown.set(of, message);
    return message;
  }

  return (thread) => {
    const { me, conversation, firstSeq, pending } = thread;
    const stored = me ? loadedMessages(thread) : []; // whose they are is not known
    return {
      me,
      conversation,
      hasOlder: firstSeq > 1,
      unread: me ? unreadCount(thread, me.role) : 0,
      draft: pending.find(({ draft }) => draft)?.body ?? "",
      messages: [
        ...stored.map((message) => reuse(message, showStored(message, thread))),
        ...pending.filter(({ draft }) => !draft).map((message) => reuse(message, showPending(message, me, clientId))),
      ],
    };
  };
}

function showStored(message: Received, { me, read }: Thread): ShownMessage {
  const reader = message.sender.role === "client" ? "developer" : "client";
  const mine = isSentBy(message, me);
  return {
    ...message,
    own: message.sender.role === me?.role,
    mine,
    delivery: message.seq > read[reader] ? "sent" : "seen",
    key: (mine && message.clientMessageId) || message.id,
  };
}

function showPending(message: PendingMessage, me: SessionIdentity | null, clientId: string | undefined): ShownMessage {
  const { id, body, at, attachments = [], error } = message;
  const delivery: Delivery = message.failed ? "failed" : "sending";
  // Before it is known who writes, only a developer names the conversation.
  const sender = me ?? { id: "", role: clientId === undefined ? "client" : "developer", name: null };
  return {
    id,
    clientId: clientId ?? sender.id,
    seq: 0,
    version: 0,
    sender,
    body,
    attachments,
    clientMessageId: id,
    createdAt: new Date(at).toISOString(),
    editedAt: null,
    deletedAt: null,
    own: true,
    mine: true,
    delivery,
    key: id,
    error,
  };
}
