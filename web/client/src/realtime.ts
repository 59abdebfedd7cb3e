import type PusherLibrary from "pusher-js";
import type { Channel, PresenceChannel } from "pusher-js";
import { type EventMetadata, type OpenStore, updateAll } from "./core.js";
import type { Gateway } from "./gateway.js";
import { retry, sleep } from "./retry.js";
import type { Trust } from "./trust.js";
import type { ChatOptions, PusherAuth, Role, Session } from "./types.js";

/** After how long a connection or channel that was refused is tried again, in milliseconds. */
const RECONNECT_MS = 60_000;

/** What is heard of a channel. No other client event is. */
const EVENTS = [
  "pusher:subscription_succeeded",
  "pusher:subscription_error",
  "new-message",
  "message-updated",
  "messages-read",
  "conversation-updated",
  "client-typing",
  "pusher:member_added",
  "pusher:member_removed",
];

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
  sendTyping: (channelName: ChannelName, side: Role | undefined) => void;
}

export interface RealtimeOptions extends Pick<Gateway, "request" | "loadSession"> {
  loadPusher: NonNullable<ChatOptions["loadPusher"]>;
  stores: ReadonlySet<OpenStore>;
  signal: AbortSignal;
  trust: Trust;
}

export function createRealtime(options: RealtimeOptions): Realtime {
  const { loadSession, loadPusher, stores, signal } = options;
  let pusher: PusherLibrary | undefined;
  let attempt: object | undefined; // to connect; what was begun in an earlier one comes to nothing
  let isUnavailable = false;

  async function open(isFresh: boolean) {
    const own = (attempt = {});
    const session = await loadSession(isFresh).catch(() => undefined);
    const Library = session?.realtime.enabled && (await loadPusher().catch(() => undefined));
    if (own !== attempt) return;
    if (!Library) return markUnavailable();
    if (pusher) pusher.connect();
    else (pusher = connect(Library, session.realtime, options)).connection.bind("state_change", stateChanged);
    update();
    updateAll(stores);
  }

  function stateChanged({ current }: { current: string }) {
    isUnavailable = false;
    if (attempt && /disconnected|failed/.test(current)) void markUnavailable();
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
      attempt = undefined;
      isUnavailable = false;
      pusher?.disconnect(); // and is used again: pusher-js never lets go of one that it has made
    } else if (!attempt) void open(false);
    if (pusher) followStores(pusher, options);
  }

  const connected = () => (pusher?.connection.state === "connected" ? pusher : undefined);
  const channelOf = (channelName: ChannelName) => connected()?.channel(channelName ?? "");
  return {
    update,
    socketId: () => connected()?.connection.socket_id,
    isUnavailable: () => isUnavailable,
    isSubscribed: (channelName) => channelOf(channelName)?.subscribed === true,
    members: (channelName) => membersOf(channelOf(channelName)),
    sendTyping(channelName, side) {
      const channel = channelOf(channelName);
      // Only private and presence channels carry what a client tells.
      if (side && channel?.subscribed && /^(private|presence)-/.test(channel.name))
        channel.trigger("client-typing", { side });
    },
  };
}

function membersOf(channel: Channel | undefined): string[] {
  const { members } = (channel ?? {}) as Partial<PresenceChannel>;
  return channel?.subscribed ? Object.keys((members?.members ?? {}) as object) : [];
}

/** The channels whose events are heard. */
const heard = new WeakSet<Channel>();

/** Subscribes to the channels that open stores follow, and to no other. */
function followStores(pusher: PusherLibrary, { stores, signal, trust }: RealtimeOptions): void {
  const followed = new Set([...stores].map((store) => store.channelName()));
  for (const channel of pusher.allChannels()) {
    if (followed.has(channel.name)) continue;
    channel.unbind();
    heard.delete(channel);
    pusher.unsubscribe(channel.name); // one that is not subscribed yet is only marked, and stays among all channels
  }
  for (const channelName of followed) {
    if (!channelName || heard.has(pusher.channel(channelName))) continue;
    const channel = pusher.subscribe(channelName);
    heard.add(channel);
    for (const event of EVENTS) {
      channel.bind(event, async (data: unknown, metadata?: EventMetadata) => {
        for (const store of [...stores])
          if (store.channelName() === channelName) store.handleEvent(event, data, metadata);
        if (!/^(pusher:|client-)/.test(event)) trust.announced(true);
        if (event !== "pusher:subscription_error") return;
        await sleep(RECONNECT_MS, signal);
        if (pusher.channel(channelName) === channel) pusher.subscribe(channelName);
      });
    }
  }
}

type Authorise = (
  connection: PusherLibrary["connection"],
  asked: { socketId: string; channelName?: string },
  done: (error: Error | null, answer: Required<PusherAuth> | null) => void,
) => void;

/** pusher-js asks once for the right to a channel, and for a sign-in. This asks until it is told. */
function createAuthorise({ request, signal }: RealtimeOptions): Authorise {
  return (connection, { socketId, channelName }, done) => {
    const body = { socket_id: socketId, channel_name: channelName };
    // An answer is good for one connection only.
    const isWanted = () => !signal.aborted && connection.state === "connected" && connection.socket_id === socketId;
    const answer = (error: Error | null, auth: PusherAuth | null) => {
      if (isWanted()) done(error, auth as Required<PusherAuth>);
    };
    retry(() => request("POST /api/pusher/auth", body, false), signal, isWanted).then(
      (auth) => answer(null, auth),
      (error: unknown) => answer(error as Error, null),
    );
  };
}

/** Connects to Pusher. */
function connect(
  Library: typeof PusherLibrary,
  { key, ...host }: Session["realtime"],
  options: RealtimeOptions,
): PusherLibrary {
  let authorise: Authorise | undefined = createAuthorise(options);
  const customHandler = (asked: Parameters<Authorise>[1], done: Parameters<Authorise>[2]) =>
    authorise?.(pusher.connection, asked, done);
  const pusher = new Library(key, {
    ...host,
    ...(host.wsPort && { wssPort: host.wsPort }),
    enabledTransports: ["ws"],
    activityTimeout: 30_000, // a connection that died silently is noticed after a minute; pings are free
    channelAuthorization: { customHandler },
    userAuthentication: { customHandler },
  });
  // pusher-js keeps what it has made for the page's life. That must not keep what the Chat has shown.
  const forget = () => {
    pusher.connection.unbind("state_change");
    authorise = undefined;
  };
  options.signal.addEventListener("abort", forget, { once: true });
  pusher.signin(); // so that the server can cut this person's connections
  return pusher;
}
