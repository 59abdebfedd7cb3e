import { isActive, onPageChange } from "./browser.js";
import type { Core, EventMetadata, OpenStore } from "./core.js";
import type { ChannelName } from "./realtime.js";
import { type StoreScheduler, createScheduler } from "./scheduler.js";
import { type StoreHandle, type StoreStatus, createStore } from "./store.js";
import { type SyncSource, createSync } from "./sync.js";
import type { Session } from "./types.js";

/** How long realtime may take before we poll, in milliseconds. */
const UNAVAILABLE_AFTER_MS = 10_000;

/** What is shown by a store, and kept in sync. */
export interface StoreSource extends Omit<SyncSource, "isOpen" | "update"> {
  /** The channel that tells of what is shown. */
  channelName: (channels: Session["realtime"]["channels"]) => ChannelName;
  /** An event came, or the answer to a change. Either may be of another conversation. */
  handleEvent: (event: string, data: unknown, metadata?: EventMetadata) => void;
  onOpen?: () => void;
  /** Somebody has begun to listen, or the last one has left. */
  onListened?: (isListened: boolean) => void;
  /** Something that the stores share has changed. */
  onUpdate: () => void;
}

/** A store that is kept in sync while it is open: from its first listener until a little after its last one. */
export interface SyncedStore<S> extends StoreHandle<S> {
  isOpen: () => boolean;
  channelName: () => ChannelName;
  /** Fetches what changed. Never rejects: the status tells. */
  refetch: () => Promise<void>;
  readonly scheduler: StoreScheduler;
}

/**
 * Makes a {@link SyncedStore}. Its `update` is called by whatever may have changed how the store hears of changes, and calls
 * that in turn: the realtime connection, which calls all stores, and each fetch. That ends because nothing acts twice on one
 * state: realtime connects and subscribes only if that has not begun, a timer is started once, and `updateConnection` does
 * nothing if the connection is the same. Only events, answers and timers go on from there, later.
 */
export function createSyncedStore<S extends StoreStatus>(core: Core, initial: S, source: StoreSource): SyncedStore<S> {
  const { signal, stores, realtime, trust } = core;
  const scheduler = createScheduler();
  const handle = createStore(initial, signal, scheduler, { open, close, onListened: source.onListened });
  const channelName = () => core.session && source.channelName(core.session.realtime.channels);
  const own: OpenStore = { channelName, update, handleEvent };
  const isOpen = () => stores.has(own);
  const sync = createSync(handle as unknown as StoreHandle<StoreStatus>, scheduler, { ...source, isOpen, update });
  const { refetch } = sync;
  let isUnavailable = false; // until the channel brings events again, whatever is tried meanwhile
  let stopListening: () => void;

  function open() {
    if (isOpen() || signal.aborted) return;
    isUnavailable = false;
    stopListening = onPageChange(() => {
      core.distrust();
      if (isActive()) void refetch();
      else update();
    });
    stores.add(own);
    source.onOpen?.();
    void refetch();
  }

  function close() {
    if (!isOpen()) return;
    stopListening();
    scheduler.stopAll();
    stores.delete(own);
    realtime.update();
    handle.set({ connection: "connecting" } as Partial<S>);
  }

  /** Finds out anew how the store hears of changes. */
  function update(hasGivenUp = false) {
    if (signal.aborted) close();
    if (!isOpen()) return;
    source.onUpdate();
    realtime.update();
    const isTrusted = trust.isTrusted();
    const isSubscribed = isTrusted && realtime.isSubscribed(channelName());
    isUnavailable = !isSubscribed && (hasGivenUp || isUnavailable || !isTrusted || realtime.isUnavailable());
    if (isSubscribed || isUnavailable) scheduler.stop("unavailable");
    else scheduler.start("unavailable", UNAVAILABLE_AFTER_MS, () => update(true));
    sync.updateConnection({ isReachable: core.isReachable, isSubscribed, isUnavailable });
  }

  function handleEvent(event: string, data: unknown, metadata?: EventMetadata) {
    if (event === "pusher:subscription_error") update(true);
    else if (event === "pusher:subscription_succeeded") void refetch();
    else source.handleEvent(event, data, metadata);
    realtime.update(); // it may be known by now where to listen
    sync.eventReceived();
  }

  return { ...handle, isOpen, channelName, refetch, scheduler };
}
