import type { ShownMessage } from "@devinbox/client";
import { day } from "./time";

/** One line of a thread. */
export type Row =
  | { kind: "day"; key: string; label: string }
  | { kind: "unread"; key: string }
  | {
      kind: "message";
      key: string;
      message: ShownMessage;
      /** Whether it begins its group, and whether it ends it. */
      first: boolean;
      last: boolean;
      /** Whether its time and delivery are worth a line: at the end of a group, and where the delivery changes within it. */
      meta: boolean;
    };

/** Consecutive messages of one sender form a group as long as less than this lies between two of them. */
const groupMilliseconds = 5 * 60_000;

/** Puts a separator before each day and before the first message that was not read at `readUpTo`, and groups what one sender wrote in a row. */
export function rows(messages: readonly ShownMessage[], readUpTo: number | null): Row[] {
  const all: Row[] = [];
  let marked = readUpTo === null;
  messages.forEach((message, i) => {
    const before = messages[i - 1];
    const after = messages[i + 1];
    const label = day(message.createdAt);
    if (!before || day(before.createdAt) !== label) {
      all.push({ kind: "day", key: `day ${message.key}`, label });
    }
    let first = !before || !together(before, message);
    if (!marked && readUpTo !== null && !message.own && message.seq > readUpTo) {
      marked = true;
      first = true;
      all.push({ kind: "unread", key: "unread" });
    }
    const last = !after || !together(message, after);
    const meta = last || after.delivery !== message.delivery;
    all.push({ kind: "message", key: message.key, message, first, last, meta });
  });
  return all;
}

function together(a: ShownMessage, b: ShownMessage): boolean {
  return (
    a.sender.id === b.sender.id &&
    a.sender.role === b.sender.role &&
    day(a.createdAt) === day(b.createdAt) &&
    Date.parse(b.createdAt) - Date.parse(a.createdAt) < groupMilliseconds
  );
}
