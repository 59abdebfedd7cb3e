import { ChatError } from "./error.js";
import type { BegunAttachment } from "./types.js";

/** After how long without progress an upload is given up and begun again, in milliseconds. */
const STALLED_AFTER_MS = 60_000;

/** Whether the browser can still read a file as it was chosen. A folder, and what was deleted or changed since, it cannot. */
export async function isReadable(file: Blob, size: number): Promise<boolean> {
  const first = await file
    .slice(0, 1)
    .arrayBuffer()
    .catch(() => undefined);
  return file.size === size && first?.byteLength === 1;
}

/**
 * Puts a file into the object store. It is an XMLHttpRequest because fetch tells of no progress. Rejects with a
 * {@link ChatError}: `network`, or `store` with the status of the store's answer.
 */
export function putFile(
  { url, method, headers }: BegunAttachment["upload"],
  file: Blob,
  signal: AbortSignal,
  onProgress: (progress: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const abort = () => xhr.abort();
    let stalled = setTimeout(abort, STALLED_AFTER_MS);
    xhr.upload.onprogress = ({ loaded, total }) => {
      clearTimeout(stalled);
      stalled = setTimeout(abort, STALLED_AFTER_MS);
      onProgress(loaded / total);
    };
    xhr.onloadend = () => {
      clearTimeout(stalled);
      signal.removeEventListener("abort", abort);
      const { status } = xhr; // 0 if there was no answer
      // 412: it is there already, and only the answer to that was lost.
      if ((status >= 200 && status < 300) || status === 412) resolve();
      else if (status === 0) reject(new ChatError("network"));
      else reject(new ChatError("store", { status, message: "The object store refused the file." }));
    };
    signal.addEventListener("abort", abort);
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.send(file);
  });
}
