import type { BegunAttachment } from "./types.js";

const DATABASE = "devinbox-files";
const STORE = "files";

/** A file as the browser keeps it over a reload. */
export interface KeptFile {
  file: Blob;
  /** Where it goes. The address is good for a while only. */
  begun?: BegunAttachment | undefined;
}

/** Keeps a file. Rejects if the browser cannot, or has no room for it. */
export async function keepFile(key: string, kept: KeptFile): Promise<void> {
  await transact("readwrite", (store) => store.put(kept, key));
}

export function readFile(key: string): Promise<KeptFile | undefined> {
  return transact("readonly", (store) => store.get(key) as IDBRequest<KeptFile | undefined>);
}

/** Deletes what is not wanted any more. */
export async function sweepFiles(isWanted: (key: string) => boolean): Promise<void> {
  const keys = await transact("readonly", (store) => store.getAllKeys() as IDBRequest<string[]>);
  const unwanted = keys.filter((key) => !isWanted(key));
  for (const key of unwanted) await transact("readwrite", (store) => store.delete(key));
}

/** Opens the database for one request only: a page that holds it open is not kept by the browser for "back". */
async function transact<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(toError(transaction.error));
    });
  } finally {
    database.close();
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(toError(request.error));
  });
}

function toError(cause: DOMException | null): Error {
  return new Error("IndexedDB failed.", { cause });
}
