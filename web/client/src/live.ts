import type { Channel } from "pusher-js";
import type { ChatError } from "./error.js";
import { isPassing } from "./error.js";
import type { Http } from "./http.js";
import type { Outbox } from "./outbox.js";
import { isAway, isHidden, onPage } from "./page.js";
import { backoff } from "./patience.js";
import type { Realtime } from "./realtime.js";
import type { Lack } from "./thread.js";
import type { Connection, Role, Session, SessionIdentity, Store } from "./types.js";

/** How long to wait for realtime before polling, for a late event before fetching, and in silence before asking, in milliseconds. */
const PATIENCE = 10_000;
export const LATE = 1_000;
const SILENCE = 900_000;
/** For how long a store stays open without a listener: React leaves and comes back at once, a router after a moment. */
const LINGER = 2_000;
/** How soon after a poll the next one comes; longer each time that it finds nothing. */
const POLL = 2_000;

/** What the stores of one Chat have in common. */
export interface Core {
  readonly http: Http;
  readonly realtime: Realtime;
  readonly outbox: Outbox;
  /**
   * The session: asked for once for each token, or with a cookie about once a second, or where it has to be `fresh`. Rejects,
   * and ends the Chat, where it is somebody else's by now.
   */
  session(fresh?: boolean): Promise<Session>;
  /** Whether requests do not get through. */
  offline(): boolean;
  /** Why the Chat has ended; null while it has not. */
  ended(): ChatError | null;
  /** The stores that are open. */
  readonly watchers: Set<Watcher>;
}

/** An open store as the others see it. */
export interface Watcher {
  /** Is told when something that the stores have in common has changed. */
  look(): void;
  /** Is told what an event tells, or the answer to a change. */
  hear(about: About, data: unknown, by?: Metadata): void;
  /** On which it listens. */
  channel?: Channel | undefined;
}

/** The part of a state that says how its store fares. */
export interface Health {
  status: "loading" | "ready" | "error";
  error: ChatError | null;
  connection: Connection;
  me: SessionIdentity | null;
}

export const unborn: Health = { status: "loading", error: null, connection: "connecting", me: null };

/** What is kept current. */
export interface Subject {
  isLoaded(): boolean;
  /** Fetches all that changed, and tells whether anything did. */
  catchUp(): Promise<boolean>;
  /** An event came, or the answer to a change. Either may be of another conversation. */
  received(about: About, data: unknown, by?: Metadata): void;
  lacking(): Lack;
  /** Forgets everything: it is not this user's to see any more. */
  clear(): void;
}

/** A store that keeps a subject current while it is open: by events, and by fetching where those do not come. */
export interface Live<S> {
  /** What of it is the caller's to use. */
  readonly store: Store<S> & { close(): void };
  /** Changes parts of the state, and tells the listeners where that makes a difference. A list of the same items, or an object of the same values, makes none. */
  set(change: Partial<S>): void;
  /** Listens on a channel, once it is known. */
  listen(channel: string | null | undefined): void;
  /** Catches up at once, and again if that is being done already. */
  refresh(): void;
  /** Tells the others on the channel that somebody of a side types, where it allows that. */
  tellTyping(side: Role): void;
  /** Loads more, once at a time. */
  more(flag: keyof S, load: () => Promise<void>): Promise<void>;
}

/** The events, and of what each of them tells. No other client event is heard. */
const EVENTS = {
  "new-message": "message",
  "message-updated": "message",
  "messages-read": "read",
  "conversation-updated": "conversation",
  "client-typing": "typing",
} as const;

/** Whose an event is, where that is a client on a presence channel. */
export interface Metadata {
  user_id?: string;
}

export type About = (typeof EVENTS)[keyof typeof EVENTS];

export function createLive<S extends Health>(core: Core, initial: S, subject: Subject): Live<S> {
  const { realtime, watchers } = core;
  const self: Watcher = { look, hear };
  let isOpen = false;
  let channelName: string | null | undefined;
  let isLate = false; // realtime has not come in time, or will not come
  let isRunning = false;
  let again = false;
  let idle = 0; // how many polls found nothing, or failed
  let failure: ChatError | undefined;
  let deaf: () => void;
  let next: ReturnType<typeof setTimeout> | undefined;
  let patience: typeof next;
  let soon: typeof next;

  let state = initial;
  let lingering: typeof next;
  const listeners = new Set<() => void>();

  function set(change: Partial<S> | Partial<Health>) {
    const before = state;
    for (const key in change) {
      const value = change[key as never];
      if (!isSame(state[key as keyof S], value)) state = { ...state, [key]: value };
    }
    if (state !== before) listeners.forEach((listener) => listener());
  }

  function subscribe(listener: () => void) {
    const own = () => listener(); // the same function may listen twice
    listeners.add(own);
    clearTimeout(lingering);
    open();
    return () => {
      listeners.delete(own);
      clearTimeout(lingering);
      if (!listeners.size) lingering = setTimeout(close, LINGER);
    };
  }

  function open() {
    if (isOpen) return;
    isOpen = true;
    idle = 0;
    deaf = onPage(() => void (isAway() ? look() : refresh()));
    watchers.add(self);
    if (watchers.size === 1) realtime.open();
    refresh();
  }

  function close() {
    if (!isOpen) return;
    isOpen = isLate = false;
    [next, patience, soon].forEach(clearTimeout);
    patience = soon = channelName = undefined;
    deaf();
    leave();
    watchers.delete(self);
    if (!watchers.size) realtime.close();
    set({ connection: "connecting" });
  }

  /** Finds out how we hear of changes by now. */
  function look() {
    if (!isOpen) return;
    const error = core.ended();
    if (error) {
      close();
      subject.clear();
      return set({ ...initial, status: "error", error });
    }
    join();
    const isLive = self.channel?.subscribed && self.channel.pusher.connection.state === "connected";
    if (isLive) {
      clearTimeout(patience);
      patience = undefined;
      isLate = false;
    } else {
      isLate ||= realtime.isRefused();
      patience ??= setTimeout(() => {
        isLate = true;
        look();
      }, PATIENCE);
    }
    const connection = core.offline() ? "offline" : isLive ? "live" : isLate ? "polling" : "connecting";
    if (connection === state.connection) return;
    set({ connection });
    if (!failure) idle = 0;
    schedule();
  }

  /** Sets the one timer by which the next catch-up comes, if nothing else brings it. */
  function schedule() {
    clearTimeout(next);
    const { connection } = state;
    if (!isOpen || isRunning || (failure ? !isPassing(failure) : connection === "connecting")) return;
    next = setTimeout(
      () => {
        if (connection === "live" || !isHidden()) refresh();
      },
      connection === "live" && !failure ? SILENCE : backoff(idle, POLL, failure),
    );
  }

  async function refresh() {
    look();
    again = isRunning;
    if (!isOpen || isRunning) return;
    isRunning = true;
    do {
      again = false;
      try {
        idle = (await subject.catchUp()) ? 0 : idle + 1;
        failure = undefined;
        if (subject.isLoaded()) set({ status: "ready", error: null });
      } catch (error) {
        idle = failure ? idle + 1 : 0;
        failure = error as ChatError;
        set({ status: subject.isLoaded() && isPassing(failure) ? "ready" : "error", error: failure });
      }
    } while (again && isOpen);
    isRunning = false;
    look();
    schedule();
  }

  /** Listens on the channel, once there are both it and a connection. */
  function join() {
    const { channel } = self;
    const pusher = realtime.pusher();
    if (channel?.pusher === pusher && channel?.name === channelName) return;
    leave();
    if (!pusher || !channelName) return;
    const joined = (self.channel = pusher.subscribe(channelName));
    const refused = () => {
      isLate = true;
      look();
    };
    joined.bind("pusher:subscription_succeeded", refresh, self);
    joined.bind("pusher:subscription_error", refused, self);
    for (const [event, about] of Object.entries(EVENTS) as [string, About][]) {
      joined.bind(event, hear.bind(null, about), self);
    }
    if (joined.subscribed) refresh(); // another store listens on it already
  }

  function leave() {
    const { channel } = self;
    self.channel = undefined;
    channel?.unbind(undefined, undefined, self);
    if (channel && ![...watchers].some((other) => other.channel === channel)) channel.pusher.unsubscribe(channel.name);
  }

  function hear(about: About, data: unknown, by?: Metadata) {
    subject.received(about, data, by);
    schedule();
    mend();
  }

  /** Fetches what an event shows to be missing: a text at once, a hole only if no late event closes it. */
  function mend() {
    const lack = subject.lacking();
    if (!lack) return;
    const fetch = () => {
      soon = undefined;
      if (subject.lacking()) refresh();
    };
    soon ??= setTimeout(fetch, lack === "text" ? 0 : LATE);
  }

  return {
    store: { getSnapshot: () => state, subscribe, close },
    set,
    refresh,
    listen(channel) {
      channelName = channel;
      look();
    },
    tellTyping(side) {
      // Only private and presence channels carry what a client tells.
      const { channel } = self;
      if (channel?.subscribed && /^pr/.test(channel.name)) channel.trigger("client-typing", { side });
    },
    async more(flag, load) {
      if (state[flag]) return;
      set({ [flag]: true } as Partial<S>);
      const error = await load().then(() => null, (error: ChatError) => error);
      set({ [flag]: false, error } as Partial<S>);
    },
  };
}

/** Whether two values of one field are the same, or hold the same. */
function isSame(a: any, b: any): boolean {
  return a === b || (typeof a === "object" && a && b && Object.keys({ ...a, ...b }).every((key) => a[key] === b[key]));
}
