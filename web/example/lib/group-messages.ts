import type { ShownMessage } from "@devinbox/client";
import { day, dayKey } from "./time";

/** What was written on one day. */
export interface Day {
  /** It stays the same while messages are added before and behind. */
  key: string;
  label: string;
  rows: Row[];
}

/** One line of a thread. */
export type Row = { kind: "unread"; key: string } | MessageRow;

export interface MessageRow {
  kind: "message";
  key: string;
  message: ShownMessage;
  /** Whether it begins its group, and whether it ends it. */
  first: boolean;
  last: boolean;
  /** Whether its delivery is seen: at the newest one of the reader's side, and at what is not stored yet. */
  delivery: boolean;
}

/** Consecutive messages of one sender form a group as long as less than this lies between two of them. */
const groupMilliseconds = 5 * 60_000;

/**
 * Puts messages under their days, a mark before the first one that was not read at `readUpTo`, and together what one sender
 * wrote in a row. `now` is any moment of today.
 */
export function groupMessages(messages: readonly ShownMessage[], readUpTo: number | null, now: Date): Day[] {
  const days: Day[] = [];
  let today: Day | undefined;
  let isMarked = readUpTo === null;
  const newestOwn = messages.findLast(({ own, deletedAt }) => own && !deletedAt);
  messages.forEach((message, i) => {
    const before = messages[i - 1];
    const after = messages[i + 1];
    if (!today || !before || dayKey(before.createdAt) !== dayKey(message.createdAt)) {
      // A clock that was set back begins a day a second time.
      const date = dayKey(message.createdAt);
      const again = days.filter(({ key }) => key.startsWith(`${date} `)).length;
      today = { key: `${date} ${again}`, label: day(message.createdAt, now), rows: [] };
      days.push(today);
    }
    const { rows } = today;
    let first = !before || !isTogether(before, message);
    if (!isMarked && readUpTo !== null && !message.own && message.seq > readUpTo) {
      isMarked = true;
      first = true;
      rows.push({ kind: "unread", key: "unread" });
    }
    const last = !after || !isTogether(message, after);
    const delivery = message === newestOwn || message.delivery === "sending";
    rows.push({ kind: "message", key: message.key, message, first, last, delivery });
  });
  return days;
}

function isTogether(a: ShownMessage, b: ShownMessage): boolean {
  return (
    a.sender.id === b.sender.id &&
    a.sender.role === b.sender.role &&
    dayKey(a.createdAt) === dayKey(b.createdAt) &&
    Date.parse(b.createdAt) - Date.parse(a.createdAt) < groupMilliseconds
  );
}
