import type { Conversation, InboxFilter, InboxPage, TeamMember, Totals } from "./types.js";

/** At what number the server stops counting. */
const COUNTED = 1_000;

/**
 * All that is known of the inbox: a value. The functions below are its reducer, one for each thing that can happen.
 * They are pure, and right in whatever order, and however often, things happen: the newer Conversation counts.
 */
export interface InboxModel {
  readonly filter: InboxFilter;
  readonly known: ReadonlyMap<string, Conversation>;
  /** What the server has found under this search, by the words that it looks at. */
  readonly found: ReadonlySet<string>;
  readonly totals: Totals;
  readonly team: readonly TeamMember[];
  /** Where the next catch-up begins; missing before the first page. */
  readonly syncToken?: string | undefined;
  /** For the next page; missing if there is none. */
  readonly cursor?: string | null;
  /** The last conversation of the last page, in the place where it stood. */
  readonly edge?: Conversation | undefined;
  /** Whether something came that the totals cannot be derived from. A catch-up mends it. */
  readonly isTotalStale?: boolean;
}

/** An inbox under a filter, of which nothing is known but what is the same under each one. */
export function emptyInbox(
  filter: InboxFilter,
  { totals, team }: Pick<InboxModel, "totals" | "team"> = { totals: { open: 0, unread: 0 }, team: [] },
): InboxModel {
  return { filter, totals, team, known: new Map(), found: new Set() };
}

/** A page under the filter came: the first one, or the next one. */
export function pageLoaded(inbox: InboxModel, page: InboxPage): InboxModel {
  const { conversations, nextCursor: cursor, syncToken } = page;
  // What came before the first page may be older than that, and left out by it. The catch-up from there brings it again.
  const base = inbox.syncToken
    ? inbox
    : { ...emptyInbox(inbox.filter, page), syncToken, isTotalStale: inbox.known.size > 0 };
  return {
    ...merge(base, conversations),
    found: new Set([...inbox.found, ...conversations.map(searchText)]),
    cursor,
    edge: conversations.at(-1) ?? inbox.edge,
  };
}

/**
 * A page of what has changed came. With the last one comes the token of the first one, where the next catch-up begins;
 * unless the filter is another by now, whose first page is still to come.
 */
export function changesLoaded(inbox: InboxModel, page: InboxPage, syncToken?: string): InboxModel {
  const { conversations, totals, team } = page;
  return {
    ...merge(inbox, conversations),
    totals,
    team,
    ...(syncToken && inbox.syncToken && { syncToken, isTotalStale: false }),
  };
}

/** A conversation came, in an event or in the answer to a change. */
export function conversationReceived(inbox: InboxModel, conversation: Conversation): InboxModel {
  const before = inbox.known.get(conversation.clientId);
  const next = merge(inbox, [conversation]);
  if (!before) return { ...next, isTotalStale: true };
  const after = conversation.version > before.version ? conversation : before;
  // Where the server has stopped counting, so do we.
  const count = (total: number, is: (c: Conversation) => boolean) =>
    total < COUNTED ? total + Number(is(after)) - Number(is(before)) : total;
  const { open, unread } = inbox.totals;
  return { ...next, totals: { open: count(open, isOpen), unread: count(unread, isUnread) } };
}

function merge(inbox: InboxModel, conversations: readonly Conversation[]): InboxModel {
  const known = new Map(inbox.known);
  for (const c of conversations) {
    if (c.version > (known.get(c.clientId)?.version ?? 0)) known.set(c.clientId, c);
  }
  return { ...inbox, known };
}

const isOpen = (c: Conversation) => c.status === "open";
const isUnread = (c: Conversation) => c.unread.developer > 0;

/**
 * The conversations that the filter lets through, as far as pages were loaded: by last message, the newest first. What
 * `isKept` names stays among them although it has ceased to fit.
 */
export function selectShown(inbox: InboxModel, isKept: (clientId: string) => boolean): Conversation[] {
  const { filter, known, found, edge, cursor } = inbox;
  const { status = "open", unread, assigneeId, q } = filter;
  const fits = (c: Conversation) =>
    (status === "all" || c.status === status) &&
    (!unread || isUnread(c)) &&
    (!assigneeId || (c.assigneeId ?? "none") === assigneeId) &&
    (!q || found.has(searchText(c)) || searchText(c).includes(fold(q)));
  // The server goes by microseconds. Which of one millisecond is behind the edge it alone knows, so all of them are shown.
  const isLoaded = (c: Conversation) => !cursor || !edge || c.lastMessage.createdAt >= edge.lastMessage.createdAt;
  return [...known.values()].filter((c) => isLoaded(c) && (fits(c) || isKept(c.clientId))).sort(newestFirst);
}

/** What a search looks at, as the server does. */
function searchText({ clientName, clientEmail, clientId }: Conversation): string {
  return fold([clientName, clientEmail, clientId].join("\n"));
}

/** Without the difference of case and of normalization form; of Greek's sigmas and Turkish's i there is one each. */
function fold(text: string): string {
  return text.normalize("NFKC").replace(/[İı]/g, "i").replace(/[Σς]/g, "σ").toLowerCase();
}

function newestFirst(a: Conversation, b: Conversation): number {
  const x = a.lastMessage.createdAt + a.clientId; // times are all of one length
  const y = b.lastMessage.createdAt + b.clientId;
  return x < y ? 1 : -1; // of one conversation there is one place
}
