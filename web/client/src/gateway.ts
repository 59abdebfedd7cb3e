import type { Core } from "./core.js";
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
  /** Who is signed in, each time that it was asked. It throws if that is somebody else by now. */
  onSession: (session: Session) => void;
}

export interface Gateway extends Pick<Core, "request" | "verify" | "distrust"> {
  /** Waits for the session, and rejects if the server refuses it. `isFresh`: it may be another by now. */
  loadSession: (isFresh?: boolean) => Promise<Session>;
}

/** The one way out of a Chat. It knows who is signed in, and lets nothing out, and no answer in, once the Chat has ended. */
export function createGateway({ http, withToken, signal, onSession }: GatewayOptions): Gateway {
  let latest: { token: string | undefined; askedAt: number; session: Promise<Session> } | undefined;
  const throwIfEnded = () => signal.throwIfAborted();

  const ask: Http = (route, data, token) => {
    throwIfEnded();
    return http(route, data, token).finally(throwIfEnded);
  };

  /** Whose a token is never changes. A cookie may be somebody else's by now, signed in in another tab. */
  function check(
    token: string | undefined,
    maxAge = token === undefined ? COOKIE_TRUSTED_MS : Infinity,
  ): Promise<Session> {
    const now = Date.now();
    if (latest && latest.token === token && now - latest.askedAt < maxAge) return latest.session;
    const session = ask("GET /api/session", undefined, token).then((answer) => {
      onSession(answer);
      return answer;
    });
    // As fresh as can be until it is answered: whoever asks meanwhile, also with a `maxAge` of 0, gets this answer, although
    // it was asked for a moment earlier. One that fails is as old as can be, so that it is never used again.
    const asked = { token, askedAt: Infinity, session };
    session.then(
      () => (asked.askedAt = now),
      () => (asked.askedAt = -Infinity),
    );
    latest = asked;
    return session;
  }

  async function verify(maxAge?: number): Promise<Session> {
    throwIfEnded();
    return withToken((token) => check(token, maxAge));
  }

  return {
    verify,
    distrust() {
      if (latest?.token === undefined) latest = undefined;
    },
    loadSession: (isFresh) =>
      retry(
        () => verify(isFresh ? 0 : undefined),
        signal,
        ({ status }) => status !== 401,
      ),
    async request(route, data, isChange = !route.startsWith("GET")) {
      throwIfEnded();
      return withToken(async (token) => {
        if (isChange) await check(token);
        return ask(route, data, token);
      });
    },
  };
}
