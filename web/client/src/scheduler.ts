/** What a store waits for. Of each there is one timer at most. */
export type TimerName =
  | "close" // nobody listens any more
  | "unavailable" // realtime has not come
  | "poll" // the next fetch, if nothing else brings it
  | "gap" // a late event may still close it
  | "typing" // the other side has stopped
  | "answering"; // another developer has

/** Owns all timers of one store, so that none outlives it. */
export interface StoreScheduler {
  /** Starts a timer, if there is none of that name. */
  start: (name: TimerName, milliseconds: number, run: () => void) => void;
  stop: (name: TimerName) => void;
  stopAll: () => void;
}

export function createScheduler(): StoreScheduler {
  const timers = new Map<TimerName, ReturnType<typeof setTimeout>>();

  function stop(name: TimerName) {
    clearTimeout(timers.get(name));
    timers.delete(name);
  }

  return {
    start(name, milliseconds, run) {
      if (timers.has(name)) return;
      const fire = () => {
        timers.delete(name);
        run();
      };
      timers.set(name, setTimeout(fire, milliseconds));
    },
    stop,
    stopAll: () => [...timers.keys()].forEach(stop),
  };
}
