import { ChatError } from "./error.js";
import type { Answers, Route } from "./http.js";
import type { Outbox } from "./outbox.js";
import type { ChannelName, Realtime } from "./realtime.js";
import type { ConversationContext } from "./conversation-context.js";
import type { Thread } from "./thread-reducer.js";
import type { Trust } from "./trust.js";
import type { Conversation, Session, ShownAttachment } from "./types.js";

/** What the stores of one Chat share. */
export interface Core {
  /** Aborted, with a {@link ChatError}, once the Chat has ended. Nothing leaves and nothing changes from then on. */
  readonly signal: AbortSignal;
  /**
   * The one way out. Before a change it makes sure that the person whose Chat this is is still signed in; who reads does
   * that beside it, with `verify`. Rejects with a {@link ChatError}.
   */
  readonly request: SendRequest;
  /**
   * Makes sure that the person whose Chat this is is still signed in, by an answer no older than `maxAge` milliseconds: any
   * will do for a fetch that nobody has asked for.
   */
  verify: (maxAge?: number) => Promise<Session>;
  /** What is known of the person whose Chat this is, and of where to listen; null while nothing is. */
  session: Session | null;
  /** Trusts no cookie of before: the person may have been elsewhere. */
  distrust: () => void;
  readonly realtime: Realtime;
  readonly trust: Trust;
  /** Whether the last request got through to some server. */
  isReachable: boolean;
  readonly outbox: Outbox;
  readonly files: ChatFiles | undefined;
  /** The stores that are open. */
  readonly stores: Set<OpenStore>;
  /** The ids of the conversations that somebody looks at. */
  readonly viewed: Set<string>;
}

/** A request of {@link Core}. `data` is the query of a GET, and else the body. */
export type SendRequest = <R extends Route>(route: R, data?: object, isChange?: boolean) => Promise<Answers[R]>;

/** What sends the files of messages. */
export interface ChatFiles {
  /** Looks at the files of a new message, and begins to upload them. Throws a {@link ChatError} if they cannot be sent. */
  attach: (context: ConversationContext, messageId: string, files: readonly File[]) => ShownAttachment[];
  /** Takes up what came to be pending, and forgets what is so no more. Gives the thread with the present state of its files. */
  pendingChanged: (context: ConversationContext, thread: Thread) => Thread;
  /** The ids of a message's files, once all of them are stored. Rejects with a {@link ChatError} if one has failed. */
  stored: (messageId: string) => Promise<string[] | undefined>;
  /** Deletes what belongs to no message of the outbox any more. */
  sweep: (outbox: Outbox) => void;
}

/** An open store as the others see it. */
export interface OpenStore {
  /** The channel that it follows, once it is known. */
  channelName: () => ChannelName;
  /** Something that the stores share has changed. */
  update: () => void;
  /** An event came on its channel, or the answer to a change. Either may be of another conversation. */
  handleEvent: (event: string, data: unknown, metadata?: EventMetadata) => void;
}

/** Whose a client event is, on a presence channel. */
export interface EventMetadata {
  user_id?: string;
}

/** Tells all open stores what the answer to a change tells: the connection that asked for it hears no event. */
export function announceConversation({ stores }: Core, conversation: Conversation): void {
  for (const store of [...stores]) store.handleEvent("conversation-updated", conversation);
}

/** Tells all open stores that something they share has changed. */
export function updateAll(stores: ReadonlySet<OpenStore>): void {
  for (const store of [...stores]) store.update();
}

/** What sends files, if the Chat has such. */
export function filesOf({ files }: Core): ChatFiles {
  if (!files) throw new ChatError("files_off");
  return files;
}
