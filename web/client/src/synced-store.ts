import type { ChannelName } from "./realtime.js";
import { isOnline } from "./browser.js";
import { connectionState, isLasting } from "./connection.js";
import type { Core, EventMetadata, Topic } from "./core.js";
import { type StoreScheduler, createScheduler } from "./scheduler.js";
import { type StoreHandle, type StoreStatus, createStore } from "./store.js";
import { type SyncSource, createSync } from "./sync.js";

/** How long realtime may take before we poll, in milliseconds. */
const UNAVAILABLE_AFTER_MS = 10_000;

/** What is shown by a store, and kept in sync. */
export interface StoreSource extends SyncSource {
  /** An event came, or the answer to a change. Either may be of another conversation. */
  handleEvent: (topic: Topic, data: unknown, metadata?: EventMetadata) => void;
  onOpen?: () => void;
  /** Somebody has begun to listen, or the last one has left. */
  onViewed?: (isViewed: boolean) => void;
  /** Something that the stores share has changed. */
  onUpdate?: () => void;
}

/** A store that is kept in sync while it is open, by events and by fetching, and says how it fares. */
export interface SyncedStore<S> extends StoreHandle<S> {
  /** Listens on a channel, in place of another one. */
  follow: (channelName: ChannelName) => void;
  channelName: () => ChannelName;
  /** Fetches what changed. Never rejects: the status tells. */
  refetch: () => Promise<void>;
  readonly scheduler: StoreScheduler;
}

export function createSyncedStore<S extends StoreStatus>(core: Core, initial: S, source: StoreSource): SyncedStore<S> {
  const { realtime } = core;
  const scheduler = createScheduler();
  const store = createStore(core, initial, scheduler, {
    channelName: () => channelName,
    update,
    handleEvent,
    onViewed: source.onViewed,
    onOpen() {
      isUnavailable = false;
      source.onOpen?.();
      void refetch();
    },
    onWake() {
      core.distrust();
      void refetch();
    },
    onClose: () => (channelName = undefined),
  });
  const sync = createSync(store as unknown as StoreHandle<StoreStatus>, scheduler, source, update);
  let channelName: ChannelName;
  let isUnavailable = false; // until the channel brings events again, whatever is tried meanwhile

  function follow(next: ChannelName) {
    if (next === channelName) return;
    channelName = next;
    realtime.update();
  }

  /** Finds out anew how the store hears of changes. */
  function update(hasGivenUp = false) {
    if (core.signal.aborted) store.close();
    if (!store.isOpen()) return;
    source.onUpdate?.();
    const isSubscribed = realtime.isSubscribed(channelName);
    isUnavailable = !isSubscribed && (hasGivenUp || isUnavailable || realtime.isUnavailable());
    if (isSubscribed || isUnavailable) scheduler.stop("unavailable");
    else scheduler.start("unavailable", UNAVAILABLE_AFTER_MS, () => update(true));
    const hasFailed = isLasting(sync.failure());
    const network = { isOnline: isOnline(), isReachable: core.isReachable() };
    sync.setConnection(connectionState({ hasFailed, ...network, isSubscribed, isUnavailable }));
  }

  function refetch() {
    update();
    return sync.refetch();
  }

  function handleEvent(topic: Topic, data: unknown, on?: string, metadata?: EventMetadata) {
    if (on !== undefined && on !== channelName) return;
    if (topic === "refused") update(true);
    else if (topic === "subscribed") void refetch();
    else {
      source.handleEvent(topic, data, metadata);
      sync.eventReceived();
    }
  }

  return { ...store, follow, channelName: () => channelName, refetch, scheduler };
}
