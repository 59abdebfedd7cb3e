import { type Core, announceConversation } from "./core.js";
import { createInboxPages } from "./inbox-pages.js";
import { type InboxModel, conversationReceived, emptyInbox, selectShown } from "./inbox-reducer.js";
import { GAP_GRACE_MS } from "./sync.js";
import { initialStatus, loadMore } from "./store.js";
import { createSyncedStore } from "./synced-store.js";
import type { Conversation, InboxFilter, InboxState, InboxStore } from "./types.js";

export function initialInbox(filter: InboxFilter): InboxState {
  const { totals, team } = emptyInbox(filter);
  return { ...initialStatus, conversations: [], totals, team, hasMore: false, loadingMore: false, filter };
}

export function createInbox(core: Core, initialFilter: InboxFilter): InboxStore {
  let inbox = emptyInbox(initialFilter);
  const onDisturbed = () => synced.scheduler.start("gap", GAP_GRACE_MS, () => void synced.refetch());
  const pages = createInboxPages({ core, inbox: () => inbox, setInbox, onDisturbed });
  const synced = createSyncedStore(core, initialInbox(initialFilter), {
    isLoaded: () => inbox.syncToken !== undefined,
    findGap: () => (inbox.isTotalStale ? "missing" : null),
    async fetchChanges() {
      const isChanged = await pages.fetchChanges();
      synced.follow((await core.verify(Infinity)).realtime.channels.inbox);
      return isChanged;
    },
    handleEvent(topic, data) {
      if (topic === "conversation") setInbox(conversationReceived(inbox, data as Conversation));
    },
    onUpdate() {
      synced.set({ me: core.identity() });
      setInbox(inbox);
    },
  });

  function setInbox(next: InboxModel) {
    inbox = next;
    const { totals, team, filter, cursor } = inbox;
    // What somebody looks at stays in the list until they leave it.
    const shown = synced.getSnapshot().conversations;
    const isKept = (id: string) => core.viewed.has(id) && shown.some(({ clientId }) => clientId === id);
    synced.set({ conversations: selectShown(inbox, isKept), totals, team, hasMore: !!cursor, filter });
  }

  const { getSnapshot, subscribe, close } = synced;
  return {
    getSnapshot,
    subscribe,
    close,
    loadMore: async () => {
      if (inbox.cursor) await loadMore(synced, "loadingMore", pages.fetchPage);
    },
    setFilter(filter) {
      synced.set({ status: "loading" });
      setInbox(emptyInbox(filter, inbox));
      void synced.refetch();
    },
    async update(clientId, change) {
      const body = { clientId, ...change, socketId: core.realtime.socketId() };
      const { conversation } = await core.request("POST /api/conversations/update", body);
      announceConversation(core, conversation);
      return conversation;
    },
  };
}
