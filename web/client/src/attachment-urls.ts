import { ChatError } from "./error.js";
import { retry, sleep } from "./retry.js";
import type { AttachmentLinks, Chat, ShownAttachment, ShownMessage } from "./types.js";

/** How many addresses are asked for at once at most, and for how long they are collected, in milliseconds. */
const BATCH_SIZE = 50;
const BATCH_MS = 10;
/** How long before it expires an address is asked for anew, and the shortest time that one is taken to be good, in milliseconds. */
const EXPIRY_MARGIN_MS = 30_000;
const SHORTEST_MS = 60_000;
/** What the object store lets a browser show. */
const SHOWN_INLINE = /^image\/(png|jpeg|gif|webp|avif)$/;

interface Batch {
  readonly ids: string[];
  readonly answer: Promise<AttachmentLinks>;
}

interface Link {
  goodUntil: number;
  readonly url: Promise<string>;
}

/** Gives the address of a sent file, and asks for it if there is none that is good still. */
type LoadLink = (clientId: string, id: string) => Link;

const never = new AbortController().signal;
const loaders = new WeakMap<Chat, LoadLink>();
const previews = new Map<string, string>();

/** Shows an image that was sent from this page as it was chosen, until the signal is aborted. */
export function keepPreview(attachmentId: string, url: string, signal: AbortSignal): void {
  if (!url) return;
  previews.set(attachmentId, url);
  signal.addEventListener("abort", () => {
    previews.delete(attachmentId);
    URL.revokeObjectURL(url);
  });
}

/** An image that was chosen on this page, if it was. */
export function previewOf({ id, upload }: ShownAttachment): string | undefined {
  return upload ? upload.preview : previews.get(id);
}

/**
 * The address of a message's file, good for a few minutes. Several that are asked for at about the same time are one
 * request. Rejects with a {@link ChatError}: `not_found` if the file is not there any more.
 */
export function attachmentUrl(
  chat: Chat,
  { clientId }: Pick<ShownMessage, "clientId">,
  attachment: ShownAttachment,
): Promise<string> {
  return loaderOf(chat)(clientId, attachment.id).url;
}

/**
 * Tells the address of a message's file now, and each time that it has expired, until it is stopped. An image that can be
 * shown keeps the first one: it is loaded already.
 */
export function watchAttachmentUrl(
  chat: Chat,
  { clientId }: Pick<ShownMessage, "clientId">,
  { id, mediaType }: ShownAttachment,
  onUrl: (url: string) => void,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;

  async function load() {
    const link = loaderOf(chat)(clientId, id);
    const url = await link.url;
    if (isStopped) return;
    onUrl(url);
    if (!SHOWN_INLINE.test(mediaType)) timer = setTimeout(start, link.goodUntil - Date.now());
  }

  const start = () => void load().catch(() => {}); // it is gone, or the Chat has ended: there is no address
  start();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}

function loaderOf(chat: Chat): LoadLink {
  const found = loaders.get(chat) ?? createLinkLoader(chat);
  loaders.set(chat, found);
  return found;
}

function createLinkLoader(chat: Chat): LoadLink {
  const links = new Map<string, Link>();
  const batches = new Map<string, Batch>(); // by client; of each the one that is being collected

  function batchOf(clientId: string): Batch {
    const found = batches.get(clientId);
    if (found && found.ids.length < BATCH_SIZE) return found;
    const ids: string[] = [];
    const ask = async () => {
      await sleep(BATCH_MS, never, true);
      if (batches.get(clientId) === batch) batches.delete(clientId);
      return retry(() => chat.attachmentLinks({ clientId, ids: ids.join(",") }), never);
    };
    const batch = { ids, answer: ask() };
    batches.set(clientId, batch);
    return batch;
  }

  async function load(clientId: string, id: string, onExpiry: (goodUntil: number) => void): Promise<string> {
    const { ids, answer } = batchOf(clientId);
    ids.push(id);
    const { attachments } = await answer;
    const found = attachments.find((attachment) => attachment.id === id);
    if (!found) throw new ChatError("not_found", { status: 404, message: "The file is not there." });
    const now = Date.now(); // this computer's clock may be wrong
    onExpiry(Math.max(now + SHORTEST_MS, Date.parse(found.expiresAt) - EXPIRY_MARGIN_MS));
    return found.url;
  }

  return (clientId, id) => {
    const known = links.get(id);
    if (known && Date.now() < known.goodUntil) return known;
    const url = load(clientId, id, (goodUntil) => (link.goodUntil = goodUntil));
    const link: Link = { goodUntil: Infinity, url };
    links.set(id, link);
    url.catch(() => links.delete(id));
    return link;
  };
}
