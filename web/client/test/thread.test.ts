import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChatError } from "../src/error.js";
import {
  type Thread,
  changesLoaded,
  contiguousSeq,
  conversationReceived,
  emptyThread,
  findGap,
  firstPageLoaded,
  identityLoaded,
  isSentBy,
  loadedMessages,
  messageReceived,
  messageWritten,
  olderPageLoaded,
  readMarkMoved,
  sendFailed,
  sendRetried,
  unreadCount,
} from "../src/thread-reducer.js";
import type { Conversation, MessagePage, Received, SessionIdentity } from "../src/types.js";
import { type Announcement, ModelConversation } from "./support/server.js";

const grace: SessionIdentity = { id: "42", role: "client", name: "Grace" };
const ada: SessionIdentity = { id: "ada", role: "developer", name: "Ada" };
const namesake: SessionIdentity = { id: "42", role: "developer", name: "A developer whose id is the client's" };
const people = [grace, ada, namesake];

/** How many histories. 100,000 take half a minute: `HISTORIES=100000 npm test` tries so many. */
const HISTORIES = Number(process.env["HISTORIES"] ?? 20_000);

/** Everything a network, Pusher and the people at both ends can do to one receiver, chosen by numbers. */
class Receiver {
  readonly server = new ModelConversation();
  thread: Thread = emptyThread;
  private readonly air: Announcement[] = [];
  private readonly requests: { id: string; body: string; stored: boolean }[] = [];
  private catchUp: MessagePage | undefined;
  private older: MessagePage | undefined;
  private readonly answers: { message?: Received; conversation: Conversation | null }[] = [];
  private writings = 0;

  readonly me: SessionIdentity;

  constructor(me: SessionIdentity) {
    this.me = me;
  }

  become(next: Thread) {
    const before = this.thread;
    this.thread = next;
    if (this.thread.fetchedVersion < before.fetchedVersion) throw new Error("the fetched version went back");
    if ((this.thread.conversation?.version ?? 0) < (before.conversation?.version ?? 0))
      throw new Error("the conversation went back");
    for (const side of ["client", "developer"] as const) {
      if (this.thread.read[side] < before.read[side]) throw new Error(`the read mark of the ${side} went back`);
    }
    let last = 0;
    for (const m of this.thread.messages) {
      if (m.seq <= last) throw new Error("not ascending");
      last = m.seq;
      if (isSentBy(m, this.thread.me) && this.thread.pending.some((w) => w.id === m.clientMessageId))
        throw new Error("shown twice");
    }
  }

  step(number: number) {
    const what = number % 16;
    const choice = Math.floor(number / 16);
    const pick = <T>(from: readonly T[]) => from[choice % from.length];
    const { server } = this;
    switch (what) {
      case 0:
      case 1: {
        // somebody writes, perhaps with a key that we have as well
        const sender = pick(people)!;
        const key = sender !== this.me && choice % 2 ? `mine-${choice % 5}` : null;
        this.air.push(...server.send(sender, `text ${choice}`, key).announced);
        break;
      }
      case 2:
        if (server.messages.length) this.air.push(...server.edit(pick(server.messages)!.seq, `edited ${choice}`));
        break;
      case 3:
        if (server.messages.length) this.air.push(...server.delete(pick(server.messages)!.seq));
        break;
      case 4:
        this.air.push(
          ...server.markRead(
            choice % 2 ? "client" : "developer",
            Math.floor(choice / 2) % (server.messages.length + 2),
          ),
        );
        break;
      case 5:
        if (server.messages.length)
          this.air.push(
            ...server.update({ status: choice % 2 ? "open" : "closed", assigneeId: choice % 3 ? "ada" : null }),
          );
        break;
      case 6:
      case 7:
      case 8: // an event comes: any, as it is now or cut short, and perhaps once more later
        this.deliver(choice);
        break;
      case 9: // we write
        this.requests.push({ id: `mine-${++this.writings}`, body: `mine ${choice}`, stored: false });
        this.become(messageWritten(this.thread, { id: `mine-${this.writings}`, body: `mine ${choice}`, at: 0 }));
        break;
      case 10: {
        // what we wrote arrives, perhaps again; its answer may come, late, or never
        const request = pick(this.requests);
        if (!request) break;
        const { message, announced } = server.send(this.me, request.body, request.id);
        request.stored = true;
        if (choice % 2) this.air.push(...announced);
        this.answers.push({ message, conversation: server.conversation() });
        break;
      }
      case 11: {
        const request = pick(this.requests);
        if (!request) break;
        if (choice % 2) this.become(sendFailed(this.thread, request.id, new ChatError("network")));
        else this.become(sendRetried(this.thread, request.id, 0));
        break;
      }
      case 12: // an answer comes
        if (this.answers.length) this.answer(this.answers.splice(choice % this.answers.length, 1)[0]!);
        break;
      case 13: // the catch-up is asked, or its answer comes
        if (!this.catchUp) this.ask();
        else this.land(choice);
        break;
      case 14: // an older page is asked for, or comes
        if (this.older) {
          this.become(olderPageLoaded(this.thread, this.older));
          if (choice % 4) this.older = undefined;
        } else if (this.thread.firstSeq > 1) this.older = server.list({ before: this.thread.firstSeq }, 3);
        break;
      case 15:
        if (!this.thread.me) this.become(identityLoaded(this.thread, this.me));
        else this.answers.push({ conversation: server.conversation() });
        break;
    }
  }

  private deliver(choice: number) {
    const at = choice % this.air.length;
    const announcement = this.air[at];
    if (!announcement) return;
    const isLast = Math.floor(choice / this.air.length) % 4 > 0;
    if (isLast) this.air.splice(at, 1);
    if (announcement.event === "messages-read") this.become(readMarkMoved(this.thread, announcement.data()));
    else if (announcement.event === "conversation-updated")
      this.become(conversationReceived(this.thread, announcement.data()));
    else {
      const message: Received = announcement.data();
      this.become(
        messageReceived(
          this.thread,
          choice % 5 ? message : { ...message, body: message.body.slice(0, 2), truncated: true },
        ),
      );
    }
  }

  private answer({ message, conversation }: { message?: Received; conversation: Conversation | null }) {
    if (message) this.become(messageReceived(this.thread, message));
    if (conversation) this.become(conversationReceived(this.thread, conversation));
  }

  private ask() {
    this.catchUp = this.thread.firstSeq
      ? this.server.list({ changedSince: this.thread.fetchedVersion }, 2)
      : this.server.list({}, 3);
  }

  private land(choice: number) {
    const page = this.catchUp!;
    if (!this.thread.firstSeq) {
      this.become(firstPageLoaded(this.thread, page));
      this.catchUp = undefined;
      return;
    }
    this.become(changesLoaded(this.thread, page));
    if (choice % 8 === 0) return; // it comes once more
    this.catchUp = undefined;
    if (page.hasMore) this.ask();
  }

  /** One fetch, as the contract has it: pages until there is no more. */
  finish() {
    if (!this.thread.me) this.become(identityLoaded(this.thread, this.me));
    if (!this.thread.firstSeq) this.become(firstPageLoaded(this.thread, this.server.list({}, 3)));
    for (let more = true; more;) {
      const page = this.server.list({ changedSince: this.thread.fetchedVersion }, 2);
      this.become(changesLoaded(this.thread, page));
      more = page.hasMore;
    }
    // What is above the page the fetch has told of; an older message is told of by its repetition.
    for (const { id, body, stored } of this.requests) {
      const isBelow = this.server.messages.some((m) => m.clientMessageId === id && m.seq < this.thread.firstSeq);
      if (stored && isBelow) this.become(messageReceived(this.thread, this.server.send(this.me, body, id).message));
    }
  }

  /** In what the receiver differs from the server. */
  differences(): string[] {
    const { server, thread } = this;
    const found: string[] = [];
    const same = (what: string, a: unknown, b: unknown) => {
      if (JSON.stringify(a) !== JSON.stringify(b))
        found.push(`${what}: ${JSON.stringify(a)} is ${JSON.stringify(b)} on the server`);
    };
    same("messages", loadedMessages(thread), server.messages.slice(thread.firstSeq - 1));
    same("conversation", thread.conversation, server.conversation());
    same("read", thread.read, server.read);
    same("unread of the client", unreadCount(thread, "client"), server.unread("client"));
    same("unread of the developers", unreadCount(thread, "developer"), server.unread("developer"));
    same(
      "pending",
      thread.pending.map((w) => w.id),
      this.requests.filter((r) => !r.stored).map((r) => r.id),
    );
    same("gap", findGap(thread), null);
    same("contiguous up to", contiguousSeq(thread), server.messages.length);
    return found;
  }
}

describe("a receiver", () => {
  test(
    `shows what the server has after one fetch, whatever came before: ${HISTORIES} histories`,
    { timeout: 600_000 },
    async () => {
      let steps = 0;
      const histories = fc.property(
        fc.constantFrom(...people),
        fc.array(fc.nat(16 * 1000), { maxLength: 80, size: "max" }),
        (me, numbers) => {
          const receiver = new Receiver(me);
          for (const number of numbers) receiver.step(number);
          receiver.finish();
          steps += numbers.length;
          return receiver.differences().length === 0;
        },
      );
      for (let runs = 0; runs < HISTORIES; runs += 5_000) {
        fc.assert(histories, { numRuns: 5_000 });
        await new Promise(setImmediate); // vitest wants to hear of its workers
      }
      expect(steps).toBeGreaterThan(30 * HISTORIES);
    },
  );
});
