import type { Core } from "./core.js";
import type { ChatError } from "./error.js";
import type { Http } from "./http.js";
import { retry } from "./retry.js";
import type { WithToken } from "./token.js";
import type { Session } from "./types.js";

/** For how long a cookie is taken to be the same person's, in milliseconds. Nobody signs in in another tab and is back sooner. */
const COOKIE_TRUSTED_MS = 1_000;

export interface GatewayOptions {
  http: Http;
  withToken: WithToken;
  signal: AbortSignal;
  /** Who is signed in, each time that it was asked. If that is somebody else by now, it aborts the signal. */
  onSession: (session: Session) => void;
}

export interface Gateway extends Pick<Core, "request" | "verify" | "distrust"> {
  /** Waits for the session, and rejects if the server refuses it. `isFresh`: it may be another by now. */
  loadSession: (isFresh?: boolean) => Promise<Session>;
}

/** The one way out of a Chat. It knows who is signed in, and lets nothing out, and no answer in, once the Chat has ended. */
export function createGateway({ http, withToken, signal, onSession }: GatewayOptions): Gateway {
  let latest: { token: string | undefined; askedAt: number; session: Promise<Session> } | undefined;

  async function ask(token: string | undefined): Promise<Session> {
    const session = await http("GET /api/session", undefined, token);
    signal.throwIfAborted();
    onSession(session);
    return session;
  }

  /** Whose a token is never changes. A cookie may be somebody else's by now, signed in in another tab. */
  function check(
    token: string | undefined,
    maxAge = token === undefined ? COOKIE_TRUSTED_MS : Infinity,
  ): Promise<Session> {
    if (latest && latest.token === token && Date.now() - latest.askedAt < maxAge) return latest.session;
    const asked = { token, askedAt: Infinity, session: ask(token) }; // as fresh as can be until it is answered
    const now = Date.now();
    asked.session.then(
      () => (asked.askedAt = now),
      () => (asked.askedAt = -Infinity),
    );
    latest = asked;
    return asked.session;
  }

  async function guard<T>(attempt: (token: string | undefined) => Promise<T>): Promise<T> {
    const throwIfEnded = () => signal.throwIfAborted();
    throwIfEnded();
    const attemptOnce = (token: string | undefined) => {
      throwIfEnded();
      return attempt(token).finally(throwIfEnded);
    };
    return withToken(attemptOnce);
  }

  const verify = (maxAge?: number) => guard((token) => check(token, maxAge));
  const isRefusal = ({ status }: ChatError) => status === 401;

  return {
    distrust: () => {
      if (latest?.token === undefined) latest = undefined;
    },
    verify,
    loadSession: (isFresh) =>
      retry(
        () => verify(isFresh ? 0 : undefined),
        signal,
        (error) => !isRefusal(error),
      ),
    request: (route, data, isChange = !route.startsWith("GET")) =>
      guard(async (token) => {
        if (isChange) await check(token);
        signal.throwIfAborted();
        return http(route, data, token);
      }),
  };
}
