import { type OwnConversation, createConversation } from "./conversation.js";
import { ChatError } from "./error.js";
import { createHttp } from "./http.js";
import { createInbox } from "./inbox.js";
import type { Core, Watcher } from "./live.js";
import { createOutbox } from "./outbox.js";
import { isCutOff } from "./page.js";
import { insist } from "./patience.js";
import { createRealtime } from "./realtime.js";
import { nameOf } from "./thread.js";
import type { Chat, ChatOptions, Session, SessionIdentity } from "./types.js";

/** For how long a cookie is taken to be the same user's, in milliseconds. Nobody signs in in another tab and is back sooner. */
const RECENT = 1_000;

/** Makes a Chat for whoever is signed in. Nothing is asked or opened before it is used, so that a server can make one too. */
export function createChat(options: ChatOptions = {}): Chat {
  const { baseUrl = "", getToken, storage, loadPusher = async () => (await import("pusher-js")).default } = options;
  const watchers = new Set<Watcher>();
  const lookAll = () => watchers.forEach((watcher) => watcher.look());
  const conversations = new Map<string | undefined, OwnConversation>();
  const outbox = createOutbox(() => (storage === undefined ? localStorage : storage), `devinbox:${baseUrl}`);
  let reachable = true;
  let me: SessionIdentity | null = null;
  let known: Promise<Session> | undefined;
  let asked: string | number | undefined; // with which token, or when
  let ended: ChatError | null = null;

  const http = createHttp(baseUrl, getToken, (now, told) => {
    if (now !== reachable) {
      reachable = now;
      lookAll();
    }
    if (told) watchers.forEach((watcher) => watcher.hear("conversation", told));
  });

  function recognise(session: Session): Session {
    const { identity } = session;
    if (me && nameOf(me) !== nameOf(identity)) end("identity_changed");
    if (ended) throw ended;
    if (!me) {
      me = identity;
      outbox.adopt(me, (kept) => conversation(kept.clientId).restore(kept, identity));
    }
    return session;
  }

  // Whose a token is never changes. A cookie may be somebody else's by now, signed in in another tab.
  async function session(fresh?: boolean): Promise<Session> {
    const credential = getToken ? await getToken().catch(() => asked) : (Date.now() / RECENT) | 0;
    if (ended) throw ended;
    if (!known || fresh || credential !== asked) {
      asked = credential;
      known = insist(() => http<Session>("GET", "/api/session"), (error) => !ended && error.status !== 401).then(recognise);
      known.catch(() => (known = undefined));
    }
    return known;
  }

  function end(code: string) {
    if (ended) return;
    ended = new ChatError(code);
    outbox.close();
    realtime.close();
    lookAll();
  }

  const realtime = createRealtime(http, session, loadPusher, lookAll);
  const core: Core = {
    http,
    realtime,
    outbox,
    session,
    watchers,
    offline: () => !reachable || isCutOff(),
    ended: () => ended,
  };

  function conversation(clientId?: string): OwnConversation {
    const found = conversations.get(clientId) ?? createConversation(core, clientId);
    conversations.set(clientId, found);
    return found;
  }

  return {
    conversation,
    inbox: (filter = {}) => createInbox(core, filter),
    session,
    async signOut() {
      outbox.clear(me);
      end("signed_out");
      await http("DELETE", "/api/session");
    },
    close: () => end("closed"),
  };
}
