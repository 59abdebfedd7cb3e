import { type ChatError, toChatError } from "./error.js";
import type { StoreScheduler } from "./scheduler.js";
import type { Connection, SessionIdentity, Store } from "./types.js";

/** How long a store stays open without a listener: React leaves and comes back at once, a router after a moment. */
const CLOSE_DELAY_MS = 2_000;

/** The part of a state that says how its store fares. */
export interface StoreStatus {
  status: "loading" | "ready" | "error";
  error: ChatError | null;
  connection: Connection;
  me: SessionIdentity | null;
}

export const initialStatus: StoreStatus = { status: "loading", error: null, connection: "connecting", me: null };

/** A store with the ways to change it. */
export interface StoreHandle<S> {
  /** What the caller gets of it. */
  readonly store: Store<S> & { close: () => void };
  /**
   * Changes parts of the state, and tells the listeners if that makes a difference: the same items in another list make none.
   * Once the Chat has ended, the state says so and nothing else.
   */
  set: (change: Partial<S>) => void;
  /** Loads more, once at a time: `flag` says meanwhile that it does. It never rejects; `error` tells. */
  loadMore: (flag: keyof S, load: () => Promise<void>) => Promise<void>;
}

/** What follows from there being listeners. */
export interface ListenerEvents {
  open: () => void;
  close: () => void;
  /** Somebody has begun to listen, or the last one has left. */
  onListened?: ((isListened: boolean) => void) | undefined;
}

/** Makes a state with its listeners. It is opened for the first one, and closed a little after the last one has left. */
export function createStore<S extends StoreStatus>(
  initial: S,
  signal: AbortSignal,
  scheduler: StoreScheduler,
  { open, close, onListened }: ListenerEvents,
): StoreHandle<S> {
  const listeners = new Set<() => void>();
  let state = initial;

  function set(change: Partial<S>) {
    const before = state;
    state = applyChange(state, signal.aborted ? ended(initial, signal) : change);
    if (state !== before) for (const listener of [...listeners]) call(listener);
  }

  return {
    store: {
      getSnapshot() {
        if (signal.aborted) set({}); // nobody has told a store that was not open
        return state;
      },
      subscribe(listener) {
        const own = () => listener(); // the same function may listen twice
        listeners.add(own);
        scheduler.stop("close");
        onListened?.(true);
        open();
        return () => {
          if (!listeners.delete(own) || listeners.size > 0) return;
          onListened?.(false);
          scheduler.start("close", CLOSE_DELAY_MS, close);
        };
      },
      close,
    },
    set,
    async loadMore(flag, load) {
      if (state[flag]) return;
      set({ [flag]: true } as Partial<S>);
      const error = await load().then(() => null, toChatError);
      set({ [flag]: false, error } as Partial<S>);
    },
  };
}

/** Calls a listener. What it throws is told as an error that nobody has caught, and stops nothing here. */
function call(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function applyChange<S extends object>(state: S, change: Partial<S>): S {
  const changed = Object.entries(change).filter(([key, value]) => !isSame(state[key as keyof S], value));
  return changed.length > 0 ? { ...state, ...Object.fromEntries(changed) } : state;
}

/** The state of a store whose Chat has ended. */
function ended<S extends StoreStatus>(initial: S, { reason }: AbortSignal): S {
  return { ...initial, status: "error", connection: "error", error: toChatError(reason) };
}

/** Whether two values are the same, or hold the same. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b || typeof a !== "object" || typeof b !== "object" || !a || !b) return a === b;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => isSame(item, b[i]));
  // The `cause` of an error is anything, even something that holds itself.
  const keys = Object.keys({ ...a, ...b }).filter((key) => key !== "cause");
  return keys.every((key) => isSame(a[key as keyof typeof a], b[key as keyof typeof b]));
}
