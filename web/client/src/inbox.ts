import { type Core, announceConversation } from "./core.js";
import { createInboxPages } from "./inbox-pages.js";
import { type InboxModel, conversationReceived, emptyInbox, selectShown } from "./inbox-reducer.js";
import { GAP_GRACE_MS } from "./sync.js";
import { initialStatus } from "./store.js";
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
    channelName: (channels) => channels.inbox,
    fetchChanges: () => pages.fetchChanges(),
    handleEvent(event, data) {
      if (event === "conversation-updated") setInbox(conversationReceived(inbox, data as Conversation));
    },
    onUpdate() {
      synced.set({ me: core.session && core.session.identity });
      setInbox(inbox);
    },
  });

  function setInbox(next: InboxModel) {
    inbox = next;
    const { totals, team, filter, cursor } = inbox;
    // What somebody looks at stays in the list until they leave it.
    const shown = synced.store.getSnapshot().conversations;
    const isKept = (id: string) => core.viewed.has(id) && shown.some(({ clientId }) => clientId === id);
    synced.set({ conversations: selectShown(inbox, isKept), totals, team, hasMore: !!cursor, filter });
  }

  return {
    ...synced.store,
    loadMore: async () => {
      if (inbox.cursor) await synced.loadMore("loadingMore", pages.fetchPage);
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
