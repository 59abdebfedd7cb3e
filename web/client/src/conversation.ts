import { type ConversationContext, createConversationContext } from "./conversation-context.js";
import { type Core, updateAll } from "./core.js";
import { createMessageActions } from "./message-actions.js";
import { createMessagePages } from "./message-pages.js";
import type { OutboxEntry } from "./outbox.js";
import { createReadReceipts } from "./read-receipts.js";
import { initialStatus } from "./store.js";
import { createSyncedStore } from "./synced-store.js";
import {
  authorOf,
  contiguousSeq,
  conversationReceived,
  findGap,
  messageReceived,
  readMarkMoved,
} from "./thread-reducer.js";
import { createTypingSender, isOtherTyping, showTyping } from "./typing.js";
import type { Conversation, ConversationState, ConversationStore, Received, Role } from "./types.js";
import { createView } from "./view.js";
import { createViewers } from "./viewers.js";

export const initialConversation: ConversationState = {
  ...initialStatus,
  conversation: null,
  messages: [],
  hasOlder: false,
  loadingOlder: false,
  unread: 0,
  typing: false,
  viewers: [],
  answering: [],
  draft: "",
};

/** A conversation as its Chat sees it. */
export interface OwnConversation extends ConversationStore {
  /** Takes over what a tab that is gone has left. */
  claim: (entry: OutboxEntry) => void;
  /** Whether nothing would be lost with it. */
  isIdle: () => boolean;
}

/** Makes a conversation, which calls `hold` when it is opened and whenever something is pending: it may not be lost then. */
export function createConversation(core: Core, clientId: string | undefined, hold: () => void): OwnConversation {
  const view = createView(clientId);
  const context = createConversationContext(core, clientId, (changed) => {
    if (changed.pending.length > 0) hold();
    synced.set(view(changed));
  });
  const { thread } = context;
  const pages = createMessagePages(context);
  const synced = createSyncedStore(core, initialConversation, {
    isLoaded: () => thread().firstSeq > 0,
    findGap: () => findGap(thread()),
    // A developer's inbox tells of the conversation's beginning.
    channelName: ({ conversation, inbox }) => thread().conversation?.channel ?? conversation ?? inbox,
    async fetchChanges() {
      const before = thread();
      await pages.fetchChanges();
      return thread().fetchedVersion !== before.fetchedVersion || before.firstSeq === 0;
    },
    handleEvent(event, data, metadata) {
      if (event === "new-message" || event === "message-updated") synced.set({ typing: false });
      if (event.startsWith("pusher:")) viewers.update();
      else if (event !== "client-typing") eventReceived(context, event, data);
      else if (isOtherTyping(thread().me?.role, data, metadata))
        showTyping(synced.scheduler, (typing) => synced.set({ typing }));
      else viewers.typed(metadata);
    },
    onUpdate() {
      context.updateIdentity();
      viewers.update();
    },
    onOpen() {
      hold();
      synced.set({ typing: false }); // the timer that would have said so has ended with the store
      const isOurs = (by: string | null) => by === null || by === authorOf(thread());
      core.outbox.claimOrphans((entry) => entry.clientId === clientId && isOurs(entry.by), actions.claim);
    },
    onListened: (isViewed) => setViewed(core, clientId, isViewed),
  });
  const viewers = createViewers(core, () => synced);
  const actions = createMessageActions(context, synced.refetch);
  const markRead = createReadReceipts(context);
  const tellTyping = () => core.realtime.sendTyping(synced.channelName(), thread().me?.role);

  return {
    ...synced.store,
    ...actions,
    isIdle: () => !synced.isOpen() && thread().pending.length === 0,
    loadOlder: async () => {
      if (thread().firstSeq > 1) await synced.loadMore("loadingOlder", pages.fetchOlder);
    },
    markRead: (upToSeq = contiguousSeq(thread())) => void markRead(upToSeq),
    setTyping: createTypingSender(tellTyping),
  };
}

/** An event came of this conversation, or of another one. */
function eventReceived({ clientId, dispatch }: ConversationContext, event: string, data: unknown): void {
  if (clientId !== undefined && (data as { clientId?: string }).clientId !== clientId) return;
  if (event === "messages-read") dispatch(readMarkMoved, data as { side: Role; upToSeq: number });
  else if (event === "conversation-updated") dispatch(conversationReceived, data as Conversation);
  else dispatch(messageReceived, data as Received);
}

/** Tells the inbox whether somebody looks at a conversation. */
function setViewed({ viewed, stores }: Core, clientId: string | undefined, isViewed: boolean): void {
  if (clientId === undefined || viewed.has(clientId) === isViewed) return;
  if (isViewed) viewed.add(clientId);
  else viewed.delete(clientId);
  updateAll(stores);
}
