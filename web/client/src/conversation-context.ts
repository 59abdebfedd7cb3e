import { type Core, type SendRequest, announceConversation } from "./core.js";
import type { ChatError } from "./error.js";
import { createSendQueue } from "./send-queue.js";
import { type Thread, conversationReceived, emptyThread, identityLoaded, messageReceived } from "./thread-reducer.js";
import type { Conversation, Message } from "./types.js";

/** What the parts of a conversation share. */
export interface ConversationContext {
  readonly core: Core;
  /** Whose conversation it is; undefined if it is the caller's own. */
  readonly clientId: string | undefined;
  thread: () => Thread;
  /** Says to a reducer what has happened, and shows what it makes of that. */
  dispatch: <A extends unknown[]>(reduce: (thread: Thread, ...what: A) => Thread, ...what: A) => void;
  /** A request about this conversation. */
  request: SendRequest;
  /** Takes in the answer to a change. The connection that asked for it hears no event. */
  answerReceived: (answer: { message?: Message; conversation: Conversation }) => void;
  /** Sends what is pending. */
  sendPending: () => Promise<void>;
  /** It may be known by now who we are: then what was written before that is ours. */
  updateIdentity: () => void;
  /** Makes sure of who is signed in, and makes what was written before that was known theirs. */
  identify: (maxAge?: number) => Promise<void>;
}

/** Makes a {@link ConversationContext}. `show` is called with each new thread. */
export function createConversationContext(
  core: Core,
  clientId: string | undefined,
  show: (thread: Thread) => void,
): ConversationContext {
  let thread: Thread = { ...emptyThread, me: core.session && core.session.identity };

  const dispatch: ConversationContext["dispatch"] = (reduce, ...what) => {
    if (core.signal.aborted) return;
    const { pending } = thread;
    thread = reduce(thread, ...what);
    if (thread.pending !== pending) {
      thread = core.files?.pendingChanged(context, thread) ?? thread;
      core.outbox.save(clientId, thread.pending);
    }
    show(thread);
  };

  function updateIdentity() {
    if (core.session && !thread.me) dispatch(identityLoaded, core.session.identity);
  }

  const context: ConversationContext = {
    core,
    clientId,
    thread: () => thread,
    async request(route, data) {
      const { me } = thread;
      // A client's change names whose conversation it means: with the cookie of somebody else the server refuses it.
      const own = me?.role === "client" && !route.startsWith("GET") ? me.id : undefined;
      try {
        return await core.request(route, { clientId: clientId ?? own, ...data });
      } catch (error) {
        if (own && (error as ChatError).status === 403) await core.verify(0);
        throw error;
      }
    },
    dispatch,
    updateIdentity,
    answerReceived({ message, conversation }) {
      if (message) dispatch(messageReceived, message);
      dispatch(conversationReceived, conversation);
      announceConversation(core, conversation);
    },
    identify: (maxAge) => core.verify(maxAge).then(updateIdentity),
    sendPending: () => sendPending(),
  };
  const sendPending = createSendQueue(context);
  return context;
}
