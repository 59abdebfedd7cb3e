import { type ChatError, isPassing } from "./error.js";
import { isAway, onPage } from "./page.js";

const LONGEST = 20_000;

/**
 * How long to wait before the nth further try, in milliseconds: `first`, doubled each time up to 20 s, less up to a quarter
 * so that not all browsers come at once; and never less than what the server asked for.
 */
export function backoff(n: number, first: number, error?: ChatError): number {
  return Math.max((error?.retryAfter ?? 0) * 1000, Math.min(LONGEST, first * 2 ** n) * (1 - Math.random() / 4));
}

/** Waits for so many milliseconds, or until the network or the spectator is back. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      deaf();
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    const deaf = onPage(() => isAway() || end());
  });
}

/** Tries until it succeeds, fails for good, or is not wanted after a failure. */
export async function insist<T>(attempt: () => Promise<T>, isWanted: (error: ChatError) => boolean): Promise<T> {
  for (let n = 0; ; n++) {
    try {
      return await attempt();
    } catch (cause) {
      const error = cause as ChatError;
      if (!isPassing(error)) throw error;
      if (isWanted(error)) await pause(backoff(n, 1000, error));
      if (!isWanted(error)) throw error;
    }
  }
}
