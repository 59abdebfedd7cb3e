// @vitest-environment jsdom
import { StrictMode, act } from "react";
import { type Root, createRoot, hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChatProvider, useChat, useConversation, useInbox, useUnread } from "../src/react.js";
import { World, ada, grace, problem } from "./support/world.js";

let root: Root | undefined;
let box: HTMLDivElement;

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  box = document.createElement("div");
});

/** Does something to a page, and lets React follow. */
const perform = (what: () => void) =>
  act(() => {
    what();
    return Promise.resolve();
  });

afterEach(async () => {
  await perform(() => root?.unmount());
  root = undefined;
  vi.useRealTimers();
});

/** React reads the real document; the world's pretends to be hidden or visible only. */
function createWorld() {
  const real = globalThis.document;
  const world = new World();
  vi.stubGlobal("document", real);
  return world;
}

const pass = (world: World, milliseconds = 0) => act(() => world.pass(milliseconds));

async function render(element: React.ReactNode) {
  root ??= createRoot(box);
  await perform(() => root!.render(element));
}

function Thread({ id }: { id?: string }) {
  const { status, connection, messages, send } = useConversation(id);
  return (
    <button onClick={() => send("Hello")}>
      {status} {connection} {messages.map((m) => `${m.body}:${m.delivery}`).join(",")}
    </button>
  );
}

describe("the hooks", () => {
  test("show a conversation, send, and close it when they leave, also in StrictMode", async () => {
    const world = createWorld();
    const chat = world.chat();
    await render(
      <StrictMode>
        <ChatProvider chat={chat}>
          <Thread />
        </ChatProvider>
      </StrictMode>,
    );
    await pass(world);
    expect(box.textContent).toBe("ready connecting ");
    world.pusher.become("connected");
    await pass(world);
    await perform(() => box.querySelector("button")!.click());
    expect(box.textContent).toBe("ready live Hello:sent");
    expect(world.sends).toHaveLength(1);
    expect(world.pushers).toHaveLength(1);
    await render(
      <StrictMode>
        <ChatProvider chat={chat}>{null}</ChatProvider>
      </StrictMode>,
    );
    await pass(world, 2_000);
    expect(world.pusher.connection.state).toBe("disconnected");
  });

  test("share one conversation, whose snapshot is the same for all", async () => {
    const world = createWorld();
    await render(
      <ChatProvider chat={world.chat()}>
        <Thread />
        <Thread />
      </ChatProvider>,
    );
    await pass(world);
    expect(box.textContent).toBe("ready connecting ready connecting ");
    expect(world.lists).toHaveLength(1);
  });

  test("render nothing but the beginning on a server, open nothing there, and take over from it", async () => {
    const world = createWorld();
    world.conversation.send(ada, "Hello", null);
    function Unread() {
      return <i>{useUnread()}</i>;
    }
    function Inbox() {
      const { status, filter, conversations } = useInbox({ status: "all" });
      return (
        <b>
          {status} {filter.status} {conversations.length}
        </b>
      );
    }
    const chat = world.chat();
    const page = (
      <ChatProvider chat={chat}>
        <Thread />
        <Unread />
        <Inbox />
      </ChatProvider>
    );
    const impure = [vi.spyOn(crypto, "getRandomValues"), vi.spyOn(Date, "now"), vi.mocked(Math.random).mockClear()];
    box.innerHTML = renderToString(page);
    renderToString(
      <ChatProvider>
        <Thread />
      </ChatProvider>,
    );
    for (const source of impure) expect(source).not.toHaveBeenCalled(); // Next.js forbids it where it renders ahead of time
    expect(box.textContent).toBe("loading connecting 0loading all 0");
    await world.pass(10_000);
    expect(world.asked).toEqual([]);

    const complaints = vi.spyOn(console, "error");
    const leave = chat.conversation().subscribe(() => {}); // somebody else was faster
    await world.pass(0);
    await perform(() => (root = hydrateRoot(box, page)));
    await pass(world);
    expect(complaints).not.toHaveBeenCalled();
    expect(box.textContent).toContain("ready connecting Hello:sent");
    leave();
  });

  test("count what awaits a client", async () => {
    const world = createWorld();
    world.conversation.send(ada, "one", null);
    world.conversation.send(ada, "two", null);
    function Unread() {
      return useUnread();
    }
    await render(
      <ChatProvider chat={world.chat()}>
        <Unread />
      </ChatProvider>,
    );
    await pass(world);
    expect(box.textContent).toBe("2");
  });

  test("count what awaits somebody who has signed in, in another tab, after the page was loaded", async () => {
    const world = createWorld();
    world.conversation.send(ada, "one", null);
    world.script.set("GET /api/session", () => problem(401, "unauthorized"));
    function Unread() {
      return useUnread();
    }
    await render(
      <ChatProvider chat={world.chat({ getToken: undefined })}>
        <Unread />
      </ChatProvider>,
    );
    await pass(world, 60_000);
    expect(box.textContent).toBe("0");
    world.script.clear();
    await perform(() => world.visible(true));
    await pass(world);
    expect(box.textContent).toBe("1");
    const asked = world.of("GET", "/api/session").length;
    await perform(() => world.visible(true));
    await pass(world, 500);
    expect(world.of("GET", "/api/session").length).toBe(asked + 1); // what the conversation asks
  });

  test("count what awaits somebody without asking more often because they come and go while there is no answer", async () => {
    const world = createWorld();
    world.script.set("GET /api/session", () => problem(503, "unavailable"));
    function Unread() {
      return useUnread();
    }
    await render(
      <ChatProvider chat={world.chat({ getToken: undefined })}>
        <Unread />
      </ChatProvider>,
    );
    await pass(world, 30_000);
    for (let i = 0; i < 10; i++) {
      await perform(() => world.visible(i % 2 > 0));
      await pass(world, 1_000);
    }
    world.asked.length = 0;
    await pass(world, 60_000);
    expect(world.of("GET", "/api/session").length).toBeLessThan(6); // one wait after the other
  });

  test("count what awaits the developers, and show an inbox that a filter can change", async () => {
    const world = createWorld();
    world.me = ada;
    world.inbox.of("a").send(grace, "Hello", null);
    world.inbox.of("b").send(ada, "Hello", null);
    world.inbox.of("b").update({ status: "closed" });
    function Inbox({ status }: { status: "open" | "closed" }) {
      const { conversations, setFilter } = useInbox({ status });
      return (
        <button onClick={() => setFilter({ status: "all" })}>
          {useUnread()}:{conversations.map((c) => c.clientId).join()}
        </button>
      );
    }
    const chat = world.chat();
    await render(
      <StrictMode>
        <ChatProvider chat={chat}>
          <Inbox status="open" />
        </ChatProvider>
      </StrictMode>,
    );
    await pass(world);
    expect(box.textContent).toBe("1:a");
    await render(
      <StrictMode>
        <ChatProvider chat={chat}>
          <Inbox status="closed" />
        </ChatProvider>
      </StrictMode>,
    );
    await pass(world);
    expect(box.textContent).toBe("1:b");
    await perform(() => box.querySelector("button")!.click());
    await pass(world);
    expect(box.textContent).toBe("1:b,a");
  });

  test("render a component again only when what it selects is another, also where that is a new object each time", async () => {
    const world = createWorld();
    let renders = 0;
    const bodies = (c: { messages: readonly { body: string }[] }) => c.messages.map(({ body }) => body);
    function Bodies() {
      renders++;
      const count = useInbox(undefined, (inbox) => inbox.totals.open);
      const list = useConversation("42", bodies);
      const { send } = useConversation("42", (c) => ({ send: c.send }));
      return <button onClick={() => send("again")}>{`${list.join()} ${count}`}</button>;
    }
    world.me = ada;
    world.conversation.send(grace, "one", null);
    await render(
      <ChatProvider chat={world.chat()}>
        <Bodies />
      </ChatProvider>,
    );
    await pass(world);
    expect(box.textContent).toBe("one 1");
    renders = 0;
    await perform(() => world.online(false));
    await perform(() => world.online(true));
    await pass(world);
    expect(renders).toBeLessThan(5);
    await perform(() => box.querySelector("button")!.click());
    await pass(world);
    expect(box.textContent).toBe("one,again 1");
  });

  test("show another conversation for another id", async () => {
    const world = createWorld();
    world.me = ada;
    world.conversation.send(grace, "Hello", null);
    const chat = world.chat();
    world.script.set("GET /api/messages/list", (asked) =>
      asked.query.get("clientId") === "42"
        ? world.answer(asked)
        : new Response(JSON.stringify({ messages: [], hasMore: false, conversation: null })),
    );
    await render(
      <ChatProvider chat={chat}>
        <Thread id="42" />
      </ChatProvider>,
    );
    await pass(world);
    expect(box.textContent).toBe("ready connecting Hello:sent");
    await render(
      <ChatProvider chat={chat}>
        <Thread id="43" />
      </ChatProvider>,
    );
    await pass(world);
    expect(box.textContent).toBe("ready connecting ");
  });

  test("make one Chat of options, and say so where there is no provider", async () => {
    const world = createWorld();
    const chats = new Set<object>();
    function Collect() {
      chats.add(useChat());
      return null;
    }
    await render(
      <ChatProvider options={{ storage: world.storage }}>
        <Collect />
      </ChatProvider>,
    );
    await render(
      <ChatProvider options={{ storage: world.storage }}>
        <Collect />
      </ChatProvider>,
    );
    expect(chats.size).toBe(1);
    expect(() => renderToString(<Collect />)).toThrow("No ChatProvider.");
  });
});
