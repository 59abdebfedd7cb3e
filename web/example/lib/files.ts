import { ChatError, type Attachment, type Session, type ShownMessage } from "@devinbox/client";
import { chatFiles } from "@devinbox/client/files";

/** Sends the files of every Chat on the page. */
export const files = chatFiles();

export type FileLimits = Session["limits"]["attachment"];

const MB = 1_048_576;

/** How large a file is, in words. */
export function fileSize(bytes: number): string {
  if (bytes < 1_024) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  if (bytes < MB - 512) return `${Math.round(bytes / 1_024)} KB`;
  return `${(bytes / MB).toFixed(1).replace(".0", "")} MB`;
}

/** What kind of file it is, by the end of its name, or else by its type. */
export function fileKind({ fileName, mediaType }: Pick<Attachment, "fileName" | "mediaType">): string {
  const ending = /\.([a-z0-9]{1,5})$/i.exec(fileName)?.[1] ?? /^[a-z]+\/([a-z0-9]{1,5})$/.exec(mediaType)?.[1];
  return (ending ?? "file").toUpperCase();
}

/** Whether a browser may show it. Everything else is saved. */
export function isPicture({ mediaType }: Pick<Attachment, "mediaType">): boolean {
  return /^image\/(png|jpeg|gif|webp|avif)$/.test(mediaType);
}

/** A message where nothing but text can be: what was written, or else what its files are called. */
export function asText({ body, attachments }: Pick<ShownMessage, "body" | "attachments">): string {
  return body || attachments.map(({ fileName }) => fileName).join(", ");
}

export interface Choice {
  /** What goes with the message. */
  files: readonly File[];
  /** What cannot, and why, in words for whoever has chosen it; "" if all of it can. */
  problem: string;
}

/**
 * Adds files to those that go with a message already, as far as the limits let them; `undefined` while these are not known. Of folders
 * it only says that they cannot be sent.
 */
export function addFiles(
  chosen: readonly File[],
  added: readonly File[],
  limits: FileLimits | undefined,
  folders: readonly Named[] = [],
): Choice {
  if (limits === null) return { files: chosen, problem: filesOff };
  const folderProblem = about(folders, "a folder cannot be sent.");
  if (!limits) return { files: [...chosen, ...added], problem: folderProblem };
  const { maxBytes, maxPerMessage } = limits;
  const isLarge = ({ size }: File) => size > maxBytes;
  const isEmpty = ({ size }: File) => size === 0;
  const all = [...chosen, ...added.filter((file) => !isLarge(file) && !isEmpty(file))];
  const problems = [
    folderProblem,
    about(added.filter(isLarge), `too large. A file may have ${fileSize(maxBytes)} at most.`),
    about(added.filter(isEmpty), "there is nothing in it."),
    about(all.slice(maxPerMessage), `left out. A message takes ${maxPerMessage} files at most.`),
  ];
  return { files: all.slice(0, maxPerMessage), problem: problems.filter(Boolean).join(" ") };
}

/** Why a message was not taken, in words. */
export function fileProblem(error: unknown): string {
  if (!(error instanceof ChatError)) return "These files cannot be sent.";
  return error.code === "files_off" ? filesOff : error.message;
}

const filesOff = "No files can be sent here.";

type Named = Pick<File, "name">;

function about(named: readonly Named[], text: string): string {
  const names = named.slice(0, 3).map(({ name }) => name);
  if (named.length > names.length) names.push(`${named.length - names.length} more`);
  return names.length > 0 ? `${names.join(", ")}: ${text}` : "";
}
