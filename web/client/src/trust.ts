import { type OpenStore, updateAll } from "./core.js";

/** For how long Pusher is not relied on after the server could not tell it of a message, in milliseconds. */
const DISTRUSTED_MS = 600_000;

/**
 * Whether Pusher brings what the server tells it, as far as this page can know: if it takes none of our messages, as when a
 * quota is used up, it brings none of the others' either, although the connection is there.
 */
export interface Trust {
  isTrusted: () => boolean;
  /** The server could tell Pusher of a message, or could not; or Pusher has told of something. */
  announced: (isDelivered: boolean) => void;
}

export function createTrust(stores: ReadonlySet<OpenStore>): Trust {
  let distrustedUntil = 0;
  return {
    isTrusted: () => Date.now() >= distrustedUntil,
    announced(isDelivered) {
      const before = distrustedUntil;
      distrustedUntil = isDelivered ? 0 : Date.now() + DISTRUSTED_MS;
      if (before !== distrustedUntil) updateAll(stores);
    },
  };
}
