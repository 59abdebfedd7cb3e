// The reader's own language and time zone. All of it runs in the browser only: the server knows neither.
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const shortWeekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** The time of day. */
export function timeOfDay(time: string): string {
  return clock.format(new Date(time));
}

/** The whole moment, for a tooltip. */
export function moment(time: string): string {
  return full.format(new Date(time));
}

/** A day for a separator: "today", "yesterday", a weekday, or a date. */
export function day(time: string, now = new Date()): string {
  const days = daysAgo(time, now);
  if (days < 2) return capitalised(relative.format(-days, "day"));
  return days < 7 ? weekday.format(new Date(time)) : date.format(new Date(time));
}

/** As short as a list allows: the time of today, else a weekday, else a date. */
export function shortTime(time: string, now = new Date()): string {
  const days = daysAgo(time, now);
  if (days === 0) return timeOfDay(time);
  return days < 7 ? shortWeekday.format(new Date(time)) : shortDate.format(new Date(time));
}

/** How many midnights lie between then and now. A clock that is ahead of this one counts as today. */
function daysAgo(time: string, now: Date): number {
  return Math.max(0, Math.round((midnight(now) - midnight(new Date(time))) / 86_400_000));
}

function midnight(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}

function capitalised(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
