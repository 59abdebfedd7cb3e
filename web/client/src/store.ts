import { isActive, onPageChange } from "./browser.js";
import type { Core, OpenStore } from "./core.js";
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

/** What follows what happens to a store. */
export interface StoreEvents extends OpenStore {
  onOpen: () => void;
  onClose: () => void;
  /** The page is looked at again, or has its network back. */
  onWake: () => void;
  /** Somebody has begun to listen, or the last one has left. */
  onViewed?: ((isViewed: boolean) => void) | undefined;
}

/** A state with its listeners. It is open from its first listener until a little after its last one. */
export interface StoreHandle<S> extends Store<S> {
  close: () => void;
  isOpen: () => boolean;
  /**
   * Changes parts of the state, and tells the listeners if that makes a difference: the same items in another list make none.
   * Once the Chat has ended, the state says so and nothing else.
   */
  set: (change: Partial<S>) => void;
}

export function createStore<S extends StoreStatus>(
  { signal, stores, realtime }: Core,
  initial: S,
  scheduler: StoreScheduler,
  events: StoreEvents,
): StoreHandle<S> {
  const listeners = new Set<() => void>();
  let state = initial;
  let stopListening: (() => void) | undefined; // while it is open

  function set(change: Partial<S>) {
    const before = state;
    state = applyChange(state, signal.aborted ? ended(initial, signal) : change);
    if (state !== before) for (const listener of [...listeners]) listener();
  }

  function open() {
    if (stopListening || signal.aborted) return;
    stopListening = onPageChange(() => (isActive() ? events.onWake() : events.update()));
    stores.add(events);
    realtime.update();
    events.onOpen();
  }

  function close() {
    if (!stopListening) return;
    stopListening();
    stopListening = undefined;
    scheduler.stopAll();
    events.onClose();
    stores.delete(events);
    realtime.update();
    set({ connection: "connecting" } as Partial<S>);
  }

  return {
    getSnapshot() {
      if (signal.aborted) set({}); // nobody has told a store that was not open
      return state;
    },
    subscribe(listener) {
      const own = () => listener(); // the same function may listen twice
      listeners.add(own);
      scheduler.stop("close");
      events.onViewed?.(true);
      open();
      return () => {
        if (!listeners.delete(own) || listeners.size > 0) return;
        events.onViewed?.(false);
        scheduler.start("close", CLOSE_DELAY_MS, close);
      };
    },
    isOpen: () => stopListening !== undefined,
    set,
    close,
  };
}

function applyChange<S extends object>(state: S, change: Partial<S>): S {
  const changed = Object.entries(change).filter(([key, value]) => !isSame(state[key as keyof S], value));
  return changed.length > 0 ? { ...state, ...Object.fromEntries(changed) } : state;
}

/** The state of a store whose Chat has ended. */
function ended<S extends StoreStatus>(initial: S, { reason }: AbortSignal): S {
  return { ...initial, status: "error", connection: "error", error: toChatError(reason) };
}

/** Loads more, once at a time: `flag` says meanwhile that it does. */
export async function loadMore<S extends StoreStatus>(
  { getSnapshot, set }: StoreHandle<S>,
  flag: keyof S,
  load: () => Promise<void>,
): Promise<void> {
  if (getSnapshot()[flag]) return;
  set({ [flag]: true } as Partial<S>);
  const error = await load().then(() => null, toChatError);
  set({ [flag]: false, error } as Partial<S>);
}

/** Whether two values are the same, or hold the same. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b || typeof a !== "object" || typeof b !== "object" || !a || !b) return a === b;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => isSame(item, b[i]));
  return Object.keys({ ...a, ...b }).every((key) => isSame(a[key as keyof typeof a], b[key as keyof typeof b]));
}
