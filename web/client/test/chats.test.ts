import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import type { Chat, ConversationState, ConversationStore, SessionIdentity } from "../src/index.js";
import { type Asked, FakeLocks, World, grace, page, problem } from "./support/world.js";

/** How many histories. More of them take longer, and find no more in most of them. */
const RUNS = Number(process.env["CHATS"] ?? 200);

const heidi: SessionIdentity = { id: "43", role: "client", name: "Heidi" };

afterEach(() => {
  vi.useRealTimers();
});

/** What somebody wrote, and who that is; null while nobody knows. */
interface Words {
  body: string;
  by: SessionIdentity | null;
  tab: Tab;
  /** Whether somebody has given it up, or has signed out. Whether it was stored before is open. */
  isGivenUp: boolean;
}

interface Tab {
  chat: Chat;
  store: ConversationStore;
  /** What it shows since it has ended. */
  ended: ConversationState | null;
}

/** A browser in which two people take turns, with up to two tabs, and a network that does what networks do. */
class Browser {
  readonly world = new World({ locks: new FakeLocks() });
  readonly tabs: Tab[] = [];
  readonly words: Words[] = [];
  private readonly hasCookies: boolean;
  /** What happens to the next requests. */
  private readonly faults: number[] = [];

  constructor(hasCookies: boolean) {
    this.hasCookies = hasCookies;
    this.world.network = (asked, serve) => this.carry(asked, serve);
  }

  private carry(asked: Asked, serve: () => Response): Response | Promise<Response> {
    if (this.alive.length === 0 && asked.method !== "DELETE")
      throw new Error(`${asked.path} left a Chat that had ended`);
    const lose = () => Promise.reject(new TypeError("Failed to fetch"));
    switch (this.faults.shift()) {
      case 0: // it does not arrive
        return lose();
      case 1: // its answer does not arrive
        serve();
        return lose();
      case 2:
        return problem(503, "unavailable");
      case 3:
        return page(403);
      case 4: {
        // Its answer takes a while.
        const answer = serve();
        return new Promise((resolve) => setTimeout(() => resolve(answer), 3_000));
      }
      default:
        return serve();
    }
  }

  get alive() {
    return this.tabs.filter((tab) => !tab.ended);
  }

  open() {
    if (this.alive.length === 2) return;
    const chat = this.world.chat(this.hasCookies ? { getToken: undefined } : {});
    const tab: Tab = { chat, store: chat.conversation(), ended: null };
    this.tabs.push(tab);
    tab.store.subscribe(() => {});
  }

  write(tab: Tab) {
    const body = `words ${this.words.length}`;
    this.words.push({ body, by: tab.store.getSnapshot().me, tab, isGivenUp: false });
    tab.store.send(body);
  }

  /** Another person signs in. That takes longer than a cookie is trusted, and than an answer is under way. */
  async signIn() {
    this.world.isCut = true;
    await this.world.pass(4_000);
    this.world.me = this.world.me === grace ? heidi : grace;
    this.world.isCut = false;
  }

  async signOut(tab: Tab) {
    const { me } = tab.store.getSnapshot();
    const isTheirs = (words: Words) => words.by?.id === me?.id || words.by === null;
    for (const words of this.words) if (isTheirs(words)) words.isGivenUp = true;
    const out = tab.chat.signOut().catch(() => {});
    await this.world.pass(5_000);
    await out;
  }

  /** What a person does with a message that has failed. */
  decide(tab: Tab, choice: number) {
    const failed = tab.store.getSnapshot().messages.filter(({ delivery }) => delivery === "failed");
    const message = failed[choice % failed.length];
    const words = this.words.find(({ body }) => body === message?.body);
    if (!message || !words) return;
    if (choice % 3) {
      words.by = tab.store.getSnapshot().me; // whoever sends it makes it theirs
      words.tab = tab;
      tab.store.retry(message.id);
    } else {
      words.isGivenUp = true;
      tab.store.discard(message.id);
    }
  }

  async step(number: number) {
    const choice = Math.floor(number / 16);
    const tab = this.alive[choice % 2] ?? this.alive[0];
    const { world } = this;
    switch (number % 16) {
      case 0:
      case 1:
        this.open();
        break;
      case 2:
      case 3:
      case 4:
        if (tab) this.write(tab);
        break;
      case 5:
        this.faults.push(...Array.from({ length: choice % 4 }, (_, i) => (choice + i) % 5));
        break;
      case 6:
        world.isCut = !world.isCut;
        world.online(!world.isCut);
        break;
      case 7:
        if (choice % 2) tab?.chat.close();
        break;
      case 8:
        if (choice % 4 === 0 && tab) await this.signOut(tab);
        break;
      case 9:
        if (choice % 2) await this.signIn();
        break;
      case 10:
        if (tab) this.decide(tab, choice);
        break;
      case 11:
        for (const pusher of world.pushers)
          if (pusher.connection.state !== "disconnected") pusher.become(choice % 2 ? "connected" : "connecting");
        break;
      case 12: {
        const conversation = world.inbox.of(world.me.id);
        const message = conversation.messages.at(-1 - (choice % 3));
        for (const pusher of world.pushers)
          if (message) pusher.channel(`private-client-${conversation.clientId}`)?.emit("new-message", message);
        break;
      }
      case 13:
        world.visible(choice % 2 === 0);
        break;
      default:
        await world.pass([0, 100, 1_000, 5_000, 30_000][choice % 5]!);
    }
    await world.pass(0);
    this.check();
  }

  /** What holds at every moment. */
  check() {
    for (const tab of this.tabs) {
      const state = tab.store.getSnapshot();
      if (tab.ended && tab.ended !== state) throw new Error("a Chat that had ended has changed");
      if (
        state.connection === "error" &&
        state.error &&
        ["closed", "signed_out", "identity_changed"].includes(state.error.code)
      )
        tab.ended = state;
    }
    for (const words of this.words) {
      const { tab, body, isGivenUp } = words;
      const { me, messages } = tab.store.getSnapshot();
      if (!tab.ended) words.by ??= me;
      const shown = messages.filter((message) => message.body === body).length;
      const stored = this.stored(body).length;
      if (shown > 1) throw new Error(`${body} is shown twice`);
      if (!tab.ended && !isGivenUp && shown + stored === 0) throw new Error(`${body} is not shown`);
      if (stored > 1) throw new Error(`${body} is stored twice`);
      if (this.stored(body).some(({ sender }) => sender.id !== words.by?.id))
        throw new Error(`${body} was sent by another`);
    }
  }

  stored(body: string) {
    return [grace, heidi]
      .flatMap(({ id }) => this.world.inbox.of(id).messages)
      .filter((message) => message.body === body);
  }

  /** The weather clears up, and both look after what they have left. */
  async finish() {
    this.world.isCut = false;
    this.faults.length = 0;
    this.world.online(true);
    this.world.visible(true);
    for (const { chat } of this.alive) chat.close();
    this.check();
    await this.world.pass(120_000);
    for (const person of [grace, heidi]) {
      this.world.me = person;
      this.open();
      await this.world.pass(60_000);
      const tab = this.alive[0]!;
      for (;;) {
        const before = tab.store.getSnapshot().messages.filter(({ delivery }) => delivery === "failed").length;
        if (before === 0) break;
        this.decide(tab, 1);
        await this.world.pass(60_000);
        this.check();
      }
      tab.chat.close();
      this.check();
      await this.world.pass(60_000);
    }
    for (const { body, isGivenUp } of this.words) {
      if (!isGivenUp && this.stored(body).length !== 1)
        throw new Error(`${body} is stored ${this.stored(body).length} times`);
    }
    if (this.world.storage.items.size > 0) throw new Error("something is left in the storage");
  }
}

test(
  `two people, two tabs and a bad network: no message is lost, doubled or sent by another, and what has ended is quiet (${RUNS} histories)`,
  { timeout: 3_600_000 },
  async () => {
    let written = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(fc.nat(16 * 60), { maxLength: 40, size: "max" }),
        async (hasCookies, numbers) => {
          const browser = new Browser(hasCookies);
          browser.open();
          for (const number of numbers) await browser.step(number);
          await browser.finish();
          written += browser.words.length;
          vi.useRealTimers();
          vi.unstubAllGlobals();
        },
      ),
      { numRuns: RUNS },
    );
    expect(written).toBeGreaterThan(RUNS);
  },
);
