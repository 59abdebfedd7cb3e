import type PusherLibrary from "pusher-js";
import type { ChatError } from "./error.js";
import type { components } from "./openapi.js";

type Schemas = components["schemas"];

/** A message as the server stores it. */
export type Message = Schemas["Message"];
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

/** A message as an event may bring it: with only the beginning of its text. */
export type Received = Message & { truncated?: boolean };

/**
 * How a store hears of changes: `connecting` at first, `live` by events, `polling` where realtime is off, refused or
 * not there for 10 s, `offline` where there is no network or requests do not get through.
 */
export type Connection = "connecting" | "live" | "polling" | "offline";

/** What has become of a message: `seen` once the other side than its sender's has read it. */
export type Delivery = "sending" | "sent" | "seen" | "failed";

/** A message to be shown. While it is being sent, or has failed, its `seq` and `version` are 0 and its `id` is its key. */
export interface ShownMessage extends Message {
  /** Whether it is of the caller's side. */
  own: boolean;
  /** Whether it is of the caller itself. */
  mine: boolean;
  delivery: Delivery;
  /** A key for React that stays the same from sending to sent. */
  key: string;
  /** Whether `body` is only the beginning of the text. The whole one is on its way. */
  truncated?: boolean | undefined;
  /** Why it has failed. Absent where that was before the page was loaded. */
  error?: ChatError | undefined;
}

/** What a conversation looks like now. */
export interface ConversationState {
  /** `error` where nothing could be loaded, or the server forbids it. The first is tried again by itself. */
  status: "loading" | "ready" | "error";
  /** What went wrong last, until something goes right. */
  error: ChatError | null;
  connection: Connection;
  me: SessionIdentity | null;
  /** Null where there is none yet. Its read marks and `unread` are as new as the events. */
  conversation: Conversation | null;
  /** Ascending by `seq`; then what is being sent, in the order of sending. */
  messages: readonly ShownMessage[];
  hasOlder: boolean;
  loadingOlder: boolean;
  /** How many messages of the other side the caller's side has not read. */
  unread: number;
  /** Whether the other side is typing, as somebody on its channel says. */
  typing: boolean;
}

/** Something to show, in the shape that React's `useSyncExternalStore` takes. */
export interface Store<S> {
  /** The state. It is another object only where something has changed. */
  getSnapshot(): S;
  /** Opens the store for the first listener, and closes it a little after the last one has left. */
  subscribe(listener: () => void): () => void;
}

/** One conversation. What is sent goes out also while nobody listens. */
export interface ConversationStore extends Store<ConversationState> {
  /** Loads the page before the oldest message. It never rejects; `error` tells. */
  loadOlder(): Promise<void>;
  /**
   * Sends a message and gives its `clientMessageId`. It never throws: the message's `delivery` tells. It is tried until it
   * is stored, refused or a day old, also after the page was loaded anew. `create` lets a developer begin a conversation.
   */
  send(body: string, options?: { create?: boolean | undefined }): string;
  /** Sends what has failed once more. */
  retry(clientMessageId: string): void;
  /** Gives up on what is not sent yet. */
  discard(clientMessageId: string): void;
  /**
   * Gives a message another text, if it is still of the version that was edited: `ifVersion`, or else the one that is shown. Rejects
   * with a {@link ChatError}; of the code `conflict` when it has changed in between, and then the newer text is shown already.
   */
  edit(messageId: string, body: string, ifVersion?: number): Promise<void>;
  /** Rejects with a {@link ChatError}. */
  delete(messageId: string): Promise<void>;
  /** Says that everything up to a `seq` was on a screen; without one, all up to the first hole. One request a second at most. */
  markRead(upToSeq?: number): void;
  /** Says that the caller is typing. Call it at every key: it tells the other side once in 3 s at most, where the channel allows it. */
  setTyping(): void;
  /** Stops listening at once. A new listener opens it again. */
  close(): void;
}

/** Which conversations an inbox shows; those that are open where nothing is said. `assigneeId` may be `none`, `q` needs 3 letters. */
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
  loadMore(): Promise<void>;
  setFilter(filter: InboxFilter): void;
  /** Rejects with a {@link ChatError}. */
  update(clientId: string, change: ConversationChange): Promise<Conversation>;
  /** Stops listening at once. A new listener opens it again. */
  close(): void;
}

/** Where to keep what waits to be sent. */
export type ChatStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export interface ChatOptions {
  /** Where devinbox answers, without a slash at the end. Default: the page's own origin. */
  baseUrl?: string | undefined;
  /**
   * The caller's token, asked for before every request and once more after a 401: keep it for as long as it is good.
   * Absent: the browser's cookies.
   */
  getToken?: (() => Promise<string>) | undefined;
  /** Default: `localStorage` where there is one. Null: nothing is kept, and what waits is lost with the page. */
  storage?: ChatStorage | null | undefined;
  /** Default: `import("pusher-js")`. */
  loadPusher?: (() => Promise<typeof PusherLibrary>) | undefined;
}

/** One caller's chat: one session, one connection to Pusher, any number of stores. */
export interface Chat {
  /** The conversation of a client; without an id the caller's own. The same id gives the same store. */
  conversation(clientId?: string): ConversationStore;
  /** An inbox of its own, for developers. Keep it: every call makes another one. */
  inbox(filter?: InboxFilter): InboxStore;
  /** The session, asked for once for each token. It waits for the network; it rejects with a {@link ChatError} where the server refuses it. */
  session(): Promise<Session>;
  /** Forgets what waits to be sent, ends the session of a guest and closes everything for good. Make a new Chat for the next user. */
  signOut(): Promise<void>;
  /** Closes everything for good. What waits to be sent stays in the storage for the next Chat. */
  close(): void;
}
