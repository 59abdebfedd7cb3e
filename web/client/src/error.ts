/** What the server, or the way to it, had against a request. Decide by `code`. */
export class ChatError extends Error {
  override readonly name = "ChatError";

  constructor(
    /**
     * The server's code, such as `validation_failed`. Beside those: `network` (no answer), `token` (getToken failed), `http` (an answer
     * that is not the server's own), `expired` (not sent within a day), and `signed_out`, `identity_changed` and `closed` (this
     * Chat has ended).
     */
    readonly code: string,
    /** The HTTP status; 0 where there was no answer. */
    readonly status = 0,
    /** The server's sentence for a developer, where there is one. */
    message = code,
    /** The fields to blame. */
    readonly fields: { field: string; message: string }[] = [],
    /** After how many seconds to try again, where the server said so. */
    readonly retryAfter: number | null = null,
    /** Under what the server has logged it. */
    readonly requestId: string | null = null,
  ) {
    super(message);
  }
}

const PASSING: readonly unknown[] = [401, 408, 425, 429, "network", "token"];

/** Whether the same request may succeed later. A 401 may, once there is a new token. What is no {@link ChatError} is a defect, and stays. */
export function isPassing({ status, code }: ChatError): boolean {
  return status >= 500 || PASSING.includes(status) || PASSING.includes(code);
}
