import { createConversation } from "./conversation.js";
import { createConversationCache } from "./conversation-cache.js";
import { type Core, type OpenStore, updateAll } from "./core.js";
import { ChatError } from "./error.js";
import { createGateway } from "./gateway.js";
import { createHttp } from "./http.js";
import { createInbox } from "./inbox.js";
import { type Outbox, type OutboxEntry, createOutbox } from "./outbox.js";
import { createRealtime } from "./realtime.js";
import { identityKey } from "./thread-reducer.js";
import { createTrust } from "./trust.js";
import { type WithToken, createTokenKeeper } from "./token.js";
import type { Chat, ChatOptions, Session } from "./types.js";

/**
 * Makes a Chat for the person who is signed in. Nothing is asked or opened before it is used, so that a server can make
 * one too.
 */
export function createChat(options: ChatOptions = {}): Chat {
  const { baseUrl = "", getToken, loadPusher = async () => (await import("pusher-js")).default } = options;
  const life = new AbortController();
  const { signal } = life;
  const stores = new Set<OpenStore>();
  const http = createHttp(baseUrl, (isReachable) => {
    core.isReachable = isReachable;
    updateAll(stores);
  });
  const withToken: WithToken = getToken ? createTokenKeeper(getToken) : (attempt) => attempt(undefined);
  const gateway = createGateway({ http, withToken, signal, onSession });
  const trust = createTrust(stores);

  const core: Core = {
    ...gateway,
    signal,
    session: null,
    realtime: createRealtime({ ...gateway, loadPusher, stores, signal, trust }),
    trust,
    isReachable: true,
    outbox: openOutbox(options),
    files: options.files,
    stores,
    viewed: new Set(),
  };
  const conversation = createConversationCache((clientId, hold) => createConversation(core, clientId, hold));

  /** A Chat is one person's and no other's. What an earlier page has left of theirs goes out. */
  function onSession(session: Session) {
    const before = callerOf(core);
    const key = identityKey(session.identity);
    if (before && before !== key) end("identity_changed");
    signal.throwIfAborted();
    core.session = session;
    if (before) return;
    updateAll(stores);
    const isTheirs = ({ by }: OutboxEntry) => by === key;
    core.outbox.claimOrphans(isTheirs, (entry) => conversation(entry.clientId).claim(entry));
  }

  function end(code: string) {
    life.abort(new ChatError(code));
    core.outbox.close();
    updateAll(stores);
  }

  return {
    conversation,
    inbox: (filter = {}) => createInbox(core, filter),
    attachmentLinks: (query) => gateway.request("GET /api/attachments", query),
    session: () => gateway.loadSession(),
    async signOut() {
      core.outbox.forget(callerOf(core));
      core.files?.sweep(core.outbox);
      end("signed_out");
      await withToken((token) => http("DELETE /api/session", undefined, token));
    },
    close: () => end("closed"),
  };
}

/** Whose Chat it is; null while that is not known. */
function callerOf({ session }: Core): string | null {
  return session && identityKey(session.identity);
}

/** An outbox that keeps nothing has no name, so that it deletes no files that another one keeps. */
function openOutbox({ baseUrl = "", storage }: ChatOptions): Outbox {
  const name = storage === null ? "" : `devinbox:${baseUrl}`;
  return createOutbox(() => (storage === undefined ? localStorage : storage), name);
}
