import { ChatError } from "./error.js";
import type { Conversation } from "./types.js";

/** How long a request may take, in milliseconds. A function of the server has 10 s. */
const TIMEOUT = 20_000;

/** Sends one request as the caller and gives the answer's JSON. Rejects with a {@link ChatError}. `once`: a 401 is not tried with a new token. */
export type Http = <T>(method: string, path: string, body?: object, once?: boolean) => Promise<T>;

/**
 * Makes an {@link Http}. After each request `heard` is told whether anything answered, and of what conversation the answer
 * to a change tells: the connection that asked for it hears no event.
 */
export function createHttp(
  baseUrl: string,
  getToken: (() => Promise<string>) | undefined,
  heard: (reachable: boolean, changed?: Conversation) => void,
): Http {
  return async function request(method, path, body, once = !getToken) {
    const token = await getToken?.().catch(() => {
      throw new ChatError("token");
    });
    let response: Response;
    let answer: any;
    try {
      response = await fetch(baseUrl + path, {
        method,
        headers: {
          ...(getToken && { Authorization: `Bearer ${token}` }),
          ...(body && { "Content-Type": "application/json" }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT),
      });
      answer =
        response.status !== 204 &&
        (await response.json().catch((cause) => {
          // A page in place of a good answer is a hotel's sign-in or a proxy's, and a network that does not carry us.
          if (response.ok) throw cause;
        }));
    } catch {
      heard(false);
      throw new ChatError("network");
    }
    const { ok, status, headers } = response;
    heard(true, ok && method !== "GET" && answer.conversation);
    if (ok) return answer;
    if (status === 401 && !once) return request(method, path, body, true);
    const { code = "http", detail, errors, requestId } = answer ?? {};
    throw new ChatError(code, status, detail, errors, Number(headers.get("Retry-After")) || null, requestId);
  };
}

/** A path with those parameters that say something. */
export function withQuery(path: string, parameters: object): string {
  return `${path}?${new URLSearchParams(Object.entries(parameters).filter(([, value]) => value))}`;
}
