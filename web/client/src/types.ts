import type PusherLibrary from "pusher-js";
import type { ChatFiles } from "./core.js";
import type { ChatError } from "./error.js";
import type { components } from "./openapi.js";

type Schemas = components["schemas"];

/** A message as the server stores it. */
export type Message = Schemas["Message"];
/** A file of a message. */
export type Attachment = Schemas["Attachment"];
/** A conversation without its messages. */
export type Conversation = Schemas["Conversation"];
/** Who the caller is, and all that is needed to listen. */
export type Session = Schemas["Session"];
/** The caller. */
export type SessionIdentity = Session["identity"];
/** One of the two sides of a conversation. */
export type Role = Schemas["Role"];
/** How many conversations are open, and how many hold something that the developers have not read. Both stop at 1,000. */
export type Totals = Schemas["Totals"];
/** A developer of the team, with the name that it had last. */
export type TeamMember = Schemas["TeamMember"];
export type MessagePage = Schemas["MessagePage"];
export type InboxPage = Schemas["InboxPage"];
export type Sent = Schemas["Sent"];
export type Read = Schemas["Read"];
export type Changed = Schemas["Changed"];
export type Updated = Schemas["Updated"];
export type Problem = Schemas["Problem"];
export type BegunAttachment = Schemas["BegunAttachment"];
export type AttachmentLinks = Schemas["AttachmentLinks"];
/** The right to a channel, or to be signed in, on Pusher. */
export interface PusherAuth {
  auth: string;
  channel_data?: string;
  user_data?: string;
}

/** A message as an event may bring it: with only the beginning of its text. */
export type Received = Message & { truncated?: boolean };

/**
 * How a store hears of changes: `connecting` at first, `live` by events, `polling` if realtime is off, refused or not
 * there for 10 s, or did not take what was just sent, `offline` if there is no network or requests do not get through, `error` if it will hear of nothing
 * before somebody does something: the Chat has ended, the server refuses, or what answers is not devinbox.
 */
export type Connection = "connecting" | "live" | "polling" | "offline" | "error";

/** What has become of a message: `seen` once the other side than its sender's has read it. */
export type Delivery = "sending" | "sent" | "seen" | "failed";

/**
 * A message to be shown. While it is being sent, or has failed, its `seq` and `version` are 0 and its `id` is its key. If
 * it is not known yet who the caller is, its sender has no name.
 */
export interface ShownMessage extends Message {
  /** Its files. Those that are not sent yet have an `upload`. */
  attachments: ShownAttachment[];
  /** Whether it is of the caller's side. */
  own: boolean;
  /** Whether it is of the caller itself. */
  mine: boolean;
  delivery: Delivery;
  /** A key for React that stays the same from sending to sent. */
  key: string;
  /** Whether `body` is only the beginning of the text. The whole one is on its way. */
  truncated?: boolean | undefined;
  /** Why it has failed. Absent if that was before the page was loaded. */
  error?: ChatError | undefined;
}

/** A file of a message to be shown. Until the message is sent, its `id` is its key. */
export interface ShownAttachment extends Attachment {
  /** Absent once the message is sent. */
  upload?: Upload | undefined;
}

/** What becomes of a file on its way into the object store. The message leaves when all its files are `stored`. */
export interface Upload {
  state: "uploading" | "stored" | "failed";
  /** How much of it has left this browser, from 0 to 1. */
  progress: number;
  /** Under what the server knows it, once it is `stored`. */
  attachmentId?: string | undefined;
  /** Why it has failed. */
  error?: ChatError | undefined;
  /** Whether the browser keeps it over a reload. If not, it has to be chosen again then. */
  isKept: boolean;
  /** An image as it was chosen: an address that is good until the message is sent or given up. */
  preview?: string | undefined;
  /** Takes the file out of its message. The last one of a message without text takes that with it. */
  cancel: () => void;
  /** Uploads what has failed once more. */
  retry: () => void;
}

/** What a conversation looks like now. */
export interface ConversationState {
  /** `error` if nothing could be loaded, or the server forbids it. The first is tried again by itself. */
  status: "loading" | "ready" | "error";
  /** What went wrong last, until something goes right. */
  error: ChatError | null;
  connection: Connection;
  me: SessionIdentity | null;
  /** Null if there is none yet. Its read marks and `unread` are as new as the events. */
  conversation: Conversation | null;
  /** Ascending by `seq`; then what is being sent, in the order of sending. */
  messages: readonly ShownMessage[];
  hasOlder: boolean;
  loadingOlder: boolean;
  /** How many messages of the other side the caller's side has not read. */
  unread: number;
  /** Whether the other side is typing, as somebody on its channel says. */
  typing: boolean;
  /**
   * The ids of the other developers who have the conversation open, and of those among them who are typing. Known to a
   * developer, in `presence` mode, as Pusher says; empty elsewhere.
   */
  viewers: readonly string[];
  answering: readonly string[];
  /** What the caller is writing and has not sent: what `setDraft` was given last, kept over a reload for a day. */
  draft: string;
}

/** Something to show, in the shape that React's `useSyncExternalStore` takes. */
export interface Store<S> {
  /** The state. It is another object only if something has changed. */
  getSnapshot: () => S;
  /** Opens the store for the first listener, and closes it a little after the last one has left. */
  subscribe: (listener: () => void) => () => void;
}

/** One conversation. What is sent goes out also while nobody listens. */
export interface ConversationStore extends Store<ConversationState> {
  /** Loads the page before the oldest message. It never rejects; `error` tells. */
  loadOlder: () => Promise<void>;
  /**
   * Sends a message and gives its `clientMessageId`. Without files it never throws: the message's `delivery` tells. It is shown and kept
   * at once, and tried until it is stored, refused or a day old, also after the page was loaded anew. If the page goes
   * before it is known who writes, it comes back as failed. `create` lets a developer begin a conversation.
   *
   * `files` need `chatFiles()` of `@devinbox/client/files`. If the session is loaded, `send` throws before anything is shown:
   * a {@link ChatError} of the code `files_off` if none can be sent here, `too_many_files`, `file_too_large` or
   * `file_empty`. If it is not, the message fails with that code.
   */
  send: (body: string, options?: { create?: boolean | undefined; files?: readonly File[] | undefined }) => string;
  /** Sends what has failed once more. */
  retry: (clientMessageId: string) => void;
  /** Gives up on what is not sent yet. */
  discard: (clientMessageId: string) => void;
  /**
   * Gives a message another text, if it is still of the version that was edited: `ifVersion`, or else the one that is
   * shown. Rejects with a {@link ChatError}; of the code `conflict` if it has changed in between, and then the newer text
   * is shown already.
   */
  edit: (messageId: string, body: string, ifVersion?: number) => Promise<void>;
  /** Rejects with a {@link ChatError}. */
  delete: (messageId: string) => Promise<void>;
  /**
   * Says that everything up to a `seq` was on a screen; without one, all that is loaded without a gap. The mark of the
   * caller's side only moves forward. One request a second at most.
   */
  markRead: (upToSeq?: number) => void;
  /** Says that the caller is typing. Call it at every key: it tells the other side once in 3 s at most, if the channel allows it. */
  setTyping: () => void;
  /** Keeps what the caller is writing and has not sent, over a reload, for a day, and until sign-out. "" forgets it. */
  setDraft: (draft: string) => void;
  /** Stops listening at once. A new listener opens it again. */
  close: () => void;
}

/**
 * Which conversations an inbox shows; by default those that are open. `assigneeId` may be `none`; `q` needs 3 code points
 * (`[...q].length`). A conversation whose store has a listener stays until that leaves, although it has ceased to fit.
 */
export interface InboxFilter {
  status?: "open" | "closed" | "all" | undefined;
  unread?: boolean | undefined;
  assigneeId?: string | undefined;
  q?: string | undefined;
}

/** What the developers' inbox looks like now. */
export interface InboxState {
  status: "loading" | "ready" | "error";
  error: ChatError | null;
  connection: Connection;
  me: SessionIdentity | null;
  /** Those that the filter lets through, by last message, the newest first. */
  conversations: readonly Conversation[];
  /** Of all conversations, whatever the filter. */
  totals: Totals;
  /** The developers who were active lately, by name. */
  team: readonly TeamMember[];
  hasMore: boolean;
  loadingMore: boolean;
  filter: InboxFilter;
}

/** What a developer may change of a conversation. What is left out stays; null takes the assignee away. */
export interface ConversationChange {
  status?: "open" | "closed" | undefined;
  assigneeId?: string | null | undefined;
  clientName?: string | undefined;
}

/** The developers' inbox under one filter. */
export interface InboxStore extends Store<InboxState> {
  /** Loads the next page. It never rejects; `error` tells. */
  loadMore: () => Promise<void>;
  setFilter: (filter: InboxFilter) => void;
  /** Rejects with a {@link ChatError}. */
  update: (clientId: string, change: ConversationChange) => Promise<Conversation>;
  /** Stops listening at once. A new listener opens it again. */
  close: () => void;
}

/** Where to keep drafts, and what is not sent yet. */
export type ChatStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export interface ChatOptions {
  /** Where devinbox answers, without a slash at the end. Default: the page's own origin. */
  baseUrl?: string | undefined;
  /**
   * Gets the caller's token, a JWT. It is called again shortly before the token expires, and with `refused: true` if the
   * server has refused the last one: then it has to be a fresh one. Absent: the browser's cookies.
   */
  getToken?: ((options: { refused: boolean }) => Promise<string>) | undefined;
  /** Default: `localStorage` if there is one. Null: nothing is kept, and what is pending is lost with the page. */
  storage?: ChatStorage | null | undefined;
  /** `chatFiles()` of `@devinbox/client/files`. Absent: messages are sent without files. */
  files?: ChatFiles | undefined;
  /** Default: `import("pusher-js")`. */
  loadPusher?: (() => Promise<typeof PusherLibrary>) | undefined;
}

/** One caller's chat: one session, one connection to Pusher, any number of stores. */
export interface Chat {
  /** The conversation of a client; without an id the caller's own. The same id gives the same store, while that is held. */
  conversation: (clientId?: string) => ConversationStore;
  /** An inbox of its own, for developers. Keep it: every call makes another one. */
  inbox: (filter?: InboxFilter) => InboxStore;
  /** The session. It waits for the network, and rejects with a {@link ChatError} if the server refuses it. */
  session: () => Promise<Session>;
  /** Addresses from which sent files can be fetched for 5 minutes, by ids with commas between them. `useAttachmentUrl` asks for you. */
  attachmentLinks: (query: { clientId: string; ids: string }) => Promise<AttachmentLinks>;
  /** Forgets drafts and what is not sent yet, ends the session of a guest and closes everything for good. Make a new Chat for the next person. */
  signOut: () => Promise<void>;
  /** Closes everything for good. What is not sent yet stays in the storage for the next Chat. */
  close: () => void;
}
