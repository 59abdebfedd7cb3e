import { type Thread, type Waiting, isOf, loaded, unread } from "./thread.js";
import type { ConversationState, Delivery, Received, ShownMessage } from "./types.js";

/** Shows a {@link Thread}. A message that has not changed is the same object as before, so that React can pass it over. */
export function createView(clientId: string | undefined) {
  const shown = new WeakMap<Received | Waiting, ShownMessage>();

  function once<T extends Received | Waiting>(of: T, delivery: Delivery, make: (of: T) => Omit<ShownMessage, "delivery">): ShownMessage {
    let message = shown.get(of);
    if (message?.delivery !== delivery) shown.set(of, (message = { ...make(of), delivery }));
    return message;
  }

  return function show(thread: Thread): Pick<ConversationState, "me" | "conversation" | "messages" | "hasOlder" | "unread"> {
    const { me, read, conversation } = thread;
    return {
      me,
      conversation,
      hasOlder: thread.from > 1,
      unread: me ? unread(thread, me.role) : 0,
      messages: !me
        ? []
        : [
            ...loaded(thread).map((m) =>
              once(m, m.seq > read[m.sender.role === "client" ? "developer" : "client"] ? "sent" : "seen", () => {
                const mine = isOf(m, me);
                return { ...m, own: m.sender.role === me.role, mine, key: (mine && m.clientMessageId) || m.id };
              }),
            ),
            ...thread.waiting.map((w) =>
              once(w, w.failed ? "failed" : "sending", ({ id, body, at, error }) => ({
                id,
                clientId: clientId ?? me.id,
                seq: 0,
                version: 0,
                sender: me,
                body,
                clientMessageId: id,
                createdAt: new Date(at).toISOString(),
                editedAt: null,
                deletedAt: null,
                own: true,
                mine: true,
                key: id,
                error,
              })),
            ),
          ],
    };
  };
}
