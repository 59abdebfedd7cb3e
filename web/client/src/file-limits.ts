import { ChatError } from "./error.js";
import type { Session } from "./types.js";

type Limits = Session["limits"]["attachment"];

/** Throws a {@link ChatError} if files cannot be sent with one message. Its `fields` name those at fault. */
export function checkFiles(files: readonly { name: string; size: number }[], limits: Limits): void {
  if (!limits) throw new ChatError("files_off");
  const { maxBytes, maxPerMessage } = limits;
  if (files.length > maxPerMessage)
    throw new ChatError("too_many_files", { message: `A message takes ${maxPerMessage} files at most.` });
  refuse("file_too_large", `has more than ${maxBytes} bytes`, (size) => size > maxBytes);
  refuse("file_empty", "is empty", (size) => size === 0);

  function refuse(code: string, message: string, isAtFault: (size: number) => boolean) {
    const fields = files.filter(({ size }) => isAtFault(size)).map(({ name: field }) => ({ field, message }));
    if (fields.length > 0) throw new ChatError(code, { message: `A file ${message}.`, fields });
  }
}

/** How large an image is, in pixels; null for what is none, or cannot be shown here. */
export async function measureImage(file: Blob): Promise<{ width: number; height: number } | null> {
  if (!file.type.startsWith("image/")) return null;
  try {
    const bitmap = await createImageBitmap(file);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height };
  } catch {
    return null;
  }
}
