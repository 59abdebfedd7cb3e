import { randomUUID } from "node:crypto";
import Pusher from "pusher-js";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type Chat,
  type ChatOptions,
  type ConversationStore,
  type InboxStore,
  type SessionIdentity,
  createChat,
} from "../src/index.js";
import { Devinbox } from "./support/devinbox.js";
import { MapStorage } from "./support/storage.js";

let devinbox: Devinbox;
const chats: Chat[] = [];

beforeAll(async () => {
  devinbox = new Devinbox();
  await devinbox.start();
}, 300_000);

afterEach(() => {
  chats.splice(0).forEach((chat) => chat.close());
});

afterAll(async () => {
  await devinbox.remove();
}, 60_000);

const until = (check: () => void, timeout = 60_000) => vi.waitFor(check, { timeout, interval: 25 });

const client = (): SessionIdentity => ({ id: `client ${randomUUID()}`, role: "client", name: "Grace" });
const developer = (): SessionIdentity => ({ id: `developer ${randomUUID()}`, role: "developer", name: "Ada" });

/** A browser of somebody's: a Chat with real pusher-js, whose connection the test can reach. */
function browser(me: SessionIdentity, options: ChatOptions = {}) {
  const pushers: Pusher[] = [];
  const chat = createChat({
    baseUrl: devinbox.url,
    getToken: () => Promise.resolve(devinbox.token(me)),
    storage: new MapStorage(),
    loadPusher: () =>
      Promise.resolve(
        class extends Pusher {
          constructor(...settings: ConstructorParameters<typeof Pusher>) {
            super(...settings);
            pushers.push(this);
          }
        },
      ),
    ...options,
  });
  chats.push(chat);
  return { chat, pushers, pusher: () => pushers.at(-1)! };
}

async function open<T extends ConversationStore | InboxStore>(store: T, connection = "live"): Promise<T> {
  store.subscribe(() => {});
  await until(() => expect(store.getSnapshot()).toMatchObject({ status: "ready", connection }));
  return store;
}

const bodies = (store: ConversationStore) => store.getSnapshot().messages.map((m) => m.body);
const last = (store: ConversationStore) => store.getSnapshot().messages.at(-1);

/** A client and a developer, who look at the same conversation. */
async function pair() {
  const grace = client();
  const ada = developer();
  const left = browser(grace);
  const right = browser(ada);
  const hers = await open(left.chat.conversation());
  hers.send("Hello");
  await until(() => expect(last(hers)?.delivery).toBe("sent"));
  const theirs = await open(right.chat.conversation(grace.id));
  return { grace, ada, left, right, hers, theirs };
}

describe("two people with real pusher-js and a real server", () => {
  test("converse, and see what the other one has read, edited and deleted", async () => {
    const { grace, ada, hers, theirs, right } = await pair();
    expect(theirs.getSnapshot()).toMatchObject({
      unread: 1,
      messages: [{ body: "Hello", own: false }],
      conversation: { clientName: "Grace" },
    });
    theirs.markRead();
    await until(() => expect(last(hers)?.delivery).toBe("seen"));
    await until(() => expect(theirs.getSnapshot().unread).toBe(0));

    theirs.setTyping();
    await until(() => expect(hers.getSnapshot().typing).toBe(true));
    const id = theirs.send("Hello Grace");
    await until(() => expect(bodies(hers)).toEqual(["Hello", "Hello Grace"]));
    expect(hers.getSnapshot()).toMatchObject({ typing: false, unread: 1 });
    await until(() => expect(last(theirs)).toMatchObject({ key: id, delivery: "sent", seq: 2, sender: ada }));

    await theirs.edit(last(theirs)!.id, "Hello dear Grace");
    await until(() => expect(bodies(hers)).toEqual(["Hello", "Hello dear Grace"]));
    await hers.delete(hers.getSnapshot().messages[0]!.id);
    await until(() =>
      expect(theirs.getSnapshot().messages[0]).toMatchObject({ body: "", deletedAt: expect.any(String) as string }),
    );
    await expect(hers.edit(last(hers)!.id, "Not mine to edit")).rejects.toMatchObject({
      code: "forbidden",
      status: 403,
    });

    const inbox = await open(right.chat.inbox({ status: "all" }));
    const line = () => inbox.getSnapshot().conversations.find((c) => c.clientId === grace.id);
    expect(line()).toMatchObject({ unread: { developer: 0 } });
    hers.send("One more");
    await until(() => expect(line()).toMatchObject({ unread: { developer: 1 }, lastMessage: { preview: "One more" } }));
    await inbox.update(grace.id, { status: "closed", assigneeId: ada.id });
    await until(() => expect(hers.getSnapshot().conversation).toMatchObject({ status: "closed", assigneeId: ada.id }));
    const stored = (store: ConversationStore) =>
      store.getSnapshot().messages.map(({ seq, version, body }) => ({ seq, version, body }));
    await until(() => expect(stored(hers)).toEqual(stored(theirs)));
    expect(stored(hers).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test("get a text that is too long for an event, whole", async () => {
    const { hers, theirs } = await pair();
    const text = "ü".repeat(8_000);
    hers.send(text);
    await until(() => expect(bodies(theirs)).toEqual(["Hello", text]));
  });

  test("miss nothing while one of them is not connected", async () => {
    const { hers, theirs, left } = await pair();
    left.pusher().disconnect();
    expect(hers.getSnapshot().connection).toBe("polling");
    for (let i = 1; i <= 120; i++) theirs.send(`${i}`);
    await until(() => expect(last(theirs)).toMatchObject({ body: "120", delivery: "sent" }), 60_000);
    await theirs.delete(theirs.getSnapshot().messages[0]!.id);
    left.pusher().connect();
    await until(() => expect(hers.getSnapshot().connection).toBe("live"));
    await until(() => expect(bodies(hers)).toEqual(["", ...Array.from({ length: 120 }, (_, i) => `${i + 1}`)]));
    expect(hers.getSnapshot().unread).toBe(120);
  });

  test("keep on by polling where the server has cut one of them", async () => {
    const { ada, hers, theirs, right } = await pair();
    await until(() => expect(right.pusher().user.user_data).toMatchObject({ id: `d:${ada.id}` }));
    await devinbox.disconnect(ada);
    await until(() => expect(theirs.getSnapshot().connection).toBe("polling"));
    hers.send("Still there?");
    await until(() => expect(bodies(theirs)).toEqual(["Hello", "Still there?"]));
  });

  test("hear a channel that one of them left and took up again before it was there", async () => {
    const { grace, hers } = await pair();
    const ken = browser(developer());
    await open(ken.chat.inbox());
    const real = fetch;
    let isHeld = true;
    vi.stubGlobal("fetch", (url: string, init: RequestInit) =>
      isHeld && url.endsWith("/api/pusher/auth") ? new Promise(() => {}) : real(url, init),
    );
    const store = ken.chat.conversation(grace.id);
    store.subscribe(() => {});
    const isPending = () =>
      ken
        .pusher()
        .allChannels()
        .some((channel) => channel.subscriptionPending);
    await until(() => expect(isPending()).toBe(true));
    store.close();
    store.subscribe(() => {});
    isHeld = false;
    ken.pusher().disconnect();
    ken.pusher().connect();
    await until(() => expect(store.getSnapshot()).toMatchObject({ status: "ready", connection: "live" }));
    vi.stubGlobal("fetch", real);
    hers.send("Heard?");
    await until(() => expect(bodies(store)).toEqual(["Hello", "Heard?"]));
    expect(ken.pushers).toHaveLength(1);
  });

  test("see nothing of somebody else's", async () => {
    const { grace } = await pair();
    const { chat } = browser(client());
    const store = chat.conversation(grace.id);
    store.subscribe(() => {});
    await until(() =>
      expect(store.getSnapshot()).toMatchObject({
        status: "error",
        error: { code: "forbidden", status: 403 },
        messages: [],
      }),
    );
    const inbox = chat.inbox();
    inbox.subscribe(() => {});
    await until(() => expect(inbox.getSnapshot()).toMatchObject({ status: "error", error: { code: "forbidden" } }));
  });

  test("need no option but a way to the server", async () => {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(`${devinbox.url}/api/session`, { method: "POST", headers, body: "{}" });
    const guest = (await response.json()) as { token: string };
    const chat = createChat({ baseUrl: devinbox.url, getToken: () => Promise.resolve(guest.token) });
    chats.push(chat);
    const store = await open(chat.conversation());
    store.send("From a guest");
    await until(() => expect(last(store)).toMatchObject({ delivery: "sent" }));
  });
});

describe("what is written while the server is away", () => {
  test("arrives in order when it is back, and both go on", async () => {
    const { hers, theirs } = await pair();
    await devinbox.stop();
    hers.send("one");
    hers.send("two");
    theirs.send("three");
    await until(() => expect(hers.getSnapshot().connection).toBe("offline"));
    expect(hers.getSnapshot().messages.map((m) => m.delivery)).toEqual(["sent", "sending", "sending"]);
    await devinbox.start();
    await until(() => expect(bodies(hers)).toHaveLength(4), 60_000);
    await until(() => expect(bodies(theirs)).toEqual(bodies(hers)), 60_000);
    expect(bodies(hers).filter((b) => b !== "three")).toEqual(["Hello", "one", "two"]);
    await until(() => expect(hers.getSnapshot().messages.map((m) => m.seq)).toEqual([1, 2, 3, 4])); // the last answer may be under way
    await until(() => expect(["live", "polling"]).toContain(hers.getSnapshot().connection));
    theirs.send("four");
    await until(() => expect(last(hers)?.body).toBe("four"));
  });

  test("is sent by the page that is loaded next, once", async () => {
    const grace = client();
    const storage = new MapStorage();
    const first = browser(grace, { storage });
    const store = await open(first.chat.conversation());
    await devinbox.stop();
    store.send("written before the reload");
    await until(() => expect(store.getSnapshot().connection).toBe("offline"));
    first.chat.close();
    await devinbox.start();
    const next = await open(browser(grace, { storage }).chat.conversation());
    await until(() =>
      expect(next.getSnapshot().messages).toMatchObject([{ body: "written before the reload", delivery: "sent" }]),
    );
    expect(storage.items.size).toBe(0);
  });

  test("is never sent by the next user, and not at all after a sign-out", async () => {
    const [grace, heidi] = [client(), client()];
    const storage = new MapStorage();
    const first = browser(grace, { storage });
    const store = await open(first.chat.conversation());
    await devinbox.stop();
    store.send("Grace's words");
    await until(() => expect(store.getSnapshot().connection).toBe("offline"));
    first.chat.close();
    await devinbox.start();
    const hers = await open(browser(heidi, { storage }).chat.conversation());
    hers.send("Heidi's words");
    await until(() => expect(bodies(hers)).toEqual(["Heidi's words"]));
    expect(storage.items.size).toBe(1);

    const back = browser(grace, { storage });
    const again = await open(back.chat.conversation());
    await until(() =>
      expect(again.getSnapshot().messages).toMatchObject([{ body: "Grace's words", delivery: "sent" }]),
    );
    await devinbox.stop();
    again.send("forgotten");
    await expect(back.chat.signOut()).rejects.toMatchObject({ code: "network" });
    expect(storage.items.size).toBe(0);
    await devinbox.start();
    const next = await open(browser(grace, { storage }).chat.conversation());
    expect(bodies(next)).toEqual(["Grace's words"]);
  });
});

describe("where realtime is switched off", () => {
  test("both poll, and are live again once it is there and somebody looks", async () => {
    const page = new EventTarget();
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
    await devinbox.stop();
    await devinbox.start({ PUSHER_APP_ID: "x" });
    const grace = client();
    const hers = await open(browser(grace).chat.conversation(), "polling");
    hers.send("Hello");
    await until(() => expect(last(hers)?.delivery).toBe("sent"));
    const theirs = await open(browser(developer()).chat.conversation(grace.id), "polling");
    theirs.send("Hello Grace");
    await until(() => expect(bodies(hers)).toEqual(["Hello", "Hello Grace"]));
    await devinbox.stop();
    await devinbox.start();
    page.dispatchEvent(new Event("visibilitychange")); // else it takes up to a minute
    await until(() => expect(hers.getSnapshot().connection).toBe("live"));
  });
});
