import type { ConversationContext } from "./conversation-context.js";
import { filesOf } from "./core.js";
import { ChatError } from "./error.js";
import { LIFETIME_MS } from "./outbox.js";
import { FOREIGN_TRIES, retry, sleep } from "./retry.js";
import { type PendingMessage, isSentBy, sendFailed } from "./thread-reducer.js";

/** When to ask the server once more to announce what it could not, in milliseconds. */
const ANNOUNCE_AGAIN_MS = 10_000;

/**
 * Makes a function that sends what is pending, one message at a time and in the order of writing, until all of it is
 * stored or has failed.
 */
export function createSendQueue(context: ConversationContext): () => Promise<void> {
  const { core, thread, dispatch, request, answerReceived, identify } = context;
  const { signal, realtime } = core;
  let isSending = false;

  /** The first message that waits to be sent; that of an id, if it still does. */
  function find(id?: string): PendingMessage | undefined {
    return thread().pending.find((m) => !m.failed && !m.draft && (id === undefined || m.id === id));
  }

  const fail =
    (id: string) =>
    (error: unknown): undefined => {
      dispatch(sendFailed, id, error as ChatError);
    };

  async function post({ id: clientMessageId, body, create }: PendingMessage, attachmentIds: string[] | undefined) {
    const draft = { body, attachmentIds, clientMessageId, create, socketId: realtime.socketId() };
    const sent = await request("POST /api/messages/send", draft);
    if (!isSentBy(sent.message, thread().me)) await core.verify(0); // somebody else has signed in meanwhile
    answerReceived(sent);
    if (sent.realtime !== "disabled") core.trust.announced(sent.realtime === "delivered");
    return sent.realtime;
  }

  async function send(id: string) {
    await identify(); // makes it ours, if it was written before it was known who we are
    // A file that has failed was tried for long enough.
    const attachmentIds = find(id)?.attachments && (await filesOf(core).stored(id).catch(fail(id)));
    const message = find(id);
    if (!message) return;
    if (Date.now() - message.at > LIFETIME_MS) throw new ChatError("expired");
    if ((await post(message, attachmentIds)) === "queued") void announceLater(message, attachmentIds);
  }

  async function announceLater(message: PendingMessage, attachmentIds: string[] | undefined) {
    await sleep(ANNOUNCE_AGAIN_MS, signal, true);
    await post(message, attachmentIds).catch(() => {}); // it is stored all the same, and the next caller of the server brings the news
  }

  return async () => {
    if (isSending) return;
    isSending = true;
    for (let next = find(); next && !signal.aborted; next = find()) {
      const { id } = next;
      const isWanted = () => find(id) !== undefined;
      await retry(() => send(id), signal, isWanted, FOREIGN_TRIES).catch(fail(id));
    }
    isSending = false;
  };
}
