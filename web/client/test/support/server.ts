import type {
  Attachment,
  Conversation,
  InboxFilter,
  InboxPage,
  Message,
  MessagePage,
  Received,
  Role,
  SessionIdentity,
  TeamMember,
} from "../../src/types.js";

/** What the server would announce of a change. An event is made when it is delivered, and may show a later state. */
export type Announcement =
  | { event: "new-message" | "message-updated"; data: () => Received }
  | { event: "messages-read"; data: () => { side: Role; upToSeq: number; version: number } }
  | { event: "conversation-updated"; data: () => Conversation };

/** One conversation as the server keeps it, by the contract's rules: the model that a receiver is measured against. */
export class ModelConversation {
  private static clock = 0;
  /** How many messages share a millisecond, and so what the server shows of their time. */
  static perMillisecond = 1;
  readonly messages: Message[] = [];
  version = 0;
  status: "open" | "closed" = "open";
  assigneeId: string | null = null;
  readonly read = { client: 0, developer: 0 };
  clientName: string | null = null;
  /** When the last message came, as exactly as the server knows it. */
  lastAt = 0;
  readonly clientId: string;

  constructor(clientId = "42") {
    this.clientId = clientId;
  }

  send(
    sender: SessionIdentity,
    body: string,
    clientMessageId: string | null,
    attachments: Attachment[] = [],
  ): { message: Message; announced: Announcement[] } {
    const had = this.messages.find(
      (m) =>
        clientMessageId &&
        m.clientMessageId === clientMessageId &&
        m.sender.id === sender.id &&
        m.sender.role === sender.role,
    );
    if (had) return { message: had, announced: [] };
    const reopened = sender.role === "client" && this.status === "closed";
    if (sender.role === "client") this.status = "open";
    const seq = this.messages.length + 1;
    this.lastAt = ++ModelConversation.clock;
    const message: Message = {
      id: `id-${seq}`,
      clientId: this.clientId,
      seq,
      version: ++this.version,
      sender: { ...sender },
      body,
      attachments,
      clientMessageId,
      createdAt: new Date(
        Date.UTC(2026, 0, 1) + Math.floor(this.lastAt / ModelConversation.perMillisecond),
      ).toISOString(),
      editedAt: null,
      deletedAt: null,
    };
    this.messages.push(message);
    const announced: Announcement[] = [{ event: "new-message", data: () => this.message(seq) }];
    if (reopened) announced.push({ event: "conversation-updated", data: () => this.conversation()! });
    return { message, announced };
  }

  edit(seq: number, body: string): Announcement[] {
    const message = this.message(seq);
    if (message.deletedAt) return [];
    return this.replace({ ...message, body, editedAt: "2026-01-02T00:00:00.000Z" });
  }

  delete(seq: number): Announcement[] {
    const message = this.message(seq);
    if (message.deletedAt) return [];
    return this.replace({ ...message, body: "", deletedAt: "2026-01-02T00:00:00.000Z" });
  }

  private replace(message: Message): Announcement[] {
    this.messages[message.seq - 1] = { ...message, version: ++this.version };
    return [{ event: "message-updated", data: () => this.message(message.seq) }];
  }

  markRead(side: Role, upToSeq: number): Announcement[] {
    const mark = Math.min(upToSeq, this.messages.length);
    if (mark <= this.read[side]) return [];
    this.read[side] = mark;
    const version = ++this.version;
    return [{ event: "messages-read", data: () => ({ side, upToSeq: this.read[side], version }) }];
  }

  update(change: { status?: "open" | "closed"; assigneeId?: string | null; clientName?: string }): Announcement[] {
    Object.assign(this, change);
    this.version++;
    return [{ event: "conversation-updated", data: () => this.conversation()! }];
  }

  message(seq: number): Message {
    const message = this.messages[seq - 1];
    if (!message) throw new Error(`no message ${seq}`);
    return message;
  }

  unread(side: Role): number {
    return this.messages.filter((m) => m.seq > this.read[side] && m.sender.role !== side).length;
  }

  conversation(): Conversation | null {
    const last = this.messages.at(-1);
    if (!last) return null;
    return {
      clientId: this.clientId,
      channel: `private-client-${this.clientId}`,
      clientName: this.clientName,
      clientEmail: null,
      status: this.status,
      assigneeId: this.assigneeId,
      online: null,
      lastSeenAt: null,
      lastSeq: last.seq,
      lastMessage: { seq: last.seq, senderRole: last.sender.role, preview: last.body, createdAt: last.createdAt },
      read: { ...this.read },
      unread: { client: this.unread("client"), developer: this.unread("developer") },
      version: this.version,
      createdAt: "2026-01-01T00:00:00.000Z",
      updatedAt: "2026-01-01T00:00:00.000Z",
    };
  }

  /** Answers what GET /api/messages/list would. */
  list(bounds: { before?: number; changedSince?: number }, limit: number): MessagePage {
    const { before = Infinity, changedSince } = bounds;
    const found =
      changedSince === undefined
        ? this.messages.filter((m) => m.seq < before).reverse()
        : this.messages.filter((m) => m.version > changedSince).sort((a, b) => a.version - b.version);
    const messages = found.slice(0, limit);
    if (changedSince === undefined) messages.reverse();
    return { messages, hasMore: found.length > limit, conversation: this.conversation() };
  }
}

/** Many conversations, as the developers' inbox of the server gives them. */
export class ModelInbox {
  readonly conversations = new Map<string, ModelConversation>();
  team: TeamMember[] = [];

  of(clientId: string): ModelConversation {
    const found = this.conversations.get(clientId) ?? new ModelConversation(clientId);
    this.conversations.set(clientId, found);
    return found;
  }

  private all(): Conversation[] {
    return [...this.conversations.values()].flatMap((c) => c.conversation() ?? []);
  }

  /** Where a conversation stands: by microseconds, which no answer shows. */
  private place({ clientId }: Conversation): string {
    return `${String(this.of(clientId).lastAt).padStart(12, "0")} ${clientId}`;
  }

  /** Those that a filter lets through, the newest message first. */
  matching({ status = "open", unread, assigneeId, q }: InboxFilter): Conversation[] {
    return this.all()
      .filter((c) => status === "all" || c.status === status)
      .filter((c) => !unread || c.unread.developer > 0)
      .filter((c) => !assigneeId || (c.assigneeId ?? "none") === assigneeId)
      .filter((c) => !q || `${c.clientName ?? ""}\n${c.clientId}`.toLowerCase().includes(q.toLowerCase()))
      .sort((a, b) => (this.place(a) < this.place(b) ? 1 : -1));
  }

  totals() {
    const all = this.all();
    return {
      open: all.filter((c) => c.status === "open").length,
      unread: all.filter((c) => c.unread.developer > 0).length,
    };
  }

  private page(conversations: Conversation[], limit: number, cursorOf: (c: Conversation) => string): InboxPage {
    const page = conversations.slice(0, limit);
    const token = JSON.stringify(Object.fromEntries(this.all().map((c) => [c.clientId, c.version])));
    return {
      conversations: page,
      nextCursor: conversations.length > limit ? cursorOf(page.at(-1)!) : null,
      totals: this.totals(),
      team: structuredClone(this.team),
      syncToken: token,
    };
  }

  /** Answers GET /api/conversations/list under a filter. */
  list(filter: InboxFilter, limit: number, cursor?: string): InboxPage {
    const place = (c: Conversation) => this.place(c);
    return this.page(
      this.matching(filter).filter((c) => !cursor || place(c) < cursor),
      limit,
      place,
    );
  }

  /** Answers GET /api/conversations/list with `since`. */
  since(token: string, limit: number, cursor?: string): InboxPage {
    const versions = JSON.parse(token) as Record<string, number>;
    const changed = this.all().filter(
      (c) => c.version > (versions[c.clientId] ?? 0) && (!cursor || c.clientId > cursor),
    );
    return this.page(
      changed.sort((a, b) => (a.clientId < b.clientId ? -1 : 1)),
      limit,
      (c) => c.clientId,
    );
  }
}
