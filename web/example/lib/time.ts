import { capitalised } from "./capitalised";

// The reader's own language and time zone. All of it runs in the browser only: the server knows neither.
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const shortWeekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const shortDateWithYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** The time of day. */
export function timeOfDay(time: string): string {
  return clock.format(new Date(time));
}

/** The whole moment, for a tooltip. */
export function moment(time: string): string {
  return full.format(new Date(time));
}

/** Names a day, by where its midnight is. */
export function dayKey(time: string): number {
  return midnight(new Date(time));
}

/** A day for a separator: "today", "yesterday", a weekday, or a date. */
export function day(time: string, now: Date): string {
  const days = daysAgo(time, now);
  if (days < 2) return capitalised(relative.format(-days, "day"));
  return days < 7 ? weekday.format(new Date(time)) : date.format(new Date(time));
}

/** As short as a list allows: the time of today, else a weekday, else a date, of another year with that. */
export function shortTime(time: string, now: Date): string {
  const days = daysAgo(time, now);
  const at = new Date(time);
  if (days === 0) return timeOfDay(time);
  if (days < 7) return shortWeekday.format(at);
  return (at.getFullYear() === now.getFullYear() ? shortDate : shortDateWithYear).format(at);
}

/** How long ago something was: "5 minutes ago", "yesterday", or a date. */
export function ago(time: string, now: Date): string {
  const minutes = Math.max(0, Math.floor((now.getTime() - Date.parse(time)) / 60_000));
  if (minutes < 1) return "just now";
  if (minutes < 60) return relative.format(-minutes, "minute");
  const days = daysAgo(time, now);
  if (days === 0 || minutes < 6 * 60) return relative.format(-Math.floor(minutes / 60), "hour");
  return days < 7 ? relative.format(-days, "day") : date.format(new Date(time));
}

/** How long something has taken, in its largest unit: "5 min", "3 h", "2 d". */
export function duration(since: string, now: Date): string {
  const minutes = Math.max(1, Math.floor((now.getTime() - Date.parse(since)) / 60_000));
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

/** How many milliseconds today has left. */
export function untilMidnight(now: Date): number {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime() - now.getTime();
}

/** How many midnights lie between then and now. A clock that is ahead of this one counts as today. */
function daysAgo(time: string, now: Date): number {
  return Math.max(0, Math.round((midnight(now) - midnight(new Date(time))) / 86_400_000));
}

function midnight(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}
