import { type Core, announceConversation } from "./core.js";
import { type Thread, conversationReceived, emptyThread, identityLoaded, messageReceived } from "./thread-reducer.js";
import type { Conversation, Message, Session } from "./types.js";

/** What the parts of a conversation share. */
export interface ConversationContext {
  readonly core: Core;
  /** Whose conversation it is; undefined if it is the caller's own. */
  readonly clientId: string | undefined;
  thread: () => Thread;
  /** Says to a reducer what has happened, and shows what it makes of that. */
  dispatch: <A extends unknown[]>(reduce: (thread: Thread, ...what: A) => Thread, ...what: A) => void;
  /** Takes in the answer to a change. The connection that asked for it hears no event. */
  answerReceived: (answer: { message?: Message; conversation: Conversation }) => void;
  /** It may be known by now who we are: then what was written before that is ours. */
  updateIdentity: () => void;
  /** Makes sure of who is signed in, and makes what was written before that was known theirs. */
  identify: (maxAge?: number) => Promise<Session>;
}

/** Makes a {@link ConversationContext}. `show` is called with each new thread. */
export function createConversationContext(
  core: Core,
  clientId: string | undefined,
  show: (thread: Thread) => void,
): ConversationContext {
  let thread: Thread = { ...emptyThread, me: core.identity() };

  const dispatch: ConversationContext["dispatch"] = (reduce, ...what) => {
    if (core.signal.aborted) return;
    const { pending } = thread;
    thread = reduce(thread, ...what);
    if (thread.pending !== pending) core.outbox.save(clientId, thread.pending);
    show(thread);
  };

  function updateIdentity() {
    const me = core.identity();
    if (me && !thread.me) dispatch(identityLoaded, me);
  }

  return {
    core,
    clientId,
    thread: () => thread,
    dispatch,
    updateIdentity,
    answerReceived({ message, conversation }) {
      if (message) dispatch(messageReceived, message);
      dispatch(conversationReceived, conversation);
      announceConversation(core, conversation);
    },
    async identify(maxAge) {
      const session = await core.verify(maxAge);
      updateIdentity();
      return session;
    },
  };
}
