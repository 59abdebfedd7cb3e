import type { Core } from "./core.js";
import { type InboxModel, changesLoaded, pageLoaded } from "./inbox-reducer.js";
import type { InboxPage } from "./types.js";

export interface InboxContext {
  readonly core: Core;
  inbox: () => InboxModel;
  setInbox: (next: InboxModel) => void;
  /** Something came during a fetch. Whether the totals of that hold it nobody can tell. */
  onDisturbed: () => void;
}

/** Fetches the inbox's conversations into its model. */
export interface InboxPages {
  /** Fetches all that changed, the first page at first, and tells whether anything did. */
  fetchChanges: () => Promise<boolean>;
  fetchPage: () => Promise<void>;
}

export function createInboxPages({ core, inbox, setInbox, onDisturbed }: InboxContext): InboxPages {
  const list = (query: object): Promise<InboxPage> => core.request("GET /api/conversations/list", query);

  /** The first page, or the next one. It comes along with the answer to who is asking. */
  async function fetchPage() {
    const { filter, cursor } = inbox();
    const [page] = await Promise.all([list({ ...filter, cursor }), core.verify()]);
    if (inbox().filter === filter) setInbox(pageLoaded(inbox(), page));
  }

  async function fetchSince(since: string) {
    let isChanged = false;
    let syncToken: string | undefined;
    let cursor: string | null = null;
    do {
      const before = inbox();
      const page: InboxPage = await list({ since, cursor, limit: 100 });
      if (inbox() !== before) onDisturbed();
      isChanged ||= page.conversations.length > 0;
      syncToken ??= page.syncToken; // what changes while we page is after the first page's, and may be behind where we are
      cursor = page.nextCursor;
      setInbox(changesLoaded(inbox(), page, cursor ? undefined : syncToken));
    } while (cursor);
    return isChanged;
  }

  return {
    fetchPage,
    async fetchChanges() {
      const isFirst = !inbox().syncToken;
      if (isFirst) await fetchPage();
      const { syncToken, isTotalStale } = inbox();
      return syncToken && (!isFirst || isTotalStale) ? fetchSince(syncToken) : isFirst;
    },
  };
}
