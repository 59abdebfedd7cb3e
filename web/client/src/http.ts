import { ChatError } from "./error.js";
import { warnOfSetup } from "./setup-hint.js";
import type {
  AttachmentLinks,
  BegunAttachment,
  Changed,
  InboxPage,
  MessagePage,
  Problem,
  PusherAuth,
  Read,
  Sent,
  Session,
  Updated,
} from "./types.js";

/** How long a request may take, in milliseconds. A function of the server has 10 s. */
const TIMEOUT_MS = 20_000;

/** Every request of this package, with what a good answer to it is. */
export interface Answers {
  "GET /api/session": Session;
  "DELETE /api/session": null;
  "GET /api/messages/list": MessagePage;
  "POST /api/messages/send": Sent;
  "POST /api/messages/read": Read;
  "PATCH /api/messages/edit": Changed;
  "DELETE /api/messages/edit": Changed;
  "GET /api/conversations/list": InboxPage;
  "POST /api/conversations/update": Updated;
  "POST /api/attachments": BegunAttachment;
  "GET /api/attachments": AttachmentLinks;
  "POST /api/pusher/auth": PusherAuth;
}

export type Route = keyof Answers;

/** A good answer that has a body has one of these: so it is known to be the server's own. */
const MEMBERS = [
  "identity",
  "messages",
  "message",
  "upToSeq",
  "conversations",
  "conversation",
  "attachment",
  "attachments",
  "auth",
];

/**
 * Sends one request. `data` is the query of a GET, without what is empty, and else the body. Rejects with a
 * {@link ChatError}.
 */
export type Http = <R extends Route>(route: R, data?: object, token?: string) => Promise<Answers[R]>;

/** How far apart two foreign answers are, in milliseconds, for it to be no deployment in between. */
const MISCONFIGURED_AFTER_MS = 5_000;

/**
 * Makes an {@link Http}. `onReachable` is told, before a request is settled, if those got through to some server until now
 * and this one did not, or the other way round.
 */
export function createHttp(baseUrl: string, onReachable: (isReachable: boolean) => void): Http {
  let isReachable = true;
  let foreignSince = 0;
  let hasSession = false;
  let isWarned = false;

  function reached(isReached: boolean) {
    if (isReached !== isReachable) onReachable((isReachable = isReached));
  }

  /** What to call an answer that is not devinbox's. If there never was any other, it is no weather. */
  function nameForeign(ok: boolean): string {
    foreignSince ||= Date.now();
    if (hasSession || Date.now() - foreignSince < MISCONFIGURED_AFTER_MS) return ok ? "network" : "http";
    if (!isWarned) warnOfSetup();
    isWarned = true;
    return "misconfigured";
  }

  return async <R extends Route>(route: R, data?: object, token?: string) => {
    const [response, answer] = await load(baseUrl, route, data, token).catch((cause: unknown) => {
      reached(false);
      throw new ChatError("network", { cause });
    });
    const { ok, status } = response;
    const isOwn = ok
      ? status === 204 || MEMBERS.some((member) => member in answer)
      : answer.status === status && typeof answer.code === "string";
    // A page in place of a good answer is a hotel's sign-in or a proxy's, and a network that does not carry us.
    reached(isOwn || !ok);
    if (isOwn) foreignSince = 0;
    if (isOwn && ok) {
      hasSession ||= route === "GET /api/session";
      return answer as Answers[R];
    }
    const { code = "", detail = "", errors = [], requestId = null } = answer;
    throw new ChatError(isOwn ? code : nameForeign(ok), {
      status,
      retryAfter: Number(response.headers.get("Retry-After")) || null,
      ...(isOwn && { message: detail, fields: errors, requestId }),
    });
  };
}

async function load(baseUrl: string, route: Route, data: object | undefined, token: string | undefined) {
  const [method = "", path = ""] = route.split(" ");
  const isGet = method === "GET";
  const query = isGet ? String(new URLSearchParams(Object.entries(data ?? {}).filter(([, value]) => value))) : "";
  const body = isGet ? undefined : JSON.stringify(data);
  const response = await fetch(baseUrl + path + (query && `?${query}`), {
    method,
    headers: {
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body && { "Content-Type": "application/json" }),
    },
    body: body ?? null,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return [response, parse(await response.text())] as const;
}

/** The object of JSON that a text is; an empty one if it is none. */
function parse(text: string): Partial<Problem> {
  try {
    return Object(JSON.parse(text)) as Partial<Problem>;
  } catch {
    return {};
  }
}
