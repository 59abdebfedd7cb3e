import { normalizeBody } from "./body.js";
import { ChatError } from "./error.js";
import { withQuery } from "./http.js";
import { type About, type Core, type Metadata, createLive, unborn } from "./live.js";
import { LIFETIME } from "./outbox.js";
import { randomKey } from "./page.js";
import { insist, pause } from "./patience.js";
import { type Thread, type Waiting, caughtUp, emptyThread, extended, identified, isOf, lacking, opened, rewritten, told, wholeUpTo, written } from "./thread.js";
import type { Changed, Conversation, ConversationState, ConversationStore, MessagePage, Read, SessionIdentity, Sent } from "./types.js";
import { createView } from "./view.js";

/** How often to say that the caller types, how long to show that the other side does, how often to say what was read, in milliseconds. */
const TYPING_EVERY = 3_000;
const TYPING_SHOWN = 4_000;
const READ_EVERY = 1_000;
/** When to ask the server once more to announce what it could not. */
const ANNOUNCE_AFTER = 10_000;

export const initialConversation: ConversationState = {
  ...unborn,
  conversation: null,
  messages: [],
  hasOlder: false,
  loadingOlder: false,
  unread: 0,
  typing: false,
};

/** What `client-typing` says, as far as anybody can tell. */
type Typing = { side?: unknown };

/** A conversation as its Chat sees it. */
export interface OwnConversation extends ConversationStore {
  /** Takes what an earlier page has left waiting, of the same author. */
  restore(waiting: Waiting, me: SessionIdentity): void;
}

export function createConversation(core: Core, clientId: string | undefined): OwnConversation {
  const { http, realtime } = core;
  let thread = emptyThread;
  const show = createView(clientId);
  const live = createLive(core, initialConversation, {
    isLoaded: () => thread.from > 0,
    catchUp,
    received,
    lacking: () => lacking(thread),
    clear: () => (thread = emptyThread),
  });

  function become(next: Thread) {
    const { me, waiting } = thread;
    thread = next;
    if (next.me && (next.waiting !== waiting || !me)) core.outbox.keep(next.me, clientId, next.waiting);
    if (next.conversation) live.listen(next.conversation.channel);
    live.set(show(next));
  }

  async function identify() {
    const session = await core.session();
    if (!thread.me) become(identified(thread, session.identity));
    return session;
  }

  // --- Keeping current

  async function list(bounds: { before?: number; changedSince?: string }) {
    if (thread.from) await identify(); // the first page comes along with the answer to that
    return http<MessagePage>("GET", withQuery("/api/messages/list", { clientId, ...bounds })).catch((error: ChatError): MessagePage => {
      if (error.code !== "not_found") throw error;
      return { messages: [], hasMore: false, conversation: null }; // only developers are told by an error that there is none yet
    });
  }

  async function catchUp() {
    const { cursor, from } = thread;
    const [{ realtime }, first] = await Promise.all([identify(), from ? null : list({})]);
    if (first) become(opened(thread, first));
    for (let more = !first; more; ) {
      const page = await list({ changedSince: `${thread.cursor}` });
      become(caughtUp(thread, page));
      more = page.hasMore;
    }
    // A developer's inbox tells of the conversation's beginning.
    live.listen(thread.conversation?.channel ?? realtime.channels.conversation ?? realtime.channels.inbox);
    return thread.cursor !== cursor || thread.from !== from;
  }

  function received(about: About, data: unknown, by?: Metadata) {
    if (about === "typing") return showTyping((data as Typing | null)?.side, by?.user_id);
    if (clientId && clientId !== (data as Conversation).clientId) return; // it is another store's
    if (about === "message") live.set({ typing: false });
    become(told(thread, { [about]: data }));
  }

  const tell = (changed: Changed | Read) => become(told(thread, changed));

  // --- Sending, one message at a time

  let sending = false;

  function write(waiting: Waiting, me = thread.me) {
    become(written({ ...thread, me }, waiting));
    void send();
  }

  async function send() {
    if (sending) return;
    sending = true;
    for (let next: Waiting | undefined; (next = thread.waiting.find((w) => !w.failed)); ) {
      const waiting = next;
      const isWanted = () => thread.waiting.includes(waiting);
      try {
        const attempt = async () => {
          await identify(); // whoever has written it may have left meanwhile
          if (Date.now() - waiting.at > LIFETIME) throw new ChatError("expired");
          if (isWanted()) await post(waiting);
        };
        await insist(attempt, isWanted);
      } catch (error) {
        become(rewritten(thread, waiting.id, { failed: true, error: error as ChatError }));
      }
    }
    sending = false;
  }

  async function post(waiting: Waiting, isRepeated = false) {
    const { id: clientMessageId, body, create } = waiting;
    const draft = { clientId, body, clientMessageId, create, socketId: realtime.socketId() };
    const sent = await http<Sent>("POST", "/api/messages/send", draft, true);
    if (!isOf(sent.message, thread.me)) await core.session(true); // somebody else has signed in meanwhile
    tell(sent);
    if (sent.realtime !== "queued" || isRepeated) return;
    pause(ANNOUNCE_AFTER)
      .then(identify)
      .then(() => post(waiting, true))
      .catch(() => {}); // it is stored all the same, and whoever calls the server next brings the news
  }

  // --- Reading

  let target = 0;
  let reading = false;

  async function read() {
    if (reading) return;
    reading = true;
    while (target > (thread.me ? thread.read[thread.me.role] : 0)) {
      const upToSeq = target;
      try {
        await identify();
        const attempt = () => http<Read>("POST", "/api/messages/read", { clientId, upToSeq, socketId: realtime.socketId() });
        tell(await insist(attempt, () => !core.ended()));
      } catch {
        target = upToSeq; // it was refused, and so would be what is asked for meanwhile
      }
      if (target === upToSeq) target = 0; // the server may know of fewer messages than we were told to read
      await new Promise((resolve) => setTimeout(resolve, READ_EVERY)); // a pause could be cut short
    }
    reading = false;
  }

  // --- Typing

  let saidAt = 0;
  let typing: ReturnType<typeof setTimeout> | undefined;

  function showTyping(side: unknown, userId: string = "") {
    // Nobody vouches for what a client tells. On a presence channel Pusher says who it is: `c:` and `d:` are the sides.
    const other = thread.me?.role === "client" ? "developer" : "client";
    if (!thread.me || side !== other || (userId && userId[0] !== other[0])) return;
    live.set({ typing: true });
    clearTimeout(typing);
    typing = setTimeout(() => live.set({ typing: false }), TYPING_SHOWN);
  }

  return {
    ...live.store,
    async loadOlder() {
      const before = thread.from;
      if (before > 1) await live.more("loadingOlder", async () => become(extended(thread, await list({ before }))));
    },
    send(body, { create } = {}) {
      const id = randomKey();
      write({ id, body: normalizeBody(body), at: Date.now(), create });
      return id;
    },
    retry(id) {
      become(rewritten(thread, id, { at: Date.now() }));
      void send();
    },
    discard: (id) => become(rewritten(thread, id, null)),
    async edit(messageId, text, ifVersion = thread.messages.find((m) => m.id === messageId)?.version) {
      const edit = { clientId, messageId, body: normalizeBody(text), ifVersion };
      try {
        tell(await http<Changed>("PATCH", "/api/messages/edit", edit));
      } catch (error) {
        if ((error as ChatError).code === "conflict") await catchUp().catch(() => {}); // shows what came in between
        throw error;
      }
    },
    delete: async (messageId) => tell(await http<Changed>("DELETE", "/api/messages/edit", { clientId, messageId })),
    markRead(upToSeq = wholeUpTo(thread)) {
      target = Math.max(target, upToSeq);
      void read();
    },
    setTyping() {
      if (!thread.me || Date.now() - saidAt < TYPING_EVERY) return;
      saidAt = Date.now();
      live.tellTyping(thread.me.role);
    },
    restore: write,
  };
}
