import type { ChatError } from "./error.js";
import type { Conversation, MessagePage, Received, Role, SessionIdentity } from "./types.js";

/** A message that is not stored yet. */
export interface Waiting {
  /** Its `clientMessageId`. */
  readonly id: string;
  readonly body: string;
  /** When it was written, in milliseconds since 1970. */
  readonly at: number;
  /** Whether it may begin the conversation. */
  readonly create?: boolean | undefined;
  readonly failed?: boolean | undefined;
  readonly error?: ChatError | undefined;
}

/**
 * All that is known of one conversation: a value. The functions below are its reducer, one for each thing that can
 * happen. They are pure, and right in whatever order, and however often, things are told: per `seq` the higher version
 * counts, per side the higher read mark, and the newer Conversation.
 */
export interface Thread {
  readonly me: SessionIdentity | null;
  /** The newest, with marks as in `read`. */
  readonly conversation: Conversation | null;
  /** Ascending by `seq`. Those below `from` are known by chance and not shown. */
  readonly messages: readonly Received[];
  /** From which `seq` on messages were loaded; 0 before the first page. */
  readonly from: number;
  /** The version up to which every change was fetched. Events do not move it, for they may have holes. */
  readonly cursor: number;
  readonly read: Readonly<Record<Role, number>>;
  /** What is being sent or has failed, in the order of writing. */
  readonly waiting: readonly Waiting[];
}

export const emptyThread: Thread = {
  me: null,
  conversation: null,
  messages: [],
  from: 0,
  cursor: 0,
  read: { client: 0, developer: 0 },
  waiting: [],
};

/** What an event, or the answer to a change, tells. */
export interface News {
  readonly message?: Received;
  readonly conversation?: Conversation | null;
  readonly read?: { readonly side: Role; readonly upToSeq: number };
}

/** It is known who we are. */
export function identified(thread: Thread, me: SessionIdentity): Thread {
  return settled({ ...thread, me });
}

/** Something was told, in any order and any number of times. */
export function told(thread: Thread, { message, conversation, read }: News): Thread {
  return learn(thread, message ? [message] : [], conversation, read);
}

/** The newest page came, the first one of all. Nobody has asked for another one. */
export function opened(thread: Thread, page: MessagePage): Thread {
  return { ...extended({ ...thread, from: Infinity }, page), cursor: page.conversation?.version ?? 0 };
}

/** An older page came: the one before `from`. */
export function extended(thread: Thread, page: MessagePage): Thread {
  const from = page.hasMore ? Math.min(thread.from, page.messages[0]!.seq) : 1;
  return { ...learn(thread, page.messages, page.conversation), from };
}

/** A page came of what changed since a version, which was that of `cursor` or an earlier one. */
export function caughtUp(thread: Thread, page: MessagePage): Thread {
  // An answer shows one moment: the last page holds everything up to its conversation's version.
  const reached = (page.hasMore ? page.messages.at(-1) : page.conversation)?.version ?? 0;
  return { ...learn(thread, page.messages, page.conversation), cursor: Math.max(thread.cursor, reached) };
}

function learn(thread: Thread, messages: readonly Received[], conversation?: Conversation | null, moved?: News["read"]): Thread {
  const mark = (side: Role) => Math.max(thread.read[side], conversation?.read[side] ?? 0, moved?.side === side ? moved.upToSeq : 0);
  const read = { client: mark("client"), developer: mark("developer") };
  const before = thread.conversation;
  const newest = conversation && conversation.version > (before?.version ?? 0) ? conversation : before;
  const isMoved = newest && (newest.read.client < read.client || newest.read.developer < read.developer);
  return settled({
    ...thread,
    conversation: isMoved ? { ...newest, read } : newest,
    messages: merge(thread.messages, messages),
    read,
  });
}

/** The caller has written something. */
export function written(thread: Thread, waiting: Waiting): Thread {
  return settled({ ...thread, waiting: [...thread.waiting, waiting] });
}

/** What was written is another now; null where the caller gives up on it. */
export function rewritten(thread: Thread, id: string, change: Pick<Waiting, "at"> | { failed: true; error: ChatError } | null): Thread {
  const rewrite = (w: Waiting) => (change ? { ...w, failed: undefined, error: undefined, ...change } : []);
  return { ...thread, waiting: thread.waiting.flatMap((w) => (w.id === id ? rewrite(w) : w)) };
}

function merge(held: readonly Received[], news: readonly Received[]): readonly Received[] {
  const merged = [...held];
  for (const message of news) {
    const at = merged.findLastIndex((m) => m.seq <= message.seq);
    const had = merged[at];
    if (had?.seq !== message.seq) merged.splice(at + 1, 0, message);
    else if (message.version > had.version || (message.version === had.version && had.truncated && !message.truncated)) merged[at] = message;
  }
  return merged;
}

/** Takes out of what waits what is known to be stored, whoever told it first. */
function settled(thread: Thread): Thread {
  const { me, messages, waiting } = thread;
  const left = waiting.filter((w) => !messages.some((m) => m.clientMessageId === w.id && isOf(m, me)));
  return left.length < waiting.length ? { ...thread, waiting: left } : thread;
}

/** Names somebody for good: the two sides have ids of their own. */
export function nameOf({ role, id }: Pick<SessionIdentity, "role" | "id">): string {
  return `${role}:${id}`;
}

/** Whether somebody has written a message. */
export function isOf({ sender }: Received, me: SessionIdentity | null): boolean {
  return me !== null && nameOf(sender) === nameOf(me);
}

/** The messages that were loaded, without those known by chance. Before the first page there are only such, as what was just sent. */
export function loaded({ messages, from }: Thread): readonly Received[] {
  return messages.filter((m) => m.seq >= from);
}

/** The highest `seq` below which nothing that was loaded is missing; 0 where nothing was loaded. */
export function wholeUpTo(thread: Thread): number {
  let seq = thread.from - 1;
  for (const message of loaded(thread)) if (message.seq === seq + 1) seq++;
  return Math.max(seq, 0);
}

/** What a catch-up would mend. A hole may close by itself, with an event that is late. */
export type Lack = "text" | "hole" | null;

/** Whether there is a `text` that came shortened, or a `hole`: a message, or the conversation, of which something else tells. */
export function lacking(thread: Thread): Lack {
  const shown = loaded(thread);
  if (shown.some((m) => m.truncated)) return "text";
  const last = Math.max(thread.conversation?.lastSeq ?? 0, shown.at(-1)?.seq ?? 0);
  return thread.from && last && (wholeUpTo(thread) < last || !thread.conversation) ? "hole" : null;
}

/**
 * How many messages of the other side a side has not read. Exact where the messages above its mark were loaded, or
 * nothing has happened since the conversation was fetched; else as near as what is known.
 */
export function unread(thread: Thread, side: Role): number {
  const { conversation, from } = thread;
  const above = (seq: number) => thread.messages.filter((m) => m.seq > seq && m.sender.role !== side).length;
  const mark = thread.read[side];
  return !conversation || (from && mark >= from - 1 && !lacking(thread)) ? above(mark) : conversation.unread[side] + above(conversation.lastSeq);
}
