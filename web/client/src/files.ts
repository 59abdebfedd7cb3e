import { randomKey } from "./browser.js";
import type { ChatFiles } from "./core.js";
import { FileJob } from "./file-job.js";
import { sweepFiles } from "./file-keeper.js";
import { checkFiles } from "./file-limits.js";
import type { PendingFile, TakeTurn } from "./file-upload.js";
import type { Outbox } from "./outbox.js";
import type { PendingMessage } from "./thread-reducer.js";
import type { ShownAttachment, Upload } from "./types.js";

export { attachmentUrl, watchAttachmentUrl } from "./attachment-urls.js";
export { checkFiles } from "./file-limits.js";

/** How many files are uploaded at once. */
const AT_ONCE = 3;

/** Lets a Chat send files: `createChat({ files: chatFiles() })`. */
export function chatFiles(): ChatFiles {
  const jobs = new Map<string, FileJob>();
  const takeTurn = createTurns();
  let isSwept = false;

  function add(context: FileJob["context"], messageId: string, files: readonly PendingFile[]): FileJob {
    if (!isSwept) sweep(context.core.outbox); // what an earlier page could not delete
    isSwept = true;
    const job = new FileJob(context, messageId, files, takeTurn);
    jobs.set(messageId, job);
    return job;
  }

  return {
    sweep,
    attach(context, messageId, files) {
      const { session, signal } = context.core;
      if (session) checkFiles(files, session.limits.attachment);
      if (signal.aborted) return [];
      const job = add(context, messageId, files.map(newFile));
      job.start();
      return job.shown;
    },
    pendingChanged(context, thread) {
      for (const [id, job] of jobs) {
        if (job.context !== context || thread.pending.some((message) => message.id === id)) continue;
        jobs.delete(id);
        job.end(thread.messages.some((message) => message.clientMessageId === id));
      }
      const pending = thread.pending.map((message) => {
        if (!message.attachments) return message;
        let job = jobs.get(message.id);
        if (!job) {
          job = add(
            context,
            message.id,
            message.attachments.map((attachment) => restoreFile(attachment, message)),
          );
          job.resume(message);
        }
        job.messageChanged(message);
        return { ...message, attachments: job.shown };
      });
      return { ...thread, pending };
    },
    stored: async (messageId) => jobs.get(messageId)?.stored(),
  };
}

function sweep(outbox: Outbox): void {
  const prefix = `${outbox.name} `;
  const isWanted = (key: string) =>
    !key.startsWith(prefix) || outbox.has(key.slice(prefix.length).split(" ", 1)[0] ?? "");
  sweepFiles(isWanted).catch(() => {}); // the next page tries again
}

const newUpload: Upload = { state: "uploading", progress: 0, isKept: true, cancel() {}, retry() {} };

/** How long the server lets a file's name be, in bytes. */
const MAX_NAME_BYTES = 255;

/** A file's name as the server takes it: without control characters, and cut before its ending if it is too long. */
function fitName(name: string): string {
  const encoder = new TextEncoder();
  const clean = name.replace(/\p{Cc}/gu, "");
  const ending = /\.[^.]{1,20}$/u.exec(clean)?.[0] ?? "";
  const stem = encoder.encode(clean.slice(0, clean.length - ending.length));
  const room = MAX_NAME_BYTES - encoder.encode(ending).length;
  const fitting = new TextDecoder().decode(stem.subarray(0, room), { stream: true }); // leaves out half a character
  return fitting + ending || "file";
}

function newFile(file: File): PendingFile {
  const preview = file.type.startsWith("image/") ? URL.createObjectURL(file) : undefined;
  const attachment = {
    id: randomKey(),
    fileName: fitName(file.name),
    mediaType: file.type.split(";", 1)[0] || "application/octet-stream",
    size: file.size,
    width: null,
    height: null,
    upload: { ...newUpload, preview },
  };
  return { attachment, file };
}

/** A file as it was kept with its message, without what was of the earlier page. What has failed waits for a person. */
function restoreFile(attachment: ShownAttachment, { failed }: PendingMessage): PendingFile {
  const { state, attachmentId, isKept } = attachment.upload ?? newUpload;
  const isStored = state === "stored";
  const upload: Upload = { ...newUpload, state: failed ? "failed" : "uploading", isKept };
  return { attachment: { ...attachment, upload: isStored ? { ...upload, state, attachmentId, progress: 1 } : upload } };
}

/** Makes a function that lets a few run at once, and the others in their order. */
function createTurns(): TakeTurn {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (run) => {
    if (running < AT_ONCE) running++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      await run();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
