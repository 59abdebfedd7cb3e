import type { ConversationContext } from "./conversation-context.js";
import { ChatError, isRetryable, toChatError } from "./error.js";
import { type KeptFile, keepFile, readFile } from "./file-keeper.js";
import { checkFiles, measureImage } from "./file-limits.js";
import { isReadable, putFile } from "./file-put.js";
import { LIFETIME_MS, type Outbox } from "./outbox.js";
import { FOREIGN_TRIES, retry } from "./retry.js";
import type { BegunAttachment, ShownAttachment, Upload } from "./types.js";

/** By how much an upload goes on before it is shown. */
const PROGRESS_STEP = 0.02;

/** A file that is to be sent: as it was chosen, or as an earlier page has left it. */
export interface PendingFile {
  readonly attachment: ShownAttachment & { upload: Upload };
  /** Missing if an earlier page has left it. */
  readonly file?: Blob | undefined;
}

/** Runs something once there are few enough that run. */
export type TakeTurn = (run: () => Promise<void>) => Promise<void>;

export interface FileUploadOptions {
  readonly context: ConversationContext;
  readonly messageId: string;
  readonly takeTurn: TakeTurn;
  readonly onChange: () => void;
}

/** Where a file is kept over a reload. All Chats of a browser share one database. */
export function fileKey(outbox: Outbox, messageId: string, fileId: string): string {
  return `${outbox.name} ${messageId} ${fileId}`;
}

/** One file on its way into the object store. */
export class FileUpload {
  shown: PendingFile["attachment"];
  readonly #options: FileUploadOptions;
  readonly #life = new AbortController();
  #file: Blob | undefined;
  #begun: BegunAttachment | undefined;

  constructor({ attachment, file }: PendingFile, options: FileUploadOptions) {
    this.shown = attachment;
    this.#file = file;
    this.#options = options;
  }

  /** Begins, a moment later, to upload. */
  start(): void {
    this.#upload().catch((error: unknown) => this.#change({ state: "failed", error: toChatError(error) }));
  }

  /** Loads what an earlier page has left, so that it can be shown. What is stored is sent all the same. */
  async load(): Promise<void> {
    const isStored = this.shown.upload.state === "stored";
    await this.#load().catch((error: unknown) => {
      if (!isStored) this.#change({ state: "failed", error: toChatError(error) });
    });
  }

  /** The server does not know it any more: what is stored has failed, and is begun anew when it is tried again. */
  async forget(error: ChatError | undefined): Promise<void> {
    await Promise.resolve(); // its message is about to be shown as failed
    this.#begun = undefined;
    this.#change({ state: "failed", attachmentId: undefined, error });
    await this.#load().then(
      (file) => this.#keep(file),
      () => {},
    );
  }

  /** Stops for good. */
  stop(): void {
    this.#life.abort(new ChatError("closed"));
  }

  async #upload(): Promise<void> {
    const { signal } = this.#life;
    await Promise.resolve(); // whoever starts it may be about to show its message
    this.#change({ state: "uploading", progress: 0, error: undefined });
    const chosen = await this.#load();
    await this.#keep(chosen);
    const file = await this.#useCopy(chosen);
    if (this.shown.width === null) this.#change({}, await measureImage(file));
    await this.#options.takeTurn(() => retry(() => this.#attempt(file), signal, undefined, FOREIGN_TRIES));
    this.#change({ state: "stored", progress: 1, attachmentId: this.#begun?.attachment.id });
  }

  async #load(): Promise<Blob> {
    const { mediaType, upload } = this.shown;
    const kept = this.#file ? undefined : await this.#readKept();
    if (!this.#file) this.#begun ??= kept?.begun;
    this.#file ??= kept?.file;
    if (!this.#file) throw new ChatError("file_missing", { message: "The browser has not kept this file." });
    if (kept && !upload.preview && mediaType.startsWith("image/"))
      this.#change({ preview: URL.createObjectURL(kept.file) });
    return this.#file;
  }

  /** Keeps the file, if the outbox keeps its message. */
  async #keep(file: Blob): Promise<void> {
    const { context, messageId } = this.#options;
    const { upload } = this.shown;
    let isKept = context.core.outbox.has(messageId);
    if (isKept) await keepFile(this.#key, { file, begun: this.#begun }).catch(() => (isKept = false));
    if (isKept !== upload.isKept) this.#change({ isKept });
  }

  /** Uploads what is kept, if that can be read: it stays as it is, whatever becomes of the file that was chosen. */
  async #useCopy(file: Blob): Promise<Blob> {
    const copy = this.shown.upload.isKept ? (await this.#readKept())?.file : undefined;
    return (this.#file = copy && (await isReadable(copy, this.shown.size)) ? copy : file);
  }

  get #key(): string {
    const { context, messageId } = this.#options;
    return fileKey(context.core.outbox, messageId, this.shown.id);
  }

  #readKept(): Promise<KeptFile | undefined> {
    return readFile(this.#key).catch(() => undefined);
  }

  async #attempt(file: Blob): Promise<void> {
    const { signal } = this.#life;
    signal.throwIfAborted();
    this.#throwIfExpired();
    const before = this.#begun;
    this.#begun ??= await this.#begin();
    if (!before) await this.#keep(file);
    signal.throwIfAborted();
    try {
      await putFile(this.#begun.upload, file, signal, (progress) => this.#onProgress(progress));
    } catch (cause) {
      const error = toChatError(cause);
      if (!(await isReadable(file, this.shown.size))) throw new ChatError("file_unreadable", { cause });
      if (!before || error.code !== "store" || isRetryable(error)) throw error;
      this.#begun = undefined; // its address has expired
      await this.#attempt(file);
    }
  }

  /** Nothing is tried for longer than its message is. */
  #throwIfExpired(): void {
    const { context, messageId } = this.#options;
    const message = context.thread().pending.find(({ id }) => id === messageId);
    if (message && Date.now() - message.at > LIFETIME_MS) throw new ChatError("expired");
  }

  /** Gets an address in the object store. */
  async #begin(): Promise<BegunAttachment> {
    const { core, request } = this.#options.context;
    const { fileName, mediaType, size, width, height } = this.shown;
    checkFiles([{ name: fileName, size }], (await core.verify(Infinity)).limits.attachment);
    return request("POST /api/attachments", { fileName, mediaType, size, width, height });
  }

  #onProgress(progress: number): void {
    if (progress >= this.shown.upload.progress + PROGRESS_STEP) this.#change({ progress });
  }

  #change(upload: Partial<Upload>, size: { width: number; height: number } | null = null): void {
    if (this.#life.signal.aborted) return;
    this.shown = { ...this.shown, ...size, upload: { ...this.shown.upload, ...upload } };
    this.#options.onChange();
  }
}
