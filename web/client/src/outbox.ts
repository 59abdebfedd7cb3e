import { randomKey, webLocks } from "./browser.js";
import type { PendingMessage } from "./thread-reducer.js";
import type { ChatStorage } from "./types.js";

/** For how long what was written is kept, and may still be sent: a day, in milliseconds. */
export const LIFETIME_MS = 86_400_000;

/** What is not sent yet, as it is kept: with where it was written, and the tab that looks after it. */
export interface OutboxEntry extends PendingMessage {
  readonly clientId?: string | undefined;
  readonly tab: string;
}

/** Keeps what was written and is not sent over a reload. A storage that fails, or is full, costs no more than that. */
export interface Outbox {
  /** What tells it from others in the same browser. */
  readonly name: string;
  /** Makes these all that this tab keeps for one conversation. */
  save: (clientId: string | undefined, pending: readonly PendingMessage[]) => void;
  /**
   * Gives those entries that a tab has left behind, now or when it goes. Web Locks tell which tabs are gone; without them
   * all others count as gone: what is sent twice is stored once.
   */
  claimOrphans: (isWanted: (entry: OutboxEntry) => boolean, claim: (entry: OutboxEntry) => void) => void;
  /** Whether something is kept, by this tab or another one. */
  has: (id: string) => boolean;
  /** Forgets what somebody wrote, and what nobody knows the author of. */
  forget: (by: string | null) => void;
  /** Leaves everything to the next tab, and touches nothing any more. */
  close: () => void;
}

export function createOutbox(getStorage: () => ChatStorage | null | undefined, name: string): Outbox {
  let tab = ""; // not before it is needed: whatever is rendered on a server may have nothing random in it
  let release: (() => void) | undefined;
  let isClosed = false;

  const read = () => readEntries(getStorage, name);

  function write(entries: readonly OutboxEntry[]) {
    if (isClosed) return;
    try {
      if (entries.length > 0) getStorage()?.setItem(name, JSON.stringify(entries));
      else getStorage()?.removeItem(name);
    } catch {
      // Full, or forbidden: what was written is in memory all the same.
    }
    hold(entries.some((entry) => entry.tab === tab));
  }

  /** A lock of the tab's name says that it looks after something. A page without one can be kept by the browser for "back". */
  function hold(isBusy: boolean) {
    if (isBusy && !release) {
      const released = new Promise<void>((resolve) => (release = resolve));
      webLocks()
        ?.request(tab, () => released)
        .catch(() => {}); // without the lock others take this tab for gone
    } else if (!isBusy) {
      release?.();
      release = undefined;
    }
  }

  return {
    name,
    save(clientId, pending) {
      tab ||= randomKey();
      const others = read().filter((entry) => entry.tab !== tab || entry.clientId !== clientId);
      write([...others, ...pending.map((message) => ({ ...message, error: undefined, tab, clientId }))]);
    },
    claimOrphans(isWanted, claim) {
      for (const orphan of read().filter((entry) => entry.tab !== tab && isWanted(entry))) {
        onTabGone(orphan.tab, () => {
          const entries = read();
          const found = entries.find((entry) => isSameEntry(entry, orphan) && isWanted(entry));
          if (isClosed || !found) return; // another tab was faster, or it is known by now whose it is
          write(entries.filter((entry) => entry !== found));
          claim(found);
        });
      }
    },
    has: (id) => read().some((entry) => entry.id === id),
    forget: (by) => write(read().filter((entry) => entry.by !== by && entry.by !== null)),
    close() {
      isClosed = true;
      hold(false);
    },
  };
}

/** What is no older than a day, whatever else the storage holds. */
function readEntries(getStorage: () => ChatStorage | null | undefined, name: string): OutboxEntry[] {
  try {
    const entries: unknown = JSON.parse(getStorage()?.getItem(name) ?? "[]");
    const isYoung = (entry: OutboxEntry | null) => entry !== null && entry.at > Date.now() - LIFETIME_MS;
    return Array.isArray(entries) ? (entries as OutboxEntry[]).filter(isYoung) : [];
  } catch {
    return [];
  }
}

function isSameEntry(a: OutboxEntry, b: OutboxEntry): boolean {
  return a.id === b.id && a.tab === b.tab && a.clientId === b.clientId;
}

/** Runs when a tab is gone: at once if that cannot be told. */
function onTabGone(tab: string, run: () => void): void {
  const waiting = webLocks()?.request(tab, run);
  if (waiting) waiting.catch(run);
  else run();
}
