import type { ShownMessage } from "@devinbox/client";
import { expect, test } from "vitest";
import { groupMessages } from "@/lib/group-messages";

const now = new Date(2026, 2, 11, 12);

interface Written {
  seq: number;
  /** Minutes after noon of the day before `now`. */
  at?: number;
  own?: boolean;
  by?: string;
  delivery?: "sending" | "sent";
  deletedAt?: string;
}

function message({ seq, at = seq, own = false, by = own ? "42" : "ada", delivery = "sent", deletedAt }: Written) {
  const createdAt = new Date(2026, 2, 10, 12, at).toISOString();
  const sender = { id: by, role: own ? "client" : "developer", name: null };
  return { key: `k${seq}`, seq, own, sender, createdAt, delivery, deletedAt: deletedAt ?? null } as ShownMessage;
}

/** A thread in a few letters: `[` and `]` where a group begins and ends, `!` behind a message whose delivery is seen. */
function drawn(written: readonly Written[], readUpTo: number | null = null): string {
  const days = groupMessages(written.map(message), readUpTo, now);
  const rows = days.map(({ label, rows: all }) => {
    const each = all.map((row) =>
      row.kind === "unread"
        ? "New"
        : `${row.first ? "[" : ""}${row.message.seq}${row.delivery ? "!" : ""}${row.last ? "]" : ""}`,
    );
    return `${label}: ${each.join(" ")}`;
  });
  return rows.join(" / ");
}

test("what one sender writes within five minutes stands together", () => {
  expect(drawn([{ seq: 1 }, { seq: 2 }, { seq: 3, at: 7 }, { seq: 4, at: 8, by: "ken" }, { seq: 5, at: 8 }])).toBe(
    "Yesterday: [1 2] [3] [4] [5]",
  );
});

test("a client and a developer of one id are two", () => {
  expect(
    drawn([
      { seq: 1, by: "42" },
      { seq: 2, own: true, by: "42" },
    ]),
  ).toBe("Yesterday: [1] [2!]");
});

test("a day begins at midnight, and once more if a clock was set back", () => {
  const minutes = 12 * 60;
  const written = [
    { seq: 1, at: minutes - 1 },
    { seq: 2, at: minutes },
    { seq: 3, at: minutes - 2 },
  ];
  expect(drawn(written)).toBe("Yesterday: [1] / Today: [2] / Yesterday: [3]");
  const keys = groupMessages(written.map(message), null, now).map(({ key }) => key);
  expect(new Set(keys).size).toBe(3);
});

test("the mark stands before the other side's first message that is not read, and begins a group", () => {
  const written = [{ seq: 1 }, { seq: 2 }, { seq: 3, own: true }, { seq: 4 }, { seq: 5 }];
  expect(drawn(written, 1)).toBe("Yesterday: [1 New [2] [3!] [4 5]");
  expect(drawn(written, 2)).toBe("Yesterday: [1 2] [3!] New [4 5]");
  expect(drawn(written, 5)).toBe("Yesterday: [1 2] [3!] [4 5]");
});

test("what became of a message is seen at one's newest, and at what is on its way", () => {
  const own = { own: true };
  expect(
    drawn([
      { seq: 1, ...own },
      { seq: 2, ...own },
      { seq: 3, ...own, deletedAt: "x" },
    ]),
  ).toBe("Yesterday: [1 2! 3]");
  expect(
    drawn([
      { seq: 1, ...own, delivery: "sending" },
      { seq: 2, ...own, delivery: "sending" },
    ]),
  ).toBe("Yesterday: [1! 2!]");
});
