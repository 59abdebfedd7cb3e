import { IDBFactory as FakeIndexedDB } from "fake-indexeddb";
import { vi } from "vitest";
import type { Attachment, SessionIdentity } from "../../src/index.js";

/** A file that was begun, as the server keeps it. */
interface Begun {
  attachment: Attachment;
  clientId: string;
  by: SessionIdentity;
  expiresAt: number;
}

/** A PUT as the store sees it. */
export interface Put {
  id: string;
  file: Blob;
  size: number;
  headers: Record<string, string>;
  /** When it began, on the fake clock. */
  at: number;
}

/** A store that speaks S3, and what the server knows of it. Uploads take a second, and tell of their progress in the middle. */
export class FileStore {
  readonly begun = new Map<string, Begun>();
  /** The ids of what lies in the store. */
  readonly stored = new Set<string>();
  readonly puts: Put[] = [];
  /** What the store answers to the next PUTs in place of the usual; 0 for nothing. A function for always. */
  answers: number[] | ((put: Put) => number) = [];
  /** Whether the answer to a PUT that succeeds is lost. */
  losesAnswers = false;
  takesMs = 1_000;
  atOnce = 0;
  mostAtOnce = 0;
  linksAsked = 0;
  private readonly sent = new Set<string>();
  private linksMade = 0;

  begin(by: SessionIdentity, clientId: string, draft: Omit<Attachment, "id">) {
    const id = `${String(this.begun.size).padStart(8, "0")}-0000-7000-8000-000000000000`;
    const attachment = { id, ...draft };
    const expiresAt = Date.now() + 900_000;
    this.begun.set(id, { attachment, clientId, by, expiresAt });
    const headers = { "Content-Type": draft.mediaType, "If-None-Match": "*" };
    const upload = { url: `https://store.example/${id}`, method: "PUT", headers };
    return { attachment, upload: { ...upload, expiresAt: new Date(expiresAt).toISOString() } };
  }

  /** Makes files a message's. Null where that cannot be. */
  claim(ids: readonly string[], clientId: string): Attachment[] | null {
    const found = ids.map((id) => this.begun.get(id));
    if (found.some((begun) => begun?.clientId !== clientId || !this.stored.has(begun.attachment.id))) return null;
    for (const id of ids) this.sent.add(id);
    return found.flatMap((begun) => begun?.attachment ?? []);
  }

  links(ids: readonly string[]) {
    this.linksAsked++;
    const expiresAt = new Date(Date.now() + 300_000).toISOString();
    return ids
      .filter((id) => this.sent.has(id))
      .map((id) => ({ id, url: `https://store.example/${id}?${++this.linksMade}`, expiresAt }));
  }

  /** What a PUT comes to. */
  put(put: Put): number {
    this.puts.push(put);
    const answer = typeof this.answers === "function" ? this.answers(put) : this.answers.shift();
    if (answer !== undefined) return answer;
    const begun = this.begun.get(put.id);
    if (!begun || begun.expiresAt < put.at || begun.attachment.size !== put.size) return 403;
    if (this.stored.has(put.id)) return 412;
    this.stored.add(put.id);
    return this.losesAnswers ? 0 : 200;
  }
}

/** Stubs what a browser has for files: XMLHttpRequest against a store, IndexedDB, and images. */
export function stubBrowser(store: FileStore, isCut: () => boolean): { database: IDBFactory; previews: Set<string> } {
  class FakeXhr {
    status = 0;
    readonly upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
    onloadend = () => {};
    private url = "";
    private readonly headers: Record<string, string> = {};
    private timers: ReturnType<typeof setTimeout>[] = [];

    open(_method: string, url: string) {
      this.url = url;
    }

    setRequestHeader(name: string, value: string) {
      this.headers[name] = value;
    }

    send(file: Blob & { isUnreadable?: boolean }) {
      const put = { id: this.url.split("/").at(-1)!, file, size: file.size, headers: this.headers, at: Date.now() };
      store.mostAtOnce = Math.max(store.mostAtOnce, ++store.atOnce);
      if (isCut() || file.isUnreadable) return void this.timers.push(setTimeout(() => this.end(0)));
      const half = () => this.upload.onprogress?.({ loaded: file.size / 2, total: file.size });
      this.timers.push(setTimeout(half, store.takesMs / 2));
      this.timers.push(setTimeout(() => this.end(isCut() ? 0 : store.put(put)), store.takesMs));
    }

    abort() {
      if (this.timers.length > 0) this.end(0);
    }

    private end(status: number) {
      this.timers.forEach(clearTimeout);
      this.timers = [];
      store.atOnce--;
      this.status = status;
      this.onloadend();
    }
  }

  const database = new FakeIndexedDB();
  const previews = new Set<string>();
  vi.stubGlobal("XMLHttpRequest", FakeXhr);
  vi.stubGlobal("indexedDB", database);
  vi.stubGlobal("createImageBitmap", (file: Blob) =>
    file.type === "image/png"
      ? Promise.resolve({ width: 640, height: 480, close() {} })
      : Promise.reject(new Error("no image")),
  );
  let made = 0;
  URL.createObjectURL = () => {
    const url = `blob:${++made}`;
    previews.add(url);
    return url;
  };
  URL.revokeObjectURL = (url) => void previews.delete(url);
  return { database, previews };
}
