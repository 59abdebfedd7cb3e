import { isActive, onPageChange } from "./browser.js";
import { type ChatError, isForeignRefusal, isRetryable, toChatError } from "./error.js";

const FIRST_RETRY_MS = 1_000;
const MAX_BACKOFF_MS = 20_000;
/** The longest Retry-After that is obeyed. */
const MAX_RETRY_AFTER_MS = 600_000;
/** How often to try what something in between refuses, such as a firewall: for about a minute. */
export const FOREIGN_TRIES = 8;

/**
 * How long to wait before the nth retry, in milliseconds: `first`, doubled each time up to 20 s, less up to a quarter so
 * that not all browsers come at once; and never less than what the server asked for.
 */
export function backoff(n: number, first: number, error?: ChatError | null): number {
  const asked = Math.min((error?.retryAfter ?? 0) * 1000, MAX_RETRY_AFTER_MS);
  return Math.max(asked, Math.min(MAX_BACKOFF_MS, first * 2 ** n) * (1 - Math.random() / 4));
}

/**
 * Waits for so many milliseconds, or until the signal is aborted. Unless it is `exact`, also until the network or the
 * page's visibility is back.
 */
export function sleep(milliseconds: number, signal: AbortSignal, exact = false): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      stopListening();
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    const stopListening = onPageChange(() => {
      if (!exact && isActive()) wake();
    });
    signal.addEventListener("abort", wake);
    if (signal.aborted) wake();
  });
}

/**
 * Tries until it succeeds, fails for good, was refused `foreignTries` times by what is not devinbox, or should not go on: that
 * is asked after each failure, and again after the wait. Rejects with a {@link ChatError}.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  shouldContinue: (error: ChatError) => boolean = () => true,
  foreignTries = Infinity,
): Promise<T> {
  for (let n = 0; ; n++) {
    try {
      return await attempt();
    } catch (cause) {
      const error = toChatError(cause);
      const isRefused = isForeignRefusal(error) && --foreignTries === 0;
      if (isRefused || !isRetryable(error) || !shouldContinue(error)) throw error;
      await sleep(backoff(n, FIRST_RETRY_MS, error), signal, error.retryAfter !== null);
      signal.throwIfAborted();
      if (!shouldContinue(error)) throw error;
    }
  }
}
