import { withQuery } from "./http.js";
import { type Core, LATE, createLive, unborn } from "./live.js";
import { type Mailbox, caughtUp, emptyMailbox, informed, listed, shownIn } from "./mailbox.js";
import type { Conversation, InboxFilter, InboxPage, InboxState, InboxStore, Updated } from "./types.js";

export function initialInbox(filter: InboxFilter): InboxState {
  return { ...unborn, conversations: [], totals: { open: 0, unread: 0 }, team: [], hasMore: false, loadingMore: false, filter };
}

export function createInbox(core: Core, filter: InboxFilter): InboxStore {
  const { http, realtime } = core;
  let box = emptyMailbox(filter);
  const live = createLive(core, initialInbox(filter), {
    isLoaded: () => !!box.token,
    catchUp,
    received(about, data) {
      if (about === "conversation") become(informed(box, data as Conversation));
    },
    lacking: () => (box.isVague ? "hole" : null),
    clear: () => (box = emptyMailbox(filter)),
  });

  function become(next: Mailbox) {
    box = next;
    const { totals, team, filter } = box;
    live.set({ conversations: shownIn(box), totals, team, hasMore: !!box.cursor, filter });
  }

  const list = (parameters: object) => http<InboxPage>("GET", withQuery("/api/conversations/list", parameters));

  async function catchUp() {
    const { filter, token } = box;
    const [{ identity, realtime }, first] = await Promise.all([core.session(), token ? null : list(filter)]);
    let isChanged = !token;
    if (first && box.filter === filter) become(listed(box, first));
    if (box.token && (!first || box.isVague)) isChanged = await catchUpSince(box.token);
    live.set({ me: identity });
    live.listen(realtime.channels.inbox);
    return isChanged;
  }

  async function catchUpSince(since: string) {
    let isChanged = false;
    let token: string | undefined;
    let cursor: string | null = null;
    do {
      const before = box;
      const page: InboxPage = await list({ since, cursor, limit: 100 });
      // What was told meanwhile is in its totals, or is not.
      if (box !== before) setTimeout(live.refresh, LATE);
      isChanged ||= page.conversations.length > 0;
      token ??= page.syncToken; // what changes while we page is after the first page's, and may be behind where we are
      cursor = page.nextCursor;
      become(caughtUp(box, page, cursor ? undefined : token));
    } while (cursor);
    return isChanged;
  }

  return {
    ...live.store,
    async loadMore() {
      const { filter, cursor } = box;
      if (!cursor) return;
      await live.more("loadingMore", async () => {
        const page = await list({ ...filter, cursor });
        if (box.filter === filter) become(listed(box, page));
      });
    },
    setFilter(filter) {
      live.set({ status: "loading" });
      become(emptyMailbox(filter, box));
      live.refresh();
    },
    async update(clientId, change) {
      return (await http<Updated>("POST", "/api/conversations/update", { clientId, ...change, socketId: realtime.socketId() })).conversation;
    },
  };
}
