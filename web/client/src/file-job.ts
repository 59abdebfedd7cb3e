import { keepPreview } from "./attachment-urls.js";
import type { ConversationContext } from "./conversation-context.js";
import { ChatError, toChatError } from "./error.js";
import { sweepFiles } from "./file-keeper.js";
import { FileUpload, type PendingFile, type TakeTurn, fileKey } from "./file-upload.js";
import { type PendingMessage, attachmentsChanged, messageDiscarded, sendRetried } from "./thread-reducer.js";

/**
 * The files of one message, until that is sent or given up.
 *
 * The thread holds what is shown of them, and two paths keep it so. If an upload changes, it calls `#changed`, which
 * dispatches `attachmentsChanged`; if the message changes, `dispatch` calls `pendingChanged` of `files.ts`, which calls
 * `messageChanged` here. The first path runs into the second, and ends there: `messageChanged` acts only if `failed` is
 * another than before, and what it starts changes an upload not before the next microtask.
 */
export class FileJob {
  readonly context: ConversationContext;
  readonly #messageId: string;
  #uploads: readonly FileUpload[];
  /** Whether the message had failed when it was last seen here, so that a change of that is noticed. */
  #hasFailed = false;
  #waiting: { resolve: (ids: string[] | undefined) => void; reject: (error: ChatError) => void } | undefined;
  /** What is shown of them. It is another list only if something has changed. */
  shown: PendingFile["attachment"][];

  constructor(context: ConversationContext, messageId: string, files: readonly PendingFile[], takeTurn: TakeTurn) {
    this.context = context;
    this.#messageId = messageId;
    this.#uploads = files.map(({ attachment, file }) => {
      const actions = { cancel: () => this.#cancel(upload), retry: () => this.#retry(upload) };
      const own = { ...attachment, upload: { ...attachment.upload, ...actions } };
      const onChange = () => this.#changed();
      const upload: FileUpload = new FileUpload({ attachment: own, file }, { context, messageId, takeTurn, onChange });
      return upload;
    });
    this.shown = this.#uploads.map((upload) => upload.shown);
    context.core.signal.addEventListener("abort", this.#onChatEnded);
  }

  /** Begins to upload what was just chosen. */
  start(): void {
    for (const upload of this.#uploads) upload.start();
  }

  /** Takes up what an earlier page has left. Of a message that has failed that is shown, and waits for a person. */
  resume({ failed = false }: PendingMessage): void {
    this.#hasFailed = failed;
    for (const upload of this.#uploads) {
      const isStored = upload.shown.upload.state === "stored";
      if (failed || isStored) void upload.load();
      else upload.start();
    }
  }

  /** Resolves with their ids once all of them are stored; undefined if none is left. Rejects if one has failed. */
  stored(): Promise<string[] | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#settle();
    });
  }

  /**
   * Their message has changed. If it is sent again, so is what has failed. If the server takes them for stored no more, as
   * after a day, all of them have failed.
   */
  messageChanged({ failed = false, error }: PendingMessage): void {
    const isRefused = error?.fields.some(({ field }) => field === "attachmentIds");
    if (failed && !this.#hasFailed && isRefused) for (const upload of this.#uploads) void upload.forget(error);
    if (this.#hasFailed && !failed) for (const upload of this.#uploads.filter(hasFailed)) upload.start();
    this.#hasFailed = failed;
  }

  /** Their message was sent, and shows their previews for as long as the Chat is there; or it was given up. */
  end(isSent: boolean): void {
    const { signal } = this.context.core;
    this.#stop(({ attachmentId = "", preview = "" }) => {
      if (isSent) keepPreview(attachmentId, preview, signal);
      else URL.revokeObjectURL(preview);
    });
    this.#waiting?.resolve(undefined);
    this.#forget("");
  }

  /** They stay where the browser keeps them, for the next page. */
  readonly #onChatEnded = (): void => {
    this.#stop(({ preview = "" }) => URL.revokeObjectURL(preview));
    this.#waiting?.reject(toChatError(this.context.core.signal.reason));
  };

  #stop(settlePreview: (upload: PendingFile["attachment"]["upload"]) => void): void {
    this.context.core.signal.removeEventListener("abort", this.#onChatEnded);
    for (const upload of this.#uploads) {
      upload.stop();
      settlePreview(upload.shown.upload);
    }
  }

  #changed(): void {
    this.shown = this.#uploads.map((upload) => upload.shown);
    this.context.dispatch(attachmentsChanged, this.#messageId, this.shown);
    this.#settle();
  }

  /** Tells whoever waits for the files, if there is something to tell. */
  #settle(): void {
    const uploads = this.shown.map(({ upload }) => upload);
    const failed = uploads.find(({ state }) => state === "failed");
    const ids = uploads.flatMap(({ state, attachmentId }) => (state === "stored" && attachmentId) || []);
    if (failed) this.#waiting?.reject(failed.error ?? new ChatError("store"));
    else if (ids.length === uploads.length) this.#waiting?.resolve(ids.length > 0 ? ids : undefined);
  }

  /** Deletes what the browser keeps of one file; "" for all of them. */
  #forget(fileId: string): void {
    const prefix = fileKey(this.context.core.outbox, this.#messageId, fileId);
    sweepFiles((key) => !key.startsWith(prefix)).catch(() => {}); // what cannot be deleted now is by the next page
  }

  #cancel(upload: FileUpload): void {
    const { thread, dispatch } = this.context;
    const { id, upload: before } = upload.shown;
    upload.stop();
    URL.revokeObjectURL(before.preview ?? "");
    this.#forget(id);
    this.#uploads = this.#uploads.filter((other) => other !== upload);
    const message = thread().pending.find((pending) => pending.id === this.#messageId);
    if (this.#uploads.length === 0 && !message?.body) {
      dispatch(messageDiscarded, this.#messageId);
      return;
    }
    this.#changed();
    if (before.state === "failed") this.#resend();
  }

  #retry(upload: FileUpload): void {
    if (!hasFailed(upload)) return;
    upload.start();
    this.#resend();
  }

  /** Sends the message again, if it has failed, with those of its files that have not. */
  #resend(): void {
    if (!this.#hasFailed) return;
    this.#hasFailed = false; // so that those which have failed are not uploaded again
    this.context.dispatch(sendRetried, this.#messageId, Date.now());
    void this.context.sendPending();
  }
}

function hasFailed(upload: FileUpload): boolean {
  return upload.shown.upload.state === "failed";
}
