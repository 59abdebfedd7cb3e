import { isOnline, isVisible } from "./browser.js";
import { type ConnectionFacts, connectionState, isLasting, nextFetchMs } from "./connection.js";
import { type ChatError, isRetryable, toChatError } from "./error.js";
import type { StoreScheduler } from "./scheduler.js";
import type { StoreHandle, StoreStatus } from "./store.js";
import type { Gap } from "./thread-reducer.js";

/** How long to wait for a late event before fetching what it would bring, in milliseconds. */
export const GAP_GRACE_MS = 1_000;

/** What is fetched. */
export interface SyncSource {
  isOpen: () => boolean;
  /** Finds out anew how the store hears of changes: before and after each fetch. */
  update: () => void;
  isLoaded: () => boolean;
  /** Fetches all that changed, and tells whether anything did. */
  fetchChanges: () => Promise<boolean>;
  findGap: () => Gap;
}

/** Fetches what changed: on demand, to close gaps, and as often as the connection makes necessary. */
export interface Sync {
  /** Fetches at once, and once more if that is being done already. Resolves when nothing is left to fetch. */
  refetch: () => Promise<void>;
  /** An event came: the silence is over, and there may be a gap now. */
  eventReceived: () => void;
  /** Says in the status how the store hears of changes by now, and fetches as often as that makes necessary. */
  updateConnection: (facts: Omit<ConnectionFacts, "hasFailed" | "isOnline">) => void;
}

/** Makes a {@link Sync}, which says in the store's status how it fares. */
export function createSync(
  { store, set }: StoreHandle<StoreStatus>,
  scheduler: StoreScheduler,
  source: SyncSource,
): Sync {
  let fetching: Promise<void> | undefined;
  let isQueued = false;
  let emptyPolls = 0;
  let failure: ChatError | undefined;
  const isAskedAgain = () => isQueued && source.isOpen();
  const fillGap = () => void (source.findGap() && refetch());

  async function fetchAll() {
    do {
      isQueued = false;
      try {
        emptyPolls = (await source.fetchChanges()) ? 0 : emptyPolls + 1;
        failure = undefined;
      } catch (cause) {
        emptyPolls = failure ? emptyPolls + 1 : 0;
        failure = toChatError(cause);
      }
      set(fetchedStatus(source.isLoaded(), failure));
      source.update();
    } while (isAskedAgain());
    fetching = undefined;
    schedulePoll();
  }

  function refetch(): Promise<void> {
    source.update();
    isQueued = fetching !== undefined;
    return (fetching ??= fetchAll());
  }

  /** Sets the one timer by which the next fetch comes, if nothing else brings it. */
  function schedulePoll() {
    scheduler.stop("poll");
    const { connection } = store.getSnapshot();
    const delay = fetching || !source.isOpen() ? undefined : nextFetchMs(connection, failure, emptyPolls);
    if (delay === undefined) return;
    scheduler.start("poll", delay, () => void ((connection === "live" || isVisible()) && refetch()));
  }

  return {
    refetch,
    eventReceived() {
      schedulePoll();
      const gap = source.findGap();
      if (gap) scheduler.start("gap", gap === "truncated" ? 0 : GAP_GRACE_MS, fillGap);
    },
    updateConnection(facts) {
      const connection = connectionState({ ...facts, hasFailed: isLasting(failure), isOnline: isOnline() });
      if (connection === store.getSnapshot().connection) return;
      set({ connection });
      if (!failure) emptyPolls = 0;
      schedulePoll();
    },
  };
}

function fetchedStatus(isLoaded: boolean, failure: ChatError | undefined): Partial<StoreStatus> {
  if (failure) return { status: isLoaded && isRetryable(failure) ? "ready" : "error", error: failure };
  return isLoaded ? { status: "ready", error: null } : {};
}
