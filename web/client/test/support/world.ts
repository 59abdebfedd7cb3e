import type Pusher from "pusher-js";
import { vi } from "vitest";
import { createChat } from "../../src/index.js";
import type { Chat, ChatOptions, Session, SessionIdentity } from "../../src/index.js";
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
  json({ type: "about:blank", title: code, status, detail: `It is ${code}.`, code, requestId: "r-1" }, status, { "X-Request-Id": "r-1", ...headers });

/** A channel of the stand-in for pusher-js. */
class FakeChannel {
  subscribed = false;
  readonly told: [event: string, data: unknown][] = [];
  private handlers: { event: string; handler: (data: unknown, about: object) => void; context: unknown }[] = [];

  constructor(readonly name: string, readonly pusher: FakePusher) {}

  bind(event: string, handler: (data: unknown, about: object) => void, context: unknown) {
    this.handlers.push({ event, handler, context });
  }

  unbind(_event: undefined, _handler: undefined, context: unknown) {
    this.handlers = this.handlers.filter((h) => h.context !== context);
  }

  trigger(event: string, data: unknown) {
    this.told.push([event, data]);
  }

  emit(event: string, data: unknown = {}, about: object = {}) {
    for (const h of this.handlers.filter((h) => h.event === event)) h.handler(data, about);
  }
}

interface Handlers {
  channelAuthorization: { customHandler: (asked: { socketId: string; channelName: string }, done: (error: Error | null, data: unknown) => void) => void };
  userAuthentication: { customHandler: (asked: { socketId: string }, done: (error: Error | null, data: unknown) => void) => void };
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

  constructor(
    readonly key: string,
    readonly options: Handlers & Record<string, unknown>,
  ) {}

  /** Lets the connection get into a state, as pusher-js would. */
  become(state: string) {
    this.connection.state = state;
    this.connection.socket_id = state === "connected" ? `1.${++this.sockets}` : undefined;
    [...this.listeners].forEach((listener) => listener({ current: state }));
    if (state !== "connected") for (const channel of this.channels.values()) channel.subscribed = false;
    else {
      this.channels.forEach((channel) => this.authorise(channel));
      if (this.signedIn) this.options.userAuthentication.customHandler({ socketId: this.connection.socket_id! }, () => {});
    }
  }

  private authorise(channel: FakeChannel) {
    const socketId = this.connection.socket_id!;
    this.options.channelAuthorization.customHandler({ socketId, channelName: channel.name }, (error) => {
      if (error) return channel.emit("pusher:subscription_error", { status: 403 });
      channel.subscribed = true;
      channel.emit("pusher:subscription_succeeded");
    });
  }

  subscribe(name: string) {
    const channel = this.channels.get(name) ?? new FakeChannel(name, this);
    this.channels.set(name, channel);
    if (this.connection.state === "connected" && !channel.subscribed) this.authorise(channel);
    return channel;
  }

  unsubscribe(name: string) {
    this.left.push(name);
    this.channels.delete(name);
  }

  channel(name: string) {
    return this.channels.get(name);
  }

  signin() {
    this.signedIn++;
  }

  connect() {
    this.become("connecting");
  }

  disconnect() {
    this.connection.state = "disconnected";
  }
}

/** A page with a network and a spectator, a scripted server, and Chats that live there on a fake clock. */
export class World {
  readonly asked: Asked[] = [];
  readonly pushers: FakePusher[] = [];
  readonly storage = new MapStorage();
  readonly inbox = new ModelInbox();
  readonly conversation = this.inbox.of("42");
  me = grace;
  realtime: Partial<Session["realtime"]> = {};
  token = "token";
  /** Whether nothing gets through. */
  isCut = false;
  /** What the server answers to `METHOD /path` in place of the usual, one after the other; a function for always. */
  readonly script = new Map<string, (() => Reply)[] | ((asked: Asked) => Reply)>();
  private readonly page = new EventTarget();
  private readonly document = { visibilityState: "visible" };
  private readonly navigator: { onLine: boolean; locks?: unknown } = { onLine: true };

  constructor({ locks }: { locks?: FakeLocks } = {}) {
    vi.useFakeTimers();
    vi.spyOn(Math, "random").mockReturnValue(0);
    if (locks) this.navigator.locks = locks;
    vi.stubGlobal("fetch", (url: string, init: RequestInit) => this.fetch(url, init));
    vi.stubGlobal("navigator", this.navigator);
    vi.stubGlobal("document", this.document);
    vi.stubGlobal("addEventListener", (event: string, handler: () => void) => this.page.addEventListener(event, handler));
    vi.stubGlobal("removeEventListener", (event: string, handler: () => void) => this.page.removeEventListener(event, handler));
  }

  chat(options: ChatOptions = {}): Chat {
    return createChat({
      storage: this.storage,
      // Whoever has signed in has a token of their own.
      getToken: async () => (this.me === grace ? this.token : `${this.token} of ${this.me.role} ${this.me.id}`),
      loadPusher: async () => {
        const world = this;
        return class extends FakePusher {
          constructor(key: string, options: Handlers & Record<string, unknown>) {
            super(key, options);
            world.pushers.push(this);
          }
        } as unknown as typeof Pusher;
      },
      ...options,
    });
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
    this.page.dispatchEvent(new Event(is ? "online" : "offline"));
  }

  visible(is: boolean) {
    this.document.visibilityState = is ? "visible" : "hidden";
    this.page.dispatchEvent(new Event("visibilitychange"));
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
      body: init.body ? JSON.parse(init.body as string) : {},
      token: headers.get("Authorization"),
      at: Date.now(),
    };
    this.asked.push(asked);
    if (this.isCut) throw new TypeError("Failed to fetch");
    const scripted = this.script.get(`${asked.method} ${path}`);
    if (typeof scripted === "function") return scripted(asked);
    const next = scripted?.shift();
    return next ? next() : this.answer(asked);
  }

  /** What a server that works answers. */
  answer({ method, path, query, body }: Asked): Response {
    const clientId = query.get("clientId") ?? (body["clientId"] as string | undefined) ?? this.conversation.clientId;
    const conversation = this.inbox.of(clientId);
    switch (`${method} ${path}`) {
      case "GET /api/session":
        return json(this.session());
      case "GET /api/messages/list": {
        const number = (name: string) => (query.has(name) ? Number(query.get(name)) : undefined);
        const [before, changedSince] = [number("before"), number("changedSince")];
        return json(conversation.list({ ...(before && { before }), ...(changedSince !== undefined && { changedSince }) }, 5));
      }
      case "POST /api/messages/send": {
        const { message } = conversation.send(this.me, body["body"] as string, body["clientMessageId"] as string);
        return json({ message, conversation: conversation.conversation(), realtime: "delivered" }, 201);
      }
      case "POST /api/messages/read": {
        conversation.markRead(this.me.role, body["upToSeq"] as number);
        return json({ clientId, side: this.me.role, upToSeq: conversation.read[this.me.role], readAt: null, unread: conversation.unread(this.me.role), conversation: conversation.conversation() });
      }
      case "GET /api/conversations/list": {
        if (this.me.role !== "developer") return problem(403, "forbidden");
        const text = (name: string) => query.get(name) ?? undefined;
        const [since, cursor] = [text("since"), text("cursor")];
        if (since) return json(this.inbox.since(since, 2, cursor));
        const filter = { status: text("status") as "open" | "closed" | "all" | undefined, unread: query.has("unread"), assigneeId: text("assigneeId"), q: text("q") };
        return json(this.inbox.list(filter, 3, cursor));
      }
      case "POST /api/conversations/update": {
        const { clientId, socketId, ...change } = body as { clientId: string; socketId: string; status?: "open" | "closed" };
        const changed = this.inbox.of(clientId);
        changed.update(change);
        return json({ conversation: changed.conversation() });
      }
      case "POST /api/pusher/auth":
        return json({ auth: "key:signature" });
      case "DELETE /api/session":
        return new Response(null, { status: 204 });
      default:
        return problem(404, "not_found");
    }
  }

  session(): Session {
    const isClient = this.me.role === "client";
    return {
      identity: this.me,
      realtime: {
        enabled: true,
        key: "key",
        cluster: "eu",
        forceTLS: true,
        authEndpoint: "/api/pusher/auth",
        channels: isClient ? { conversation: `private-client-${this.me.id}`, inbox: null } : { conversation: null, inbox: "private-developer-inbox" },
        ...this.realtime,
      },
      limits: { bodyCodePoints: 8000, pageSize: 100, attachment: null },
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
    this.queues.set(name, mine.catch(() => {}));
    return mine;
  }
}
