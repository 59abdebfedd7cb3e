import { normalizeBody } from "./body.js";
import { randomKey } from "./browser.js";
import type { ConversationContext } from "./conversation-context.js";
import { filesOf } from "./core.js";
import { ChatError } from "./error.js";
import {
  type PendingMessage,
  draftChanged,
  entryClaimed,
  messageDiscarded,
  messageWritten,
  sendRetried,
} from "./thread-reducer.js";
import type { ConversationStore } from "./types.js";

/** What the caller can do with messages. */
export type MessageActions = Pick<ConversationStore, "send" | "retry" | "discard" | "edit" | "delete" | "setDraft"> & {
  /** Takes over what a tab that is gone has left. What nobody knows the author of waits for a person to send it. */
  claim: (entry: PendingMessage) => void;
};

/** Makes {@link MessageActions}. `refetch` brings the newest text of what was edited. */
export function createMessageActions(context: ConversationContext, refetch: () => Promise<void>): MessageActions {
  const { core, thread, dispatch, request, answerReceived, sendPending } = context;

  return {
    claim(entry) {
      dispatch(entryClaimed, entry);
      void sendPending();
    },
    setDraft: (body) => dispatch(draftChanged, body, Date.now()),
    send(text, { create, files } = {}) {
      const id = randomKey();
      const attachments = files?.length ? filesOf(core).attach(context, id, files) : undefined;
      dispatch(messageWritten, { id, body: normalizeBody(text), at: Date.now(), create, attachments });
      void sendPending();
      return id;
    },
    retry(id) {
      dispatch(sendRetried, id, Date.now());
      void sendPending();
    },
    discard: (id) => dispatch(messageDiscarded, id),
    async edit(messageId, text, ifVersion = thread().messages.find((m) => m.id === messageId)?.version) {
      const edit = { messageId, body: normalizeBody(text), ifVersion };
      try {
        answerReceived(await request("PATCH /api/messages/edit", edit));
      } catch (error) {
        if (error instanceof ChatError && error.code === "conflict") await refetch(); // shows what came in between
        throw error;
      }
    },
    delete: async (messageId) => answerReceived(await request("DELETE /api/messages/edit", { messageId })),
  };
}
