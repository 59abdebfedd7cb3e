import { type ConversationContext, createConversationContext } from "./conversation-context.js";
import { type Core, type Topic, updateAll } from "./core.js";
import { createMessageActions } from "./message-actions.js";
import { createMessagePages } from "./message-pages.js";
import type { OutboxEntry } from "./outbox.js";
import { createReadReceipts } from "./read-receipts.js";
import { initialStatus, loadMore } from "./store.js";
import { createSyncedStore } from "./synced-store.js";
import {
  type Thread,
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

export function createConversation(core: Core, clientId: string | undefined): OwnConversation {
  const view = createView(clientId);
  const show = (thread: Thread) => {
    if (thread.conversation) synced.follow(thread.conversation.channel);
    synced.set(view(thread));
  };
  const context = createConversationContext(core, clientId, show);
  const { thread } = context;
  const pages = createMessagePages(context);
  const synced = createSyncedStore(core, initialConversation, {
    isLoaded: () => thread().firstSeq > 0,
    findGap: () => findGap(thread()),
    async fetchChanges() {
      const before = thread();
      await pages.fetchChanges();
      const { channels } = (await context.identify(Infinity)).realtime;
      // A developer's inbox tells of the conversation's beginning.
      synced.follow(thread().conversation?.channel ?? channels.conversation ?? channels.inbox);
      return thread().fetchedVersion !== before.fetchedVersion || before.firstSeq === 0;
    },
    handleEvent(topic, data, metadata) {
      if (topic === "message") synced.set({ typing: false });
      if (topic === "members") viewers.update();
      if (topic !== "typing") eventReceived(context, topic, data);
      else if (isOtherTyping(thread().me?.role, data, metadata))
        showTyping(synced.scheduler, (typing) => synced.set({ typing }));
      else viewers.typed(metadata);
    },
    onUpdate() {
      context.updateIdentity();
      viewers.update();
    },
    onOpen() {
      synced.set({ typing: false }); // the timer that would have said so has ended with the store
      core.outbox.claimOrphans((entry) => entry.by === null && entry.clientId === clientId, actions.claim);
    },
    onViewed: (isViewed) => setViewed(core, clientId, isViewed),
  });
  const viewers = createViewers(core, () => synced);
  const actions = createMessageActions(context, synced.refetch);
  const markRead = createReadReceipts(context);
  const tellTyping = () => {
    const { me } = thread();
    if (me) core.realtime.sendTyping(synced.channelName(), me.role);
  };

  const { getSnapshot, subscribe, close } = synced;
  return {
    getSnapshot,
    subscribe,
    close,
    ...actions,
    isIdle: () => !synced.isOpen() && thread().pending.length === 0,
    loadOlder: async () => {
      if (thread().firstSeq > 1) await loadMore(synced, "loadingOlder", pages.fetchOlder);
    },
    markRead: (upToSeq = contiguousSeq(thread())) => void markRead(upToSeq),
    setTyping: createTypingSender(tellTyping),
  };
}

/** An event came of this conversation, or of another one. */
function eventReceived({ clientId, dispatch }: ConversationContext, topic: Topic, data: unknown): void {
  if (clientId !== undefined && (data as { clientId?: string }).clientId !== clientId) return;
  if (topic === "message") dispatch(messageReceived, data as Received);
  if (topic === "read") dispatch(readMarkMoved, data as { side: Role; upToSeq: number });
  if (topic === "conversation") dispatch(conversationReceived, data as Conversation);
}

/** Tells the inbox whether somebody looks at a conversation. */
function setViewed({ viewed, stores }: Core, clientId: string | undefined, isViewed: boolean): void {
  if (clientId === undefined || viewed.has(clientId) === isViewed) return;
  if (isViewed) viewed.add(clientId);
  else viewed.delete(clientId);
  updateAll(stores);
}
