import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  type InboxModel,
  changesLoaded,
  conversationReceived,
  emptyInbox,
  pageLoaded,
  selectShown,
} from "../src/inbox-reducer.js";
import type { Conversation, InboxFilter, InboxPage, SessionIdentity } from "../src/types.js";
import { ModelConversation, ModelInbox } from "./support/server.js";
import { World, ada, problem } from "./support/world.js";

afterEach(() => {
  vi.useRealTimers();
  ModelConversation.perMillisecond = 1;
});

const client = (id: string): SessionIdentity => ({ id, role: "client", name: null });

async function open(world: World, filter?: InboxFilter) {
  world.me = ada;
  const store = world.chat().inbox(filter);
  store.subscribe(() => {});
  await world.pass(0);
  world.pusher.become("connected");
  await world.pass(0);
  world.asked.length = 0;
  const inbox = () => world.channel("private-developer-inbox");
  const change = (clientId: string, by: SessionIdentity = client(clientId)) => {
    world.inbox.of(clientId).send(by, "news", null);
    return world.inbox.of(clientId).conversation()!;
  };
  return {
    store,
    inbox,
    change,
    ids: () => store.getSnapshot().conversations.map((c) => c.clientId),
    lists: () => world.of("GET", "/api/conversations/list"),
  };
}

function write(world: World, ...ids: string[]) {
  for (const id of ids) world.inbox.of(id).send(client(id), `from ${id}`, null);
}

describe("the inbox", () => {
  test("shows the newest first, page by page", async () => {
    const world = new World();
    write(world, "a", "b", "c", "d", "e");
    const { store, ids } = await open(world);
    expect(ids()).toEqual(["e", "d", "c"]);
    expect(store.getSnapshot()).toMatchObject({
      status: "ready",
      connection: "live",
      me: ada,
      hasMore: true,
      totals: { open: 5, unread: 5 },
    });
    const loading = store.loadMore();
    expect(store.getSnapshot().loadingMore).toBe(true);
    await loading;
    expect(ids()).toEqual(["e", "d", "c", "b", "a"]);
    expect(store.getSnapshot()).toMatchObject({ hasMore: false, loadingMore: false });
    await store.loadMore();
  });

  test("moves a conversation up when it changes, and drops what is not newer", async () => {
    const world = new World();
    write(world, "a", "b");
    const { ids, inbox, change, store } = await open(world);
    const old = world.inbox.of("a").conversation()!;
    inbox().emit("conversation-updated", change("a"));
    expect(ids()).toEqual(["a", "b"]);
    const before = store.getSnapshot();
    inbox().emit("conversation-updated", old);
    world.online(true);
    await world.pass(0);
    expect(store.getSnapshot()).toBe(before);
  });

  test("knows the team, under every filter, and by the newest name", async () => {
    const world = new World();
    world.inbox.team = [{ id: "ada", name: "Ada" }];
    write(world, "a");
    const { store } = await open(world);
    expect(store.getSnapshot().team).toEqual([{ id: "ada", name: "Ada" }]);
    const before = store.getSnapshot();
    world.online(true);
    await world.pass(0);
    expect(store.getSnapshot()).toBe(before);
    world.inbox.team = [
      { id: "ada", name: "Ada Lovelace" },
      { id: "linus", name: null },
    ];
    world.online(true);
    await world.pass(0);
    expect(store.getSnapshot().team).toEqual(world.inbox.team);
    store.setFilter({ status: "closed" });
    expect(store.getSnapshot().team).toEqual(world.inbox.team);
  });

  test("counts along, and asks in a second where it cannot", async () => {
    const world = new World();
    write(world, "a", "b");
    const { store, inbox, lists, ids } = await open(world);
    world.inbox.of("a").markRead("developer", 1);
    inbox().emit("conversation-updated", world.inbox.of("a").conversation());
    expect(store.getSnapshot().totals).toEqual({ open: 2, unread: 1 });
    write(world, "c");
    inbox().emit("conversation-updated", world.inbox.of("c").conversation());
    expect(ids()).toEqual(["c", "b", "a"]);
    await world.pass(999);
    expect(lists()).toHaveLength(0);
    await world.pass(1);
    expect(lists()).toHaveLength(1);
    expect(store.getSnapshot().totals).toEqual({ open: 3, unread: 2 });
  });

  test("keeps to its filter, also when a conversation changes", async () => {
    const world = new World();
    write(world, "a", "b", "c");
    const { ids, inbox } = await open(world, { unread: true });
    world.inbox.of("b").markRead("developer", 1);
    inbox().emit("conversation-updated", world.inbox.of("b").conversation());
    expect(ids()).toEqual(["c", "a"]);
    world.inbox.of("c").update({ status: "closed" });
    inbox().emit("conversation-updated", world.inbox.of("c").conversation());
    expect(ids()).toEqual(["a"]);
  });

  test("keeps a conversation that somebody looks at until they leave it, also where it has ceased to fit", async () => {
    const world = new World();
    write(world, "a", "b", "c");
    world.me = ada;
    const chat = world.chat();
    const store = chat.inbox({ unread: true });
    const other = chat.inbox({ status: "closed" });
    for (const one of [store, other]) one.subscribe(() => {});
    const shown = (of = store) => of.getSnapshot().conversations.map((c) => c.clientId);
    await world.pass(0);
    const leave = chat.conversation("b").subscribe(() => {});
    await world.pass(0);
    chat.conversation("b").markRead();
    await world.pass(0);
    expect(store.getSnapshot().totals.unread).toBe(2);
    expect(shown()).toEqual(["c", "b", "a"]);
    expect(shown(other)).toEqual([]); // it has never fitted there
    world.online(true);
    await world.pass(0);
    expect(shown()).toEqual(["c", "b", "a"]);
    leave();
    expect(shown()).toEqual(["c", "a"]);
    chat.conversation("b").subscribe(() => {});
    await world.pass(0);
    expect(shown()).toEqual(["c", "a"]); // nobody has seen it in the list by then
    store.setFilter({ unread: true });
    await world.pass(0);
    expect(shown()).toEqual(["c", "a"]);
  });

  test("shows what begins to fit a search, in any case and form, and drops what ceases to", async () => {
    const world = new World();
    write(world, "a", "b", "customer-1");
    const { ids, inbox } = await open(world, { q: "CUSTOMER" });
    expect(ids()).toEqual(["customer-1"]);
    const rename = (id: string, clientName: string) => {
      world.inbox.of(id).update({ clientName });
      inbox().emit("conversation-updated", world.inbox.of(id).conversation());
    };
    rename("a", "A cus\uFF54omer"); // a letter of full width
    expect(ids()).toEqual(["customer-1", "a"]);
    rename("a", "Somebody");
    rename("b", "Nobody");
    expect(ids()).toEqual(["customer-1"]);
    write(world, "customer-2");
    inbox().emit("conversation-updated", world.inbox.of("customer-2").conversation());
    expect(ids()).toEqual(["customer-2", "customer-1"]);
  });

  test("loses none of two conversations of one millisecond at the edge of a page", async () => {
    ModelConversation.perMillisecond = 1_000_000;
    const world = new World();
    write(world, "a", "d", "c", "b"); // the server goes by microseconds: b, c, d, a
    const { ids, store } = await open(world);
    expect(ids().sort()).toEqual(["b", "c", "d"]);
    await store.loadMore();
    expect(ids().sort()).toEqual(["a", "b", "c", "d"]);
  });

  test("asks for what a new filter lets through, and forgets the answer to the old one", async () => {
    const world = new World();
    write(world, "alpha", "beta");
    world.inbox.of("beta").update({ status: "closed" });
    const { ids, store, lists } = await open(world);
    expect(ids()).toEqual(["alpha"]);
    store.setFilter({ status: "closed" });
    store.setFilter({ status: "all", q: "alph", assigneeId: "none" });
    expect(store.getSnapshot()).toMatchObject({ status: "loading", filter: { q: "alph" } });
    await world.pass(0);
    expect(lists().map((l) => l.query.toString())).toEqual(["status=closed", "status=all&q=alph&assigneeId=none"]);
    expect(ids()).toEqual(["alpha"]);
    expect(store.getSnapshot().status).toBe("ready");
    store.setFilter({ q: "" });
    await world.pass(0);
    expect(lists().at(-1)!.query.toString()).toBe("");
  });

  test("loses nothing that it is told while the first page under a new filter is on its way", async () => {
    const world = new World();
    write(world, "a");
    const { ids, inbox, change, store } = await open(world);
    let land = () => {};
    world.script.set("GET /api/conversations/list", [
      () => {
        const page = world.inbox.list({ status: "all" }, 3);
        return new Promise((resolve) => (land = () => resolve(new Response(JSON.stringify(page)))));
      },
    ]);
    store.setFilter({ status: "all" });
    await world.pass(0);
    inbox().emit("conversation-updated", change("b"));
    land();
    await world.pass(0);
    expect(ids()).toEqual(["b", "a"]);
    expect(store.getSnapshot().totals).toEqual({ open: 2, unread: 2 });
  });

  test("counts right where an event comes while a catch-up is on its way", async () => {
    const world = new World();
    write(world, "a", "b");
    const { inbox, store } = await open(world);
    let land = () => {};
    world.script.set("GET /api/conversations/list", [
      () => {
        const page = world.inbox.since(world.asked.at(-1)!.query.get("since")!, 3);
        return new Promise((resolve) => (land = () => resolve(new Response(JSON.stringify(page)))));
      },
    ]);
    world.visible(true);
    await world.pass(0);
    world.inbox.of("a").markRead("developer", 1);
    inbox().emit("conversation-updated", world.inbox.of("a").conversation());
    land();
    await world.pass(1_000);
    expect(store.getSnapshot().totals).toEqual({ open: 2, unread: 1 });
  });

  test("asks for the first page under a new filter also where it is set in the middle of a catch-up", async () => {
    const world = new World();
    write(world, "a", "b");
    const { ids, lists, store } = await open(world);
    world.inbox.of("a").update({ status: "closed" });
    let land = () => {};
    world.script.set("GET /api/conversations/list", [
      () => {
        const page = world.inbox.since(world.asked.at(-1)!.query.get("since")!, 3);
        return new Promise((resolve) => (land = () => resolve(new Response(JSON.stringify(page)))));
      },
    ]);
    world.online(true);
    await world.pass(0);
    write(world, "c");
    world.inbox.of("c").update({ status: "closed" });
    store.setFilter({ status: "closed" });
    land();
    await world.pass(0);
    expect(lists().map(({ query }) => query.get("status") ?? query.has("since"))).toEqual([true, "closed", true]);
    expect(ids()).toEqual(["c", "a"]);
  });

  test("catches up from the first page's token, with all pages, on every subscription", async () => {
    const world = new World();
    write(world, "a", "b", "c", "d", "e", "f");
    const { ids, lists, store } = await open(world);
    world.pusher.become("connecting");
    write(world, "a", "b", "c", "d", "e");
    world.pusher.become("connected");
    let during = 0;
    world.script.set("GET /api/conversations/list", (asked) => {
      const answer = world.answer(asked);
      if (during++ === 0) write(world, "a"); // changes behind the page that was just read
      return answer;
    });
    await world.pass(0);
    expect(lists().map((l) => l.query.get("cursor"))).toEqual([null, "b", "d"]);
    expect(ids()).toEqual(["e", "d", "c", "b", "a", "f"].slice(0, ids().length));
    const [, ...later] = lists().map((l) => l.query.get("since"));
    expect(new Set(later)).toEqual(new Set([lists()[0]!.query.get("since")]));
    world.asked.length = 0;
    world.online(true);
    await world.pass(0);
    expect(ids()[0]).toBe("a");
    expect(store.getSnapshot().totals).toEqual(world.inbox.totals());
  });

  test("changes a conversation, and a refusal is the caller's to handle", async () => {
    const world = new World();
    write(world, "a");
    const { store, ids } = await open(world, { status: "all" });
    const changed = await store.update("a", { status: "closed", assigneeId: null });
    expect(changed.status).toBe("closed");
    expect(world.of("POST", "/api/conversations/update")[0]!.body).toEqual({
      clientId: "a",
      status: "closed",
      assigneeId: null,
      socketId: "1.1",
    });
    expect(store.getSnapshot().conversations[0]!.status).toBe("closed");
    expect(ids()).toEqual(["a"]);
    world.script.set("POST /api/conversations/update", () => problem(404, "not_found"));
    await expect(store.update("x", {})).rejects.toMatchObject({ code: "not_found" });
  });

  test("shows its own developer's sends, reads and changes, of which no event comes, and so do the open conversations", async () => {
    const world = new World();
    world.me = ada;
    write(world, "a", "b");
    const chat = world.chat();
    const [inbox, other] = [chat.inbox(), chat.inbox({ status: "all" })];
    const [a, b] = [chat.conversation("a"), chat.conversation("b")];
    for (const store of [inbox, other, b]) store.subscribe(() => {});
    const leaveA = a.subscribe(() => {});
    await world.pass(0);
    world.pusher.become("connected");
    await world.pass(0);
    world.asked.length = 0;

    a.markRead();
    await world.pass(0);
    expect(inbox.getSnapshot().totals).toEqual({ open: 2, unread: 1 });
    b.send("answer");
    await world.pass(0);
    expect(inbox.getSnapshot().conversations.map((c) => c.lastMessage.preview)).toEqual(["answer", "from a"]);
    await inbox.update("a", { status: "closed" });
    expect(inbox.getSnapshot().conversations.map((c) => c.clientId)).toEqual(["b", "a"]); // somebody looks at it
    leaveA();
    expect(inbox.getSnapshot().conversations.map((c) => c.clientId)).toEqual(["b"]);
    expect(other.getSnapshot().conversations.map((c) => c.status)).toEqual(["open", "closed"]);
    expect([a, b].map((store) => store.getSnapshot().conversation!.status)).toEqual(["closed", "open"]);
    await world.pass(2_000);
    expect(world.asked.map((asked) => asked.path)).toEqual([
      "/api/messages/read",
      "/api/messages/send",
      "/api/conversations/update",
    ]);
  });

  test("brings a developer the beginning of the conversation that is open, live", async () => {
    const world = new World();
    const { inbox } = await open(world);
    const chat = world.chat();
    const store = chat.conversation("new");
    store.subscribe(() => {});
    await world.pass(0);
    world.pusher.become("connected");
    await world.pass(60_000);
    expect(store.getSnapshot()).toMatchObject({ status: "ready", connection: "live", conversation: null });
    world.asked.length = 0;
    write(world, "other", "new");
    for (const id of ["other", "new"]) inbox().emit("conversation-updated", world.inbox.of(id).conversation());
    await world.pass(1_000);
    expect(store.getSnapshot()).toMatchObject({
      connection: "live",
      conversation: { clientId: "new" },
      messages: [{ body: "from new" }],
    });
    expect(world.pusher.left).toEqual(["private-developer-inbox"]);
  });

  test("is an error for a client", async () => {
    const world = new World();
    const store = world.chat().inbox();
    store.subscribe(() => {});
    await world.pass(60_000);
    expect(store.getSnapshot()).toMatchObject({ status: "error", error: { code: "forbidden" } });
    expect(world.of("GET", "/api/conversations/list")).toHaveLength(1);
  });

  test("shows what the server has after one catch-up, whatever came before", () => {
    ModelConversation.perMillisecond = 3;
    const filters: InboxFilter[] = [
      {},
      { status: "all" },
      { status: "closed" },
      { unread: true },
      { assigneeId: "none" },
      { assigneeId: "ada", status: "all" },
      { q: "c1", status: "all" },
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...filters),
        fc.array(fc.nat(100_000), { maxLength: 60, size: "max" }),
        (filter, numbers) => {
          const server = new ModelInbox();
          let inbox: InboxModel = emptyInbox(filter);
          const air: Conversation[] = [];
          let paged = new Set<string>(); // what pages have shown under this filter
          const load = (page: InboxPage) => {
            inbox = pageLoaded(inbox, page);
            for (const { clientId } of page.conversations) paged.add(clientId);
          };
          let inFlight: InboxPage | undefined;
          const catchUp = () => {
            let token: string | undefined;
            let cursor: string | null = null;
            const since = inbox.syncToken!;
            do {
              const page: InboxPage = server.since(since, 2, cursor ?? undefined);
              token ??= page.syncToken;
              cursor = page.nextCursor;
              inbox = changesLoaded(inbox, page, cursor ? undefined : token);
            } while (cursor);
          };
          for (const number of numbers) {
            const choice = Math.floor(number / 10);
            const id = `c${choice % 12}`;
            const conversation = server.of(id);
            const before = conversation.version;
            switch (number % 10) {
              case 0:
              case 1:
                conversation.send(choice % 3 ? client(id) : ada, "text", null);
                break;
              case 2:
                conversation.markRead("developer", conversation.messages.length);
                break;
              case 3:
                if (before)
                  conversation.update({
                    status: choice % 2 ? "open" : "closed",
                    assigneeId: choice % 3 ? "ada" : null,
                    clientName: `C${choice % 7}`,
                  });
                break;
              case 4:
              case 5:
              case 6: {
                // An event shows the moment of its delivery; an older one comes only where a newer one has come, or will.
                const event = air[choice % air.length];
                if (event)
                  inbox = conversationReceived(
                    inbox,
                    choice % 2 && inbox.known.has(event.clientId) ? event : server.of(event.clientId).conversation()!,
                  );
                break;
              }
              case 7:
                if (!inFlight)
                  inFlight = inbox.syncToken
                    ? inbox.cursor
                      ? server.list(inbox.filter, 3, inbox.cursor)
                      : undefined
                    : server.list(inbox.filter, 3);
                else {
                  load(inFlight);
                  inFlight = undefined;
                }
                break;
              case 8:
                if (inbox.syncToken) catchUp();
                break;
              case 9:
                if (choice % 4 !== 0 || inFlight) break;
                inbox = emptyInbox(filters[choice % filters.length]!, inbox);
                paged = new Set();
                break;
            }
            if (conversation.version > before) {
              air.push(conversation.conversation()!);
            }
          }
          if (inFlight) load(inFlight);
          if (!inbox.syncToken) load(server.list(inbox.filter, 3));
          catchUp();
          // As far as pages go. Of the millisecond of the last page's edge, only the server knows the order.
          const edgeAt = inbox.cursor ? inbox.edge!.lastMessage.createdAt : "";
          const expected = server
            .matching(inbox.filter)
            .filter(
              ({ clientId, lastMessage: { createdAt } }) =>
                createdAt > edgeAt || (createdAt === edgeAt && inbox.known.has(clientId)),
            )
            .sort((a, b) => (a.lastMessage.createdAt + a.clientId < b.lastMessage.createdAt + b.clientId ? 1 : -1));
          expect(selectShown(inbox, () => false)).toEqual(expected);
          const vanished = [...paged].filter(
            (id) =>
              server.matching(inbox.filter).some((c) => c.clientId === id) && !expected.some((c) => c.clientId === id),
          );
          expect(vanished).toEqual([]);
          expect(inbox.totals).toEqual(server.totals());
          expect(inbox.isTotalStale).toBeFalsy();
        },
      ),
      { numRuns: 5_000 },
    );
  });
});
