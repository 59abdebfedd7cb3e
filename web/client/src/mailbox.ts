import type { Conversation, InboxFilter, InboxPage, TeamMember, Totals } from "./types.js";

/** At what number the server stops counting. */
const COUNTED = 1_000;

/**
 * All that is known of the inbox: a value. The functions below are its reducer, one for each thing that can happen.
 * They are pure, and right in whatever order, and however often, things are told: the newer Conversation counts.
 */
export interface Mailbox {
  readonly filter: InboxFilter;
  readonly known: ReadonlyMap<string, Conversation>;
  /** Which conversations the server has found under this filter: only it can search. */
  readonly found: ReadonlySet<string>;
  readonly totals: Totals;
  readonly team: readonly TeamMember[];
  /** Where the catch-up begins; missing before the first page. */
  readonly token?: string;
  /** For the next page; missing where there is none. */
  readonly cursor?: string | null;
  /** The last conversation of the last page, in the place where it stood. */
  readonly edge?: Conversation | undefined;
  /** Whether something was told that the totals cannot be derived from. A catch-up mends it. */
  readonly isVague?: boolean;
}

/** An inbox under a filter, of which nothing is known but what is the same under every one. */
export function emptyMailbox(filter: InboxFilter, { totals, team }: Pick<Mailbox, "totals" | "team"> = { totals: { open: 0, unread: 0 }, team: [] }): Mailbox {
  return { filter, totals, team, known: new Map(), found: new Set() };
}

/** A page under the filter came: the first one, or the next one. */
export function listed(box: Mailbox, page: InboxPage): Mailbox {
  const { filter, found, known, token } = box;
  const { conversations, nextCursor } = page;
  // What was told before the first page may be older than that, and be left out by it. The catch-up from there tells it again.
  const base = token ? box : { ...emptyMailbox(filter, page), token: page.syncToken, isVague: known.size > 0 };
  return {
    ...learn(base, conversations),
    found: new Set([...found, ...conversations.map((c) => c.clientId)]),
    cursor: nextCursor,
    edge: conversations.at(-1) ?? box.edge,
  };
}

/**
 * A page of what has changed came. With the last one comes the token of the first one, where the next catch-up begins;
 * unless the filter is another by now, whose first page is still to come.
 */
export function caughtUp(box: Mailbox, page: InboxPage, token?: string): Mailbox {
  return { ...learn(box, page.conversations), totals: page.totals, team: isSameTeam(box, page) ? box.team : page.team, ...(token && box.token && { token, isVague: false }) };
}

/** An event, or the answer to a change, told of a conversation. */
export function informed(box: Mailbox, conversation: Conversation): Mailbox {
  const had = box.known.get(conversation.clientId);
  const next = learn(box, [conversation]);
  const has = next.known.get(conversation.clientId)!;
  if (!had) return { ...next, isVague: true };
  const { open, unread } = box.totals;
  // Where the server has stopped counting, so do we.
  const count = (total: number, is: (c: Conversation) => boolean) => (total < COUNTED ? total + Number(is(has)) - Number(is(had)) : total);
  return { ...next, totals: { open: count(open, isOpen), unread: count(unread, isUnread) } };
}

function learn(box: Mailbox, conversations: readonly Conversation[]): Mailbox {
  const known = new Map(box.known);
  for (const c of conversations) {
    if (c.version > (known.get(c.clientId)?.version ?? 0)) known.set(c.clientId, c);
  }
  return { ...box, known };
}

const isSameTeam = (a: Pick<Mailbox, "team">, b: InboxPage) => JSON.stringify(a.team) === JSON.stringify(b.team);
const isOpen = (c: Conversation) => c.status === "open";
const isUnread = (c: Conversation) => c.unread.developer > 0;

/** Those conversations that the filter lets through, as far as pages were loaded: by last message, the newest first. */
export function shownIn({ filter, known, found, edge, cursor }: Mailbox): Conversation[] {
  const { status = "open", unread, assigneeId, q } = filter;
  return [...known.values()]
    .filter(
      (c) =>
        (status === "all" || c.status === status) &&
        (!unread || isUnread(c)) &&
        (!assigneeId || (c.assigneeId ?? "none") === assigneeId) &&
        (!q || found.has(c.clientId)) &&
        (!cursor || !edge || newestFirst(c, edge) <= 0),
    )
    .sort(newestFirst);
}

function newestFirst(a: Conversation, b: Conversation): number {
  const x = a.lastMessage.createdAt + a.clientId; // times are all of one length
  const y = b.lastMessage.createdAt + b.clientId;
  return x < y ? 1 : -1; // of one conversation there is one place
}
