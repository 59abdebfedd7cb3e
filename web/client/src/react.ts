import { createContext, createElement, type ReactElement, type ReactNode, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { createChat } from "./chat.js";
import { initialConversation } from "./conversation.js";
import type { Chat, ChatOptions, ConversationState, ConversationStore, InboxFilter, InboxState, InboxStore, Store } from "./types.js";

const Context = createContext<Chat | null>(null);

/**
 * Gives a Chat to the hooks below it: `chat`, or one made of `options`, which count when it is first rendered only. Give it
 * another `key` for another user.
 */
export function ChatProvider(props: { chat?: Chat | undefined; options?: ChatOptions | undefined; children?: ReactNode }): ReactElement {
  const [own] = useState(() => props.chat ?? createChat(props.options));
  return createElement(Context.Provider, { value: props.chat ?? own }, props.children);
}

/** The Chat of the provider above. */
export function useChat(): Chat {
  const chat = useContext(Context);
  if (!chat) throw new Error("No ChatProvider.");
  return chat;
}

type Methods<S> = Omit<S, keyof Store<unknown> | "close">;

/** A conversation, open while the component is there; without an id the caller's own. */
export function useConversation(clientId?: string): ConversationState & Methods<ConversationStore> {
  return useStore(useChat().conversation(clientId), initialConversation);
}

/** An inbox of this component's own, open while it is there. With another `filter` it is another inbox. */
export function useInbox(filter?: InboxFilter): InboxState & Methods<InboxStore> {
  const chat = useChat();
  const store = useMemo(() => chat.inbox(filter), [chat, JSON.stringify(filter)]);
  return useStore(store, store.getSnapshot());
}

/** What awaits the caller: a client's unread messages, or how many conversations hold what no developer has read. 0 until it is known. */
export function useUnread(): number {
  const chat = useChat();
  const [store, setStore] = useState<Store<ConversationState | InboxState>>(nothing);
  useEffect(() => {
    let isHere = true;
    chat.session().then(
      ({ identity }) => isHere && setStore(identity.role === "client" ? chat.conversation() : chat.inbox()),
      () => {}, // nobody is signed in, and nothing awaits nobody
    );
    return () => {
      isHere = false;
      setStore(nothing);
    };
  }, [chat]);
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot, nothing.getSnapshot);
  return "totals" in state ? state.totals.unread : state.unread;
}

const nothing: Store<ConversationState> = { getSnapshot: () => initialConversation, subscribe: () => () => {} };

function useStore<S extends object, T extends Store<S>>(store: T, initial: S): S & Methods<T> {
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot, () => initial);
  return useMemo(() => ({ ...store, ...state }), [state, store]);
}
