import { ChatError } from "./error.js";
import type { ChatOptions } from "./types.js";

/** How long before its `exp` a token is asked for anew. */
const EXPIRY_MARGIN_MS = 30_000;
/** For how long a token that was refused is not sent again. The server may have been at fault, so not forever. */
const REFUSED_FOR_MS = 60_000;

/** Runs an attempt with a token: with the one that is kept, and once more with a fresh one if the server answers 401. */
export type WithToken = <T>(attempt: (token: string | undefined) => Promise<T>) => Promise<T>;

/**
 * Makes a {@link WithToken}. A token is kept until it is about to expire; one whose `exp` cannot be read is not kept. However
 * many ask at once, `getToken` is called once.
 */
export function createTokenKeeper(getToken: NonNullable<ChatOptions["getToken"]>): WithToken {
  let kept = { token: "", until: 0, refusedAt: 0 };
  let asking: Promise<string> | undefined;

  async function ask(): Promise<string> {
    let token: string | undefined;
    try {
      token = await getToken({ refused: kept.refusedAt > 0 });
    } catch (cause) {
      throw new ChatError("token", { cause });
    }
    if (!token) throw new ChatError("token"); // without one the request would go out with the browser's cookie
    if (token !== kept.token) kept = { token, until: expiryOf(token) - EXPIRY_MARGIN_MS, refusedAt: 0 };
    else if (Date.now() - kept.refusedAt < REFUSED_FOR_MS) throw new ChatError("unauthorized", { status: 401 });
    return token;
  }

  function mark(token: string, refusedAt: number) {
    if (kept.token === token) kept.refusedAt = refusedAt; // else there is a newer one already
  }

  return async (attempt) => {
    for (let isFresh = false; ; isFresh = true) {
      const isGood = kept.refusedAt === 0 && Date.now() < kept.until;
      const token = isGood ? kept.token : await (asking ??= ask().finally(() => (asking = undefined)));
      try {
        const result = await attempt(token);
        mark(token, 0);
        return result;
      } catch (error) {
        if (!(error instanceof ChatError) || error.status !== 401) throw error;
        mark(token, Date.now());
        if (isFresh) throw error;
      }
    }
  };
}

/** When a token expires, in milliseconds since 1970; 0 if it does not say. */
function expiryOf(token: string): number {
  try {
    const payload = token.replaceAll("-", "+").replaceAll("_", "/").split(".")[1] ?? "";
    return Number((JSON.parse(atob(payload)) as { exp?: unknown }).exp) * 1000 || 0;
  } catch {
    return 0;
  }
}
