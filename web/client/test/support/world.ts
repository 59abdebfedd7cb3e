import { EventEmitter } from "node:events";
import type Pusher from "pusher-js";
import { vi } from "vitest";
import { createChat } from "../../src/index.js";
import type { Chat, ChatOptions, Session, SessionIdentity } from "../../src/index.js";
import { FileStore } from "./files.js";
import { ModelInbox } from "./server.js";
import { MapStorage } from "./storage.js";

export const grace: SessionIdentity = { id: "42", role: "client", name: "Grace" };
export const ada: SessionIdentity = { id: "ada", role: "developer", name: "Ada" };

/** A request as the scripted server sees it. */
export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
  token: string | null;
  /** When, on the fake clock. */
  at: number;
}

type Reply = Response | Promise<Response>;

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });

export const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  json({ type: "about:blank", title: code, status, detail: `It is ${code}.`, code, requestId: "r-1" }, status, {
    "X-Request-Id": "r-1",
    ...headers,
  });

/** What somebody else answers: a firewall, a hotel, or the app itself. */
export const page = (status: number, type = "text/html") =>
  new Response("<html>Not what you asked for</html>", { status, headers: { "Content-Type": type } });

/** A token as an app's backend would make it, good for so many seconds. */
export const jwt = (secondsToLive: number, name = "token") => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256" })}.${part({ name: `${name} ü?>`, exp: Math.floor(Date.now() / 1000) + secondsToLive })}.signature`;
};

/** A channel of the stand-in for pusher-js. */
class FakeChannel {
  subscribed = false;
  /** Whether the right to it is being asked for, and whether it is to be left as soon as that has come. */
  isPending = false;
  isCancelled = false;
  /** Who is there, as pusher-js has it on a presence channel. */
  members?: { members: Record<string, object> };
  readonly told: [event: string, data: unknown][] = [];
  private handlers: { event: string; handler: (data: unknown, about: object) => void }[] = [];
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  bind(event: string, handler: (data: unknown, about: object) => void) {
    this.handlers.push({ event, handler });
  }

  unbind() {
    this.handlers = [];
  }

  trigger(event: string, data: unknown) {
    this.told.push([event, data]);
  }

  emit(event: string, data: unknown = {}, about: object = {}) {
    for (const bound of this.handlers.filter((h) => h.event === event)) bound.handler(data, about);
  }
}

interface Handlers {
  channelAuthorization: {
    customHandler: (
      asked: { socketId: string; channelName: string },
      done: (error: Error | null, data: unknown) => void,
    ) => void;
  };
  userAuthentication: {
    customHandler: (asked: { socketId: string }, done: (error: Error | null, data: unknown) => void) => void;
  };
}

/** Stands in for pusher-js where only timing matters: the tests say when it connects. */
export class FakePusher {
  readonly channels = new Map<string, FakeChannel>();
  readonly left: string[] = [];
  signedIn = 0;
  private readonly listeners: ((change: { current: string }) => void)[] = [];
  private sockets = 0;
  readonly connection = {
    state: "connecting",
    socket_id: undefined as string | undefined,
    bind: (_event: string, listener: (change: { current: string }) => void) => this.listeners.push(listener),
    unbind: () => (this.listeners.length = 0),
  };

  readonly key: string;
  readonly options: Handlers & Record<string, unknown>;

  constructor(key: string, options: Handlers & Record<string, unknown>) {
    this.key = key;
    this.options = options;
  }

  /** Lets the connection get into a state, as pusher-js would: it never forgets the last socket's id. */
  become(state: string) {
    this.connection.state = state;
    if (state === "connected") this.connection.socket_id = `1.${++this.sockets}`;
    [...this.listeners].forEach((listener) => listener({ current: state }));
    if (state !== "connected")
      for (const channel of this.channels.values()) channel.subscribed = channel.isPending = false;
    else {
      this.channels.forEach((channel) => this.authorise(channel));
      if (this.signedIn)
        this.options.userAuthentication.customHandler({ socketId: this.connection.socket_id! }, () => {});
    }
  }

  private authorise(channel: FakeChannel) {
    const socketId = this.connection.socket_id!;
    channel.isPending = true;
    channel.isCancelled = false;
    this.options.channelAuthorization.customHandler({ socketId, channelName: channel.name }, (error) => {
      channel.isPending = false;
      channel.subscribed = !error;
      if (channel.subscribed && channel.isCancelled) {
        this.unsubscribe(channel.name);
        return;
      }
      if (error) channel.emit("pusher:subscription_error", { status: 403 });
      else channel.emit("pusher:subscription_succeeded");
    });
  }

  subscribe(name: string) {
    const channel = this.channels.get(name) ?? new FakeChannel(name);
    this.channels.set(name, channel);
    if (channel.isPending) channel.isCancelled = false;
    else if (this.connection.state === "connected" && !channel.subscribed) this.authorise(channel);
    return channel;
  }

  /** Like pusher-js it keeps a channel that it has asked for, until the answer comes. */
  unsubscribe(name: string) {
    const channel = this.channels.get(name);
    if (channel?.isPending) {
      channel.isCancelled = true;
      return;
    }
    this.left.push(name);
    this.channels.delete(name);
  }

  channel(name: string) {
    return this.channels.get(name);
  }

  allChannels() {
    return [...this.channels.values()];
  }

  signin() {
    this.signedIn++;
  }

  connect() {
    this.become("connecting");
  }

  disconnect() {
    this.become("disconnected");
  }
}

/** A page with a network and a spectator, a scripted server, and Chats that live there on a fake clock. */
export class World {
  private static readonly chats: Chat[] = [];
  readonly asked: Asked[] = [];
  readonly pushers: FakePusher[] = [];
  readonly storage = new MapStorage();
  readonly inbox = new ModelInbox();
  readonly files = new FileStore();
  readonly conversation = this.inbox.of("42");
  me = grace;
  realtime: Partial<Session["realtime"]> = {};
  /** What a file may be; null where none is taken. */
  limits: Session["limits"]["attachment"] = null;
  token = "token";
  /** Whether nothing gets through. */
  isCut = false;
  /** Comes between every request and the server, if it is set: the network. */
  network: ((asked: Asked, serve: () => Response) => Reply) | undefined;
  private readonly tokens = new Map<string, SessionIdentity>();
  /** What the server answers to `METHOD /path` in place of the usual, one after the other; a function for always. */
  readonly script = new Map<string, (() => Reply)[] | ((asked: Asked) => Reply)>();
  private readonly page = new EventEmitter().setMaxListeners(0); // every wait listens
  private readonly document = { visibilityState: "visible" };
  private readonly navigator: { onLine: boolean; locks?: unknown } = { onLine: true };

  constructor({ locks }: { locks?: FakeLocks } = {}) {
    // What an earlier world has left behind would go on in this one.
    for (const chat of World.chats.splice(0)) chat.close();
    vi.useFakeTimers();
    vi.spyOn(Math, "random").mockReturnValue(0);
    if (locks) this.navigator.locks = locks;
    vi.stubGlobal("fetch", (url: string, init: RequestInit) => this.fetch(url, init));
    vi.stubGlobal("navigator", this.navigator);
    vi.stubGlobal("document", this.document);
    vi.stubGlobal("addEventListener", (event: string, handler: () => void) => this.page.on(event, handler));
    vi.stubGlobal("removeEventListener", (event: string, handler: () => void) => this.page.off(event, handler));
  }

  chat(options: ChatOptions = {}): Chat {
    const chat = createChat({
      storage: this.storage,
      // Whoever has signed in has a token of their own.
      getToken: () => {
        const token = this.me === grace ? this.token : `${this.token} of ${this.me.role} ${this.me.id}`;
        this.tokens.set(`Bearer ${token}`, this.me);
        return Promise.resolve(token);
      },
      loadPusher: () => {
        const { pushers } = this;
        class Recorded extends FakePusher {
          constructor(key: string, settings: Handlers & Record<string, unknown>) {
            super(key, settings);
            pushers.push(this);
          }
        }
        return Promise.resolve(Recorded as unknown as typeof Pusher);
      },
      ...options,
    });
    World.chats.push(chat);
    return chat;
  }

  get pusher(): FakePusher {
    return this.pushers.at(-1)!;
  }

  channel(name = "private-client-42") {
    const channel = this.pusher.channel(name);
    if (!channel) throw new Error(`nobody listens on ${name}`);
    return channel;
  }

  online(is: boolean) {
    this.navigator.onLine = is;
    this.page.emit(is ? "online" : "offline");
  }

  visible(is: boolean) {
    this.document.visibilityState = is ? "visible" : "hidden";
    this.page.emit("visibilitychange");
  }

  /** What was asked of one function. */
  of(method: string, path: string): Asked[] {
    return this.asked.filter((a) => a.method === method && a.path === path);
  }

  get lists() {
    return this.of("GET", "/api/messages/list");
  }

  get sends() {
    return this.of("POST", "/api/messages/send");
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    const { pathname: path, searchParams: query } = new URL(url, "https://page.example");
    const headers = new Headers(init.headers);
    const asked: Asked = {
      method: init.method!,
      path,
      query,
      body: JSON.parse((init.body ?? "{}") as string) as Record<string, unknown>,
      token: headers.get("Authorization"),
      at: Date.now(),
    };
    this.asked.push(asked);
    if (this.isCut) throw new TypeError("Failed to fetch");
    if (this.network) return this.network(asked, () => this.answer(asked));
    const scripted = this.script.get(`${asked.method} ${path}`);
    if (typeof scripted === "function") return scripted(asked);
    const next = scripted?.shift();
    return next ? next() : this.answer(asked);
  }

  /** What a server that works answers. */
  answer({ method, path, query, body, token }: Asked): Response {
    const me = this.tokens.get(token ?? "") ?? this.me;
    const own = me.role === "client" ? me.id : this.conversation.clientId;
    const clientId = query.get("clientId") ?? (body["clientId"] as string | undefined) ?? own;
    const conversation = this.inbox.of(clientId);
    switch (`${method} ${path}`) {
      case "GET /api/session":
        return json(this.session(me));
      case "GET /api/messages/list": {
        const number = (name: string) => (query.has(name) ? Number(query.get(name)) : undefined);
        const [before, changedSince] = [number("before"), number("changedSince")];
        return json(
          conversation.list({ ...(before && { before }), ...(changedSince !== undefined && { changedSince }) }, 5),
        );
      }
      case "POST /api/attachments":
        return json(this.files.begin(me, clientId, body as never), 201);
      case "GET /api/attachments":
        return json({ attachments: this.files.links(query.get("ids")!.split(",")) });
      case "POST /api/messages/send": {
        const files = this.files.claim((body["attachmentIds"] ?? []) as string[], clientId);
        if (!files) return problem(422, "validation_failed");
        const key = body["clientMessageId"] as string;
        const { message } = conversation.send(me, body["body"] as string, key, files);
        return json({ message, conversation: conversation.conversation(), realtime: "delivered" }, 201);
      }
      case "POST /api/messages/read": {
        conversation.markRead(me.role, body["upToSeq"] as number);
        return json({
          clientId,
          side: me.role,
          upToSeq: conversation.read[me.role],
          readAt: null,
          unread: conversation.unread(me.role),
          conversation: conversation.conversation(),
        });
      }
      case "GET /api/conversations/list": {
        if (me.role !== "developer") return problem(403, "forbidden");
        const text = (name: string) => query.get(name) ?? undefined;
        const [since, cursor] = [text("since"), text("cursor")];
        if (since) return json(this.inbox.since(since, 2, cursor));
        const filter = {
          status: text("status") as "open" | "closed" | "all" | undefined,
          unread: query.has("unread"),
          assigneeId: text("assigneeId"),
          q: text("q"),
        };
        return json(this.inbox.list(filter, 3, cursor));
      }
      case "POST /api/conversations/update": {
        const change = { ...body };
        delete change["clientId"];
        delete change["socketId"];
        conversation.update(change);
        return json({ conversation: conversation.conversation() });
      }
      case "POST /api/pusher/auth":
        return json({ auth: "key:signature" });
      case "DELETE /api/session":
        return new Response(null, { status: 204 });
      default:
        return problem(404, "not_found");
    }
  }

  session(me = this.me): Session {
    const isClient = me.role === "client";
    return {
      identity: me,
      realtime: {
        enabled: true,
        key: "key",
        cluster: "eu",
        forceTLS: true,
        authEndpoint: "/api/pusher/auth",
        channels: isClient
          ? { conversation: `private-client-${me.id}`, inbox: null }
          : { conversation: null, inbox: "private-developer-inbox" },
        ...this.realtime,
      },
      limits: { bodyCodePoints: 8000, pageSize: 100, attachment: this.limits },
    };
  }

  /** Lets so many milliseconds pass, and all that happens in them. */
  async pass(milliseconds: number) {
    await vi.advanceTimersByTimeAsync(milliseconds);
  }

  /** A Chat whose conversation is open, subscribed and quiet. */
  async live(options: ChatOptions = {}) {
    const chat = this.chat(options);
    const store = chat.conversation();
    const leave = store.subscribe(() => {});
    await this.pass(0);
    this.pusher.become("connected");
    await this.pass(0);
    this.asked.length = 0;
    return { chat, store, leave };
  }
}

/** navigator.locks for exclusive locks that are held until their holder is gone. */
export class FakeLocks {
  private readonly queues = new Map<string, Promise<unknown>>();

  request(name: string, callback: () => unknown): Promise<unknown> {
    const before = this.queues.get(name) ?? Promise.resolve();
    const mine = before.then(callback);
    this.queues.set(
      name,
      mine.catch(() => {}),
    );
    return mine;
  }
}
