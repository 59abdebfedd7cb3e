import { type PendingMessage, type Thread, isSentBy, loadedMessages, unreadCount } from "./thread-reducer.js";
import type { ConversationState, Delivery, Received, SessionIdentity, ShownMessage } from "./types.js";

type View = Pick<ConversationState, "me" | "conversation" | "messages" | "hasOlder" | "unread" | "draft">;

/** Shows a {@link Thread}. A message that has not changed is the same object as before, so that React can pass it over. */
export function createView(clientId: string | undefined): (thread: Thread) => View {
  const shown = new WeakMap<Received | PendingMessage, ShownMessage>();

  function reuse(of: Received | PendingMessage, delivery: Delivery, show: () => ShownMessage): ShownMessage {
    const before = shown.get(of);
    if (before?.delivery === delivery) return before;
    const message = show();
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
        ...stored.map((message) => {
          const delivery = deliveryOf(message, thread);
          return reuse(message, delivery, () => showStored(message, delivery, me));
        }),
        ...pending
          .filter(({ draft }) => !draft)
          .map((message) => {
            const delivery = message.failed ? "failed" : "sending";
            return reuse(message, delivery, () => showPending(message, delivery, me, clientId));
          }),
      ],
    };
  };
}

function deliveryOf({ seq, sender }: Received, { read }: Thread): Delivery {
  return seq > read[sender.role === "client" ? "developer" : "client"] ? "sent" : "seen";
}

function showStored(message: Received, delivery: Delivery, me: SessionIdentity | null): ShownMessage {
  const mine = isSentBy(message, me);
  return {
    ...message,
    own: message.sender.role === me?.role,
    mine,
    delivery,
    key: (mine && message.clientMessageId) || message.id,
  };
}

function showPending(
  { id, body, at, attachments = [], error }: PendingMessage,
  delivery: Delivery,
  me: SessionIdentity | null,
  clientId: string | undefined,
): ShownMessage {
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
