import { createConversation } from "./conversation.js";
import { createConversationCache } from "./conversation-cache.js";
import { type Core, type OpenStore, updateAll } from "./core.js";
import { ChatError } from "./error.js";
import { createGateway } from "./gateway.js";
import { createHttp } from "./http.js";
import { createInbox } from "./inbox.js";
import { type OutboxEntry, createOutbox } from "./outbox.js";
import { createRealtime } from "./realtime.js";
import { identityKey } from "./thread-reducer.js";
import { type WithToken, createTokenKeeper } from "./token.js";
import type { Chat, ChatOptions, Session } from "./types.js";

/**
 * Makes a Chat for the person who is signed in. Nothing is asked or opened before it is used, so that a server can make
 * one too.
 */
export function createChat(options: ChatOptions = {}): Chat {
  const { baseUrl = "", getToken, storage, loadPusher = async () => (await import("pusher-js")).default } = options;
  const life = new AbortController();
  const { signal } = life;
  const stores = new Set<OpenStore>();
  const http = createHttp(baseUrl, (isReachable) => {
    core.isReachable = isReachable;
    updateAll(stores);
  });
  const withToken: WithToken = getToken ? createTokenKeeper(getToken) : (attempt) => attempt(undefined);
  const gateway = createGateway({ http, withToken, signal, onSession });

  const core: Core = {
    ...gateway,
    signal,
    session: null,
    realtime: createRealtime({ ...gateway, loadPusher, stores, signal }),
    isReachable: true,
    outbox: createOutbox(() => (storage === undefined ? localStorage : storage), `devinbox:${baseUrl}`),
    files: options.files,
    stores,
    viewed: new Set(),
  };
  const conversation = createConversationCache((clientId, hold) => createConversation(core, clientId, hold));

  /** A Chat is one person's and no other's. What an earlier page has left of theirs goes out. */
  function onSession(session: Session) {
    const before = me();
    const key = identityKey(session.identity);
    if (before && before !== key) end("identity_changed");
    signal.throwIfAborted();
    core.session = session;
    if (before) return;
    updateAll(stores);
    const isTheirs = ({ by }: OutboxEntry) => by === key;
    core.outbox.claimOrphans(isTheirs, (entry) => conversation(entry.clientId).claim(entry));
  }

  const me = () => core.session && identityKey(core.session.identity);

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
      core.outbox.forget(me());
      core.files?.sweep(core.outbox);
      end("signed_out");
      await withToken((token) => http("DELETE /api/session", undefined, token));
    },
    close: () => end("closed"),
  };
}
