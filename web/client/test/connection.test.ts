import { describe, expect, test } from "vitest";
import { type ConnectionFacts, connectionState, nextFetchMs } from "../src/connection.js";
import { ChatError } from "../src/error.js";
import type { Connection } from "../src/index.js";

const YES = true;
const no = false;

describe("the connection of a store", () => {
  test.each<
    [failed: boolean, online: boolean, reachable: boolean, subscribed: boolean, unavailable: boolean, Connection]
  >([
    // has failed | browser is online | requests get through | channel brings events | realtime has not come
    [no, YES, YES, no, no, "connecting"],
    [no, YES, YES, no, YES, "polling"],
    [no, YES, YES, YES, no, "live"],
    [no, YES, YES, YES, YES, "live"],
    [no, YES, no, no, no, "offline"],
    [no, YES, no, no, YES, "offline"],
    [no, YES, no, YES, no, "offline"],
    [no, YES, no, YES, YES, "offline"],
    [no, no, YES, no, no, "offline"],
    [no, no, YES, no, YES, "offline"],
    [no, no, YES, YES, no, "offline"],
    [no, no, YES, YES, YES, "offline"],
    [no, no, no, no, no, "offline"],
    [no, no, no, no, YES, "offline"],
    [no, no, no, YES, no, "offline"],
    [no, no, no, YES, YES, "offline"],
    [YES, YES, YES, no, no, "error"],
    [YES, YES, YES, YES, no, "error"],
    [YES, no, no, no, YES, "error"],
  ])("failed %s, online %s, reachable %s, subscribed %s, unavailable %s: %s", (...row) => {
    const [hasFailed, isOnline, isReachable, isSubscribed, isUnavailable, connection] = row;
    const facts: ConnectionFacts = { hasFailed, isOnline, isReachable, isSubscribed, isUnavailable };
    expect(connectionState(facts)).toBe(connection);
  });

  const unavailable = new ChatError("unavailable", { status: 503 });
  const forbidden = new ChatError("forbidden", { status: 403 });

  test.each<[Connection, ChatError | undefined, emptyPolls: number, earliest: number | undefined, latest?: number]>([
    // The connection, why the last fetch failed, how many polls found nothing, and in how many milliseconds the next one comes.
    ["connecting", undefined, 0, undefined],
    ["live", undefined, 0, 900_000, 900_000],
    ["polling", undefined, 0, 1_500, 2_000],
    ["polling", undefined, 2, 6_000, 8_000],
    ["polling", undefined, 9, 15_000, 20_000],
    ["offline", undefined, 0, 1_500, 2_000],
    ["error", undefined, 0, undefined],
    ["connecting", unavailable, 0, 1_500, 2_000],
    ["live", unavailable, 1, 3_000, 4_000],
    ["error", unavailable, 0, 1_500, 2_000],
    ["live", forbidden, 0, undefined],
    ["error", forbidden, 0, undefined],
  ])(
    "%s, after %s and %i empty polls, fetches again in %s to %s ms",
    (connection, failure, emptyPolls, earliest, latest) => {
      const delay = nextFetchMs(connection, failure, emptyPolls);
      expect(delay === undefined).toBe(earliest === undefined);
      expect(delay ?? 0).toBeGreaterThanOrEqual(earliest ?? 0);
      expect(delay ?? 0).toBeLessThanOrEqual(latest ?? 0);
    },
  );
});
