import { describe, expect, test, vi } from "vitest";
import { ago, day, dayKey, duration, shortTime, timeOfDay, untilMidnight } from "@/lib/time";

vi.hoisted(() => {
  // In English, whatever this computer speaks.
  const { DateTimeFormat, RelativeTimeFormat } = Intl;
  Object.assign(Intl, {
    DateTimeFormat: function (_: unknown, options: Intl.DateTimeFormatOptions) {
      return new DateTimeFormat("en-US", options);
    },
    RelativeTimeFormat: function (_: unknown, options: Intl.RelativeTimeFormatOptions) {
      return new RelativeTimeFormat("en-US", options);
    },
  });
});

/** A moment of this computer's time zone, as the server writes it. */
const at = (year: number, month: number, date: number, hours = 0, minutes = 0) =>
  new Date(year, month, date, hours, minutes).toISOString();
const now = new Date(2026, 2, 11, 0, 30); // half past midnight on a Wednesday

describe("a moment, half an hour after midnight:", () => {
  test.each([
    { time: at(2026, 2, 11, 0, 29), label: "Today", since: "1 minute ago", waits: "1 min" },
    { time: at(2026, 2, 10, 23, 50), label: "Yesterday", since: "40 minutes ago", waits: "40 min" },
    { time: at(2026, 2, 10, 22, 30), label: "Yesterday", since: "2 hours ago", waits: "2 h" },
    { time: at(2026, 2, 10, 8), label: "Yesterday", since: "yesterday", waits: "16 h" },
    { time: at(2026, 2, 9, 8), label: "Monday", since: "2 days ago", waits: "40 h" },
    { time: at(2026, 2, 5, 8), label: "Thursday", since: "6 days ago", waits: "5 d" },
    { time: at(2026, 2, 4, 8), label: "March 4, 2026", since: "March 4, 2026", waits: "6 d" },
    { time: at(2026, 2, 11, 0, 31), label: "Today", since: "just now", waits: "1 min" }, // the server's clock is ahead
    { time: at(2026, 2, 12, 8), label: "Today", since: "just now", waits: "1 min" },
  ])("$time is $label, $since", ({ time, label, since, waits }) => {
    expect([day(time, now), ago(time, now), duration(time, now)]).toEqual([label, since, waits]);
  });
});

test("a list has the time of today, else a weekday, else a date", () => {
  expect(shortTime(at(2026, 2, 11, 0, 29), now)).toBe(timeOfDay(at(2026, 2, 11, 0, 29)));
  const days = [at(2026, 2, 10), at(2026, 2, 4), at(2025, 11, 31)].map((time) => shortTime(time, now));
  expect(days).toEqual(["Tue", "Mar 4", "Dec 31, 2025"]);
});

test("a day is one from midnight to midnight", () => {
  expect(dayKey(at(2026, 2, 11, 0, 0))).toBe(dayKey(at(2026, 2, 11, 23, 59)));
  expect(dayKey(at(2026, 2, 10, 23, 59))).toBeLessThan(dayKey(at(2026, 2, 11)));
  expect(untilMidnight(now)).toBe(23.5 * 3_600_000);
});
