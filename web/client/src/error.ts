/** The sentences of what goes wrong on this side. The server's errors bring their own. */
const SENTENCES: Readonly<Record<string, string>> = {
  network: "No answer came.",
  http: "What answered is not devinbox.",
  misconfigured: "What answered is not devinbox.",
  token: "getToken failed.",
  unauthorized: "The token was refused.",
  files_off: "No files can be sent here.",
  file_unreadable: "The file is gone, or has changed since it was chosen.",
  expired: "A day has passed.",
  identity_changed: "Somebody else has signed in.",
  signed_out: "This Chat has ended.",
  closed: "This Chat has ended.",
};

/** What the server, or the way to it, had against a request. Decide by `code`. `message` is a sentence for a developer. */
export class ChatError extends Error {
  override readonly name = "ChatError";
  /**
   * The server's code, such as `validation_failed`. Beside those: `network` (no answer), `token` (getToken failed), `http`
   * (an answer that is not the server's own; final for a message after a minute of 4xx), `misconfigured` (there was never any
   * other: look at the rewrite, `baseUrl` and `CHAT_ALLOWED_ORIGINS`), `expired` (not sent within a day), `files_off`,
   * `too_many_files`, `file_too_large`, `file_empty`, `file_missing` (it was not kept over a reload), `file_unreadable` (it
   * is a folder, or was deleted or changed since it was chosen) and `store` (the object store refused a file), and
   * `signed_out`, `identity_changed` and `closed` (this Chat has ended).
   */
  readonly code: string;
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number = 0;
  /** The fields to blame. */
  readonly fields: readonly { field: string; message: string }[] = [];
  /** After how many seconds to try again, if the server said so. */
  readonly retryAfter: number | null = null;
  /** Under what the server has logged it. */
  readonly requestId: string | null = null;

  constructor(code: string, about: ErrorOptions & Partial<Omit<ChatError, "name" | "code">> = {}) {
    super(SENTENCES[code] ?? "It failed.");
    this.code = code;
    Object.assign(this, about);
  }
}

const RETRYABLE = /^(401|408|425|429|5..) |(network|token|http|misconfigured)$/;

/** Whether the same request may succeed later. A 401 may, once there is another token. */
export function isRetryable({ status, code }: ChatError): boolean {
  return RETRYABLE.test(`${status} ${code}`);
}

/** Whether something that is not devinbox, such as a firewall, refuses a request for what it is. */
export function isForeignRefusal({ status, code }: ChatError): boolean {
  return code === "http" && !RETRYABLE.test(`${status} `);
}

/** What was thrown, as a {@link ChatError}. Anything else is a defect of this package, which no retry mends. */
export function toChatError(cause: unknown): ChatError {
  return cause instanceof ChatError ? cause : new ChatError("internal", { message: String(cause), cause });
}
