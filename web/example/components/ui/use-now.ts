import { useSyncExternalStore } from "react";
import { untilMidnight } from "@/lib/time";

/** Makes a moment that all readers share, renewed after `wait` milliseconds and when the page is shown again. */
function createClock(wait: (now: Date) => number) {
  let now = new Date();
  let timer: number | undefined;
  const listeners = new Set<() => void>();
  const renew = () => {
    window.clearTimeout(timer);
    now = new Date();
    timer = window.setTimeout(renew, wait(now));
    for (const listener of [...listeners]) listener();
  };
  return {
    getSnapshot: () => now,
    subscribe: (listener: () => void) => {
      if (listeners.size === 0) {
        now = new Date();
        timer = window.setTimeout(renew, wait(now));
        document.addEventListener("visibilitychange", renew);
      }
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        window.clearTimeout(timer);
        document.removeEventListener("visibilitychange", renew);
      };
    },
  };
}

const minutes = createClock(() => 60_000);
const days = createClock(untilMidnight);

/** Now, to the minute. */
export function useNow(): Date {
  return useSyncExternalStore(minutes.subscribe, minutes.getSnapshot, minutes.getSnapshot);
}

/** A moment of today: another one after midnight. */
export function useToday(): Date {
  return useSyncExternalStore(days.subscribe, days.getSnapshot, days.getSnapshot);
}
