import type { EventMetadata } from "./core.js";
import type { StoreScheduler } from "./scheduler.js";
import type { Role } from "./types.js";

/** How often to tell that the caller is typing, in milliseconds. */
const SEND_EVERY_MS = 3_000;
/** How long to show that somebody is, in milliseconds. */
export const SHOWN_FOR_MS = 4_000;

/** Makes a function that tells that the caller is typing, but not at every key. */
export function createTypingSender(tell: () => void): () => void {
  let sentAt = 0;
  return () => {
    if (Date.now() - sentAt < SEND_EVERY_MS) return;
    sentAt = Date.now();
    tell();
  };
}

/**
 * Whether a client event says that the other side than `own` is typing. Nobody vouches for what it says, so no name is ever
 * taken from one. On a presence channel Pusher says who it is: `c:` and `d:` are the sides.
 */
export function isOtherTyping(
  own: Role | undefined,
  data: unknown,
  { user_id: userId = "" }: EventMetadata = {},
): boolean {
  const other = own === "client" ? "developer" : "client";
  const { side } = (data ?? {}) as { side?: unknown };
  return own !== undefined && side === other && (!userId || userId.startsWith(other.charAt(0)));
}

/** Shows for a while that the other side is typing. */
export function showTyping(scheduler: StoreScheduler, show: (isTyping: boolean) => void): void {
  scheduler.stop("typing");
  show(true);
  scheduler.start("typing", SHOWN_FOR_MS, () => show(false));
}
