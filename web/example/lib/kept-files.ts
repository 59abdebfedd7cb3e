const database = "devinbox-example-files";
const store = "chosen";

/** For how long what was chosen is kept, in milliseconds: a day. */
const lifetime = 86_400_000;

interface Kept {
  files: readonly File[];
  at: number;
}

/** Keeps the files that were chosen for a message, in place of those before. Rejects if the browser cannot, or has no room for them. */
export async function keepFiles(key: string, files: readonly File[]): Promise<void> {
  await transact<unknown>((kept) =>
    files.length > 0 ? kept.put({ files, at: Date.now() } satisfies Kept, key) : kept.delete(key),
  );
}

/** What is kept. What is too old is deleted, whoever kept it. */
export async function readFiles(key: string): Promise<readonly File[]> {
  const keys = await transact((kept) => kept.getAllKeys() as IDBRequest<string[]>);
  let found: readonly File[] = [];
  for (const one of keys) {
    const kept = await transact((all) => all.get(one) as IDBRequest<Kept | undefined>);
    if (!kept || Date.now() - kept.at > lifetime) await keepFiles(one, []);
    else if (one === key) found = kept.files;
  }
  return found;
}

/** Opens the database for one request only: a page that holds it open is not kept by the browser for "back". */
async function transact<T>(act: (kept: IDBObjectStore) => Pick<IDBRequest<T>, "result">): Promise<T> {
  const opened = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(database);
    request.onupgradeneeded = () => request.result.createObjectStore(store);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(failure(request.error));
  });
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = opened.transaction(store, "readwrite");
      const request = act(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(failure(transaction.error));
    });
  } finally {
    opened.close();
  }
}

function failure(cause: DOMException | null): Error {
  return new Error("IndexedDB failed.", { cause });
}

/** Forgets all that is kept: somebody else may use this browser next. */
export function forgetFiles(): void {
  try {
    indexedDB.deleteDatabase(database);
  } catch {
    // The browser keeps nothing.
  }
}
