import type { ChatError } from "./error.js";
import type { Conversation, MessagePage, Received, Role, SessionIdentity, ShownAttachment } from "./types.js";

/** What was written and is not stored yet. */
export interface PendingMessage {
  /** Its `clientMessageId`. */
  readonly id: string;
  readonly body: string;
  /** When it was written, in milliseconds since 1970. */
  readonly at: number;
  /** Its files, and what has become of them. */
  readonly attachments?: ShownAttachment[] | undefined;
  /** By whom, as {@link identityKey} names them; null while that is not known. */
  readonly by: string | null;
  /** Whether it may begin the conversation. */
  readonly create?: boolean | undefined;
  /** Whether it is still being written. Of a conversation there is one such at most. */
  readonly draft?: boolean | undefined;
  /** Whether it waits for a person to send it again. */
  readonly failed?: boolean | undefined;
  readonly error?: ChatError | undefined;
}

/**
 * All that is known of one conversation: a value. The functions below are its reducer, one for each thing that can
 * happen. They are pure, and right in whatever order, and however often, things happen: per `seq` the higher version
 * counts, per side the higher read mark, and the newer Conversation.
 */
export interface Thread {
  readonly me: SessionIdentity | null;
  /** The newest, with marks as in `read`. */
  readonly conversation: Conversation | null;
  /** Ascending by `seq`. Those below `firstSeq` are known by chance and not shown. */
  readonly messages: readonly Received[];
  /** From which `seq` on messages were loaded; 0 before the first page. */
  readonly firstSeq: number;
  /** The version up to which every change was fetched. Events do not move it, for some may be missing. */
  readonly fetchedVersion: number;
  readonly read: Readonly<Record<Role, number>>;
  /** What is being sent or has failed, in the order of writing. */
  readonly pending: readonly PendingMessage[];
}

export const emptyThread: Thread = {
  me: null,
  conversation: null,
  messages: [],
  firstSeq: 0,
  fetchedVersion: 0,
  read: { client: 0, developer: 0 },
  pending: [],
};

/** It is known who we are. What was written before on this page is ours; what had failed then stays nobody's. */
export function identityLoaded(thread: Thread, me: SessionIdentity): Thread {
  const claim = (p: PendingMessage) => (p.by === null && !p.failed ? { ...p, by: identityKey(me) } : p);
  return dropAcknowledged({ ...thread, me, pending: thread.pending.map(claim) });
}

/** A message came, in an event or in the answer to a change. */
export function messageReceived(thread: Thread, message: Received): Thread {
  return merge(thread, [message]);
}

/** The conversation came, in an event or in the answer to a change. */
export function conversationReceived(thread: Thread, conversation: Conversation): Thread {
  return merge(thread, [], conversation);
}

/** A side has read up to a `seq`. */
export function readMarkMoved(thread: Thread, { side, upToSeq }: { side: Role; upToSeq: number }): Thread {
  return merge(thread, [], null, { [side]: upToSeq });
}

/** The newest page came, the first one of all. Nobody has asked for another one. */
export function firstPageLoaded(thread: Thread, page: MessagePage): Thread {
  return {
    ...olderPageLoaded({ ...thread, firstSeq: Infinity }, page),
    fetchedVersion: page.conversation?.version ?? 0,
  };
}

/** An older page came: the one before `firstSeq`. */
export function olderPageLoaded(thread: Thread, { messages, hasMore, conversation }: MessagePage): Thread {
  const firstSeq = hasMore ? Math.min(thread.firstSeq, ...messages.map((m) => m.seq)) : 1;
  return { ...merge(thread, messages, conversation), firstSeq };
}

/** A page came of what changed since a version, which was `fetchedVersion` or an earlier one. */
export function changesLoaded(thread: Thread, { messages, hasMore, conversation }: MessagePage): Thread {
  // An answer shows one moment: the last page holds everything up to its conversation's version.
  const reached = (hasMore ? messages.at(-1) : conversation)?.version ?? 0;
  return { ...merge(thread, messages, conversation), fetchedVersion: Math.max(thread.fetchedVersion, reached) };
}

/** The caller has written something. */
export function messageWritten(thread: Thread, message: Omit<PendingMessage, "by">): Thread {
  return { ...thread, pending: [...thread.pending, { ...message, by: authorOf(thread) }] };
}

/** Something was found that a tab has left behind. What nobody knows the author of waits for a person to send it. */
export function entryClaimed(thread: Thread, entry: PendingMessage): Thread {
  const { by, body, at, draft } = entry;
  const failed = entry.failed || (by === null && !draft);
  const own = thread.pending.find((message) => draft && message.draft);
  if (own) return draftChanged(thread, `${body}\n${own.body}`, at);
  return dropAcknowledged({ ...thread, pending: [...thread.pending, { ...entry, failed }] });
}

/** The caller has written on at a draft, which is theirs now; "" if there is none any more. */
export function draftChanged(thread: Thread, body: string, at: number): Thread {
  const others = thread.pending.filter(({ draft }) => !draft);
  const by = authorOf(thread);
  return { ...thread, pending: body ? [...others, { id: "draft", body, at, by, draft: true }] : others };
}

/** Something has become of a message's files. */
export function attachmentsChanged(thread: Thread, id: string, attachments: ShownAttachment[]): Thread {
  return updatePending(thread, id, { attachments });
}

/** Sending has failed for good. */
export function sendFailed(thread: Thread, id: string, error: ChatError): Thread {
  return updatePending(thread, id, { failed: true, error });
}

/** The caller has asked to send something again, and so has made it theirs. */
export function sendRetried(thread: Thread, id: string, at: number): Thread {
  return updatePending(thread, id, { at, by: authorOf(thread), failed: false, error: undefined });
}

/** The caller has given up on something. */
export function messageDiscarded(thread: Thread, id: string): Thread {
  return updatePending(thread, id);
}

function merge(
  thread: Thread,
  messages: readonly Received[],
  conversation: Conversation | null = null,
  marks: Partial<Record<Role, number>> = {},
): Thread {
  const markOf = (side: Role) => Math.max(thread.read[side], conversation?.read[side] ?? 0, marks[side] ?? 0);
  const read = { client: markOf("client"), developer: markOf("developer") };
  const before = thread.conversation;
  const newest = conversation && conversation.version > (before?.version ?? 0) ? conversation : before;
  return dropAcknowledged({
    ...thread,
    conversation: newest && { ...newest, read },
    messages: mergeMessages(thread.messages, messages),
    read,
  });
}

function mergeMessages(known: readonly Received[], received: readonly Received[]): readonly Received[] {
  const merged = new Map(known.map((message) => [message.seq, message]));
  for (const message of received) {
    const before = merged.get(message.seq);
    if (!before || rank(message) > rank(before)) merged.set(message.seq, message);
  }
  return [...merged.values()].sort((a, b) => a.seq - b.seq);
}

/** A higher version counts more, and of one version the whole text. */
function rank({ version, truncated }: Received): number {
  return version + (truncated ? 0 : 0.5);
}

/** Changes what is pending, or takes it out. */
function updatePending(thread: Thread, id: string, change?: Partial<PendingMessage>): Thread {
  const update = (message: PendingMessage) => (change ? { ...message, ...change } : []);
  return { ...thread, pending: thread.pending.flatMap((message) => (message.id === id ? update(message) : message)) };
}

/** Takes out of what is pending what is known to be stored, whoever told it first. */
function dropAcknowledged(thread: Thread): Thread {
  const { me, messages, pending } = thread;
  const left = pending.filter(({ id }) => !messages.some((m) => m.clientMessageId === id && isSentBy(m, me)));
  return left.length < pending.length ? { ...thread, pending: left } : thread;
}

/** Names who writes here; null while that is not known. */
export function authorOf({ me }: Pick<Thread, "me">): string | null {
  return me && identityKey(me);
}

/** Names a person for good: the two sides have ids of their own. */
export function identityKey({ role, id }: Pick<SessionIdentity, "role" | "id">): string {
  return `${role}:${id}`;
}

/** Whether a person has written a message. */
export function isSentBy({ sender }: Pick<Received, "sender">, me: SessionIdentity | null): boolean {
  return me !== null && identityKey(sender) === identityKey(me);
}

/** The messages that were loaded, without those known by chance. Before the first page there are only such, as what was just sent. */
export function loadedMessages({ messages, firstSeq }: Thread): readonly Received[] {
  return messages.filter((m) => m.seq >= firstSeq);
}

/** The highest `seq` below which nothing that was loaded is missing; 0 if nothing was loaded. */
export function contiguousSeq(thread: Thread): number {
  let seq = thread.firstSeq - 1;
  for (const message of loadedMessages(thread)) if (message.seq === seq + 1) seq++;
  return Math.max(seq, 0);
}

/** What a fetch would close: a text that came `truncated`, or something `missing`, which a late event may bring. */
export type Gap = "truncated" | "missing" | null;

/** Finds a text that came truncated, or a message, or the conversation, of which only something else tells. */
export function findGap(thread: Thread): Gap {
  const shown = loadedMessages(thread);
  if (shown.some((m) => m.truncated)) return "truncated";
  const last = Math.max(thread.conversation?.lastSeq ?? 0, shown.at(-1)?.seq ?? 0);
  const isMissing = contiguousSeq(thread) < last || !thread.conversation;
  return thread.firstSeq > 0 && last > 0 && isMissing ? "missing" : null;
}

/**
 * How many messages of the other side a side has not read. Exact if the messages above its mark were loaded, or
 * nothing has happened since the conversation was fetched; else as near as what is known.
 */
export function unreadCount(thread: Thread, side: Role): number {
  const { conversation, firstSeq } = thread;
  const countAbove = (seq: number) => thread.messages.filter((m) => m.seq > seq && m.sender.role !== side).length;
  const mark = thread.read[side];
  const isLoaded = firstSeq > 0 && mark >= firstSeq - 1 && !findGap(thread);
  return !conversation || isLoaded ? countAbove(mark) : conversation.unread[side] + countAbove(conversation.lastSeq);
}
