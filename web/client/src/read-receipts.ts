import type { ConversationContext } from "./conversation-context.js";
import { retry, sleep } from "./retry.js";

/** How often to say what was read, in milliseconds. */
const READ_EVERY_MS = 1_000;

/** Makes a function that says up to which `seq` the caller's side has read: once a second at most, the highest asked for. */
export function createReadReceipts(context: ConversationContext): (upToSeq: number) => Promise<void> {
  const { core, thread, request, answerReceived } = context;
  const { signal, realtime } = core;
  let wanted = 0;
  let isSending = false;

  function isNews(upToSeq: number): boolean {
    const { me, read } = thread();
    return upToSeq > (me ? read[me.role] : 0);
  }

  return async (seq) => {
    wanted = Math.max(wanted, seq);
    if (isSending) return;
    isSending = true;
    while (isNews(wanted) && !signal.aborted) {
      const upToSeq = wanted;
      const send = () => request("POST /api/messages/read", { upToSeq, socketId: realtime.socketId() });
      await retry(send, signal).then(answerReceived, () => {}); // refused: it would be again
      if (wanted === upToSeq) wanted = 0; // the server may know of fewer messages than we were told to read
      await sleep(READ_EVERY_MS, signal, true);
    }
    isSending = false;
  };
}
