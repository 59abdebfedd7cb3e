import { type ChatError, isRetryable } from "./error.js";
import { backoff } from "./retry.js";
import type { Connection } from "./types.js";

/** How soon after a fetch the next one comes while polling, in milliseconds; longer each time that it finds nothing. */
const POLL_MS = 2_000;
/** After how long a silence is not believed any more. */
const STALE_AFTER_MS = 900_000;

/** What decides how a store hears of changes. */
export interface ConnectionFacts {
  /** Whether it will hear of nothing: the Chat has ended, the server refuses, or what answers is not devinbox. */
  hasFailed: boolean;
  /** Whether the browser has a network. */
  isOnline: boolean;
  /** Whether the last request got through. */
  isReachable: boolean;
  /** Whether the channel brings events. */
  isSubscribed: boolean;
  /** Whether realtime is off, was refused, or has not come in time. */
  isUnavailable: boolean;
}

/** How a store hears of changes. */
export function connectionState(facts: ConnectionFacts): Connection {
  if (facts.hasFailed) return "error";
  if (!facts.isOnline || !facts.isReachable) return "offline";
  if (facts.isSubscribed) return "live";
  return facts.isUnavailable ? "polling" : "connecting";
}

/** Whether a failure is one that nothing mends before somebody does something. */
export function isLasting(failure: ChatError | undefined): boolean {
  return failure !== undefined && (failure.code === "misconfigured" || !isRetryable(failure));
}

/** In how many milliseconds to fetch if nothing else leads to it; undefined for not at all. */
export function nextFetchMs(
  connection: Connection,
  failure: ChatError | undefined,
  emptyPolls: number,
): number | undefined {
  if (failure) return isRetryable(failure) ? backoff(emptyPolls, POLL_MS, failure) : undefined;
  if (connection === "connecting" || connection === "error") return undefined;
  return connection === "live" ? STALE_AFTER_MS : backoff(emptyPolls, POLL_MS);
}
