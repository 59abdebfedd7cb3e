import { randomKey } from "./page.js";
import { type Waiting, nameOf } from "./thread.js";
import type { ChatStorage, SessionIdentity } from "./types.js";

/** For how long what was written may still be sent: a day, in milliseconds. */
export const LIFETIME = 86_400_000;

/** What waits, with who wrote it, in which tab, and to whom. */
export interface Kept extends Waiting {
  readonly by: string;
  readonly tab: string;
  readonly clientId?: string;
}

/** Keeps what waits to be sent over a reload. A storage that fails, or is full, costs no more than that. */
export interface Outbox {
  /** Makes these all that waits here, of this tab and author, for one conversation. */
  keep(me: SessionIdentity, clientId: string | undefined, waiting: readonly Waiting[]): void;
  /**
   * Gives what somebody has left waiting in tabs that are gone, now or when they go. Which are gone Web Locks tell; where
   * there are none, all count as gone: what is sent twice is stored once.
   */
  adopt(me: SessionIdentity, take: (kept: Kept) => void): void;
  /** Forgets what somebody wrote, or everything. */
  clear(me: SessionIdentity | null): void;
  /** Touches nothing any more. */
  close(): void;
}

export function createOutbox(storage: () => ChatStorage | null | undefined, name: string): Outbox {
  let tab = ""; // not before it is needed: whatever is rendered on a server may have nothing random in it
  const lock = (of: string, held: () => unknown) => globalThis.navigator?.locks?.request(of, held).catch(() => {});
  let dead: (() => void) | undefined;
  let closed = false;

  function read(): Kept[] {
    try {
      const kept: Kept[] = JSON.parse(storage()!.getItem(name)!);
      return kept.filter((k) => k.at > Date.now() - LIFETIME);
    } catch {
      return [];
    }
  }

  function write(kept: Kept[]) {
    try {
      if (kept.length) storage()?.setItem(name, JSON.stringify(kept));
      else storage()?.removeItem(name);
    } catch {
      // Full, or forbidden: what waits is in memory all the same.
    }
    // The lock of this tab's name says that it looks after its own. A page without one can be kept by the browser for "back".
    if (!kept.some((k) => k.tab === tab)) {
      dead?.();
      dead = undefined;
    } else if (!dead) {
      const life = new Promise<void>((resolve) => (dead = resolve));
      lock(tab, () => life);
    }
  }

  return {
    keep(me, clientId, waiting) {
      if (closed) return;
      tab ||= randomKey();
      const others = read().filter((k) => k.tab !== tab || k.clientId !== clientId);
      write([...others, ...waiting.map((w) => ({ ...w, error: undefined, by: nameOf(me), tab, clientId }))]);
    },
    adopt(me, take) {
      for (const { id, by, tab: other } of read()) {
        if (by !== nameOf(me) || other === tab) continue;
        const inherit = () => {
          const left = read();
          const at = left.findIndex((k) => k.id === id && k.tab === other);
          if (closed || at < 0) return; // another tab was faster
          const [found] = left.splice(at, 1);
          write(left);
          take(found!);
        };
        lock(other, inherit) ?? inherit();
      }
    },
    clear(me) {
      write(me ? read().filter((k) => k.by !== nameOf(me)) : []);
    },
    close() {
      closed = true;
      dead?.();
    },
  };
}
