import type PusherLibrary from "pusher-js";
import type { Channel, PresenceChannel } from "pusher-js";
import { type EventMetadata, type OpenStore, type Topic, updateAll } from "./core.js";
import { toChatError } from "./error.js";
import type { Gateway } from "./gateway.js";
import { retry, sleep } from "./retry.js";
import type { ChatOptions, PusherAuth, Role, Session } from "./types.js";

/** After how long a connection or channel that was refused is tried again, in milliseconds. */
const RECONNECT_MS = 60_000;

/** The events, and what each of them is about. No other client event is heard. */
const TOPICS: Readonly<Record<string, Topic>> = {
  "pusher:subscription_succeeded": "subscribed",
  "pusher:subscription_error": "refused",
  "new-message": "message",
  "message-updated": "message",
  "messages-read": "read",
  "conversation-updated": "conversation",
  "client-typing": "typing",
  "pusher:member_added": "members",
  "pusher:member_removed": "members",
};

/** The name of a channel, once there is one. */
export type ChannelName = string | null | undefined;

/** The one connection to Pusher of a Chat: there while a store is open, and on the channels that open stores follow. */
export interface Realtime {
  /** Other stores are open by now, or follow other channels. */
  update: () => void;
  /** Of the present connection, to be named in requests so that it hears no echo. */
  socketId: () => string | undefined;
  /** Whether it is off or was refused, so that it is no use to wait. */
  isUnavailable: () => boolean;
  /** Whether a channel brings events. */
  isSubscribed: (channelName: ChannelName) => boolean;
  /** The user ids on a presence channel; none on another one. */
  members: (channelName: ChannelName) => string[];
  /** Tells the others on a channel that somebody of a side is typing, if it allows that. */
  sendTyping: (channelName: ChannelName, side: Role) => void;
}

export interface RealtimeOptions extends Pick<Gateway, "request" | "loadSession"> {
  loadPusher: NonNullable<ChatOptions["loadPusher"]>;
  stores: ReadonlySet<OpenStore>;
  signal: AbortSignal;
}

export function createRealtime(options: RealtimeOptions): Realtime {
  const { loadSession, loadPusher, stores, signal } = options;
  let pusher: PusherLibrary | undefined;
  let attempt: object | undefined; // to connect; what was begun in an earlier one comes to nothing
  let isUnavailable = false;

  async function open(isFresh: boolean) {
    const own = (attempt = {});
    const settings = await loadSession(isFresh)
      .then(({ realtime }) => realtime)
      .catch(() => undefined);
    const Library = settings?.enabled && (await loadPusher().catch(() => undefined));
    if (own !== attempt) return;
    if (!Library) return markUnavailable();
    pusher = connect(Library, settings, options);
    pusher.connection.bind("state_change", ({ current }: { current: string }) => {
      isUnavailable = false;
      if (current === "disconnected" || current === "failed") void markUnavailable();
      updateAll(stores);
    });
    update();
    updateAll(stores);
  }

  async function markUnavailable() {
    const own = attempt;
    const isWanted = () => own === attempt && isUnavailable && !signal.aborted;
    isUnavailable = true;
    updateAll(stores);
    await sleep(RECONNECT_MS * (1 - Math.random() / 4), signal);
    if (!isWanted()) return;
    if (pusher) pusher.connect();
    else void open(true);
  }

  function update() {
    if (stores.size === 0) {
      pusher?.connection.unbind();
      pusher?.disconnect();
      pusher = attempt = undefined;
      isUnavailable = false;
    } else if (!attempt) void open(false);
    if (pusher) followStores(pusher, options);
  }

  const connected = () => (pusher?.connection.state === "connected" ? pusher : undefined);

  return {
    update,
    socketId: () => connected()?.connection.socket_id,
    isUnavailable: () => isUnavailable,
    isSubscribed: (channelName) => channelOf(connected(), channelName)?.subscribed === true,
    members(channelName) {
      const channel = channelOf(connected(), channelName) as Partial<PresenceChannel> | undefined;
      return channel?.subscribed ? Object.keys((channel.members?.members ?? {}) as object) : [];
    },
    sendTyping(channelName, side) {
      const channel = channelOf(connected(), channelName);
      // Only private and presence channels carry what a client tells.
      if (channel?.subscribed && /^(private|presence)-/.test(channel.name)) channel.trigger("client-typing", { side });
    },
  };
}

function channelOf(pusher: PusherLibrary | undefined, channelName: ChannelName): Channel | undefined {
  return pusher?.channel(channelName ?? "");
}

/** Subscribes to the channels that open stores follow, and to no other. */
function followStores(pusher: PusherLibrary, { stores, signal }: RealtimeOptions): void {
  const followed = new Set([...stores].map((store) => store.channelName()));
  for (const channel of pusher.allChannels()) {
    if (followed.delete(channel.name)) continue;
    channel.unbind();
    pusher.unsubscribe(channel.name);
  }
  for (const channelName of followed) {
    if (!channelName) continue;
    const channel = pusher.subscribe(channelName);
    for (const [event, topic] of Object.entries(TOPICS)) {
      channel.bind(event, async (data: unknown, metadata?: EventMetadata) => {
        for (const store of [...stores]) store.handleEvent(topic, data, channelName, metadata);
        if (topic !== "refused") return;
        await sleep(RECONNECT_MS, signal);
        if (channelOf(pusher, channelName) === channel) pusher.subscribe(channelName);
      });
    }
  }
}

/** Connects to Pusher. pusher-js asks once for the right to a channel, and for a sign-in; this asks until it is told. */
function connect(
  Library: typeof PusherLibrary,
  { key, ...host }: Session["realtime"],
  { request, signal }: RealtimeOptions,
): PusherLibrary {
  function customHandler(
    { socketId, channelName }: { socketId: string; channelName?: string },
    done: (error: Error | null, answer: Required<PusherAuth> | null) => void,
  ) {
    const { connection } = pusher;
    const body = { socket_id: socketId, channel_name: channelName };
    // An answer is good for one connection only.
    const isWanted = () => !signal.aborted && connection.state === "connected" && connection.socket_id === socketId;
    const answer: typeof done = (error, auth) => {
      if (isWanted()) done(error, auth);
    };
    retry(() => request("POST /api/pusher/auth", body, false), signal, isWanted).then(
      (auth) => answer(null, auth as Required<PusherAuth>),
      (error: unknown) => answer(toChatError(error), null),
    );
  }

  const pusher = new Library(key, {
    ...host,
    ...(host.wsPort && { wssPort: host.wsPort }),
    enabledTransports: ["ws"],
    activityTimeout: 30_000, // a connection that died silently is noticed after a minute; pings are free
    channelAuthorization: { customHandler },
    userAuthentication: { customHandler },
  });
  pusher.signin(); // so that the server can cut this person's connections
  return pusher;
}
