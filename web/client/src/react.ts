"use client";

import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import { onPageChange } from "./browser.js";
import { createChat } from "./chat.js";
import { initialConversation } from "./conversation.js";
import { initialInbox } from "./inbox.js";
import type {
  Chat,
  ChatOptions,
  ConversationState,
  ConversationStore,
  InboxFilter,
  InboxState,
  InboxStore,
  Store,
} from "./types.js";

const ChatContext = createContext<Chat | null>(null);

export interface ChatProviderProps {
  chat?: Chat | undefined;
  options?: ChatOptions | undefined;
  children?: ReactNode;
}

/**
 * Gives a Chat to the hooks below it: `chat`, or one made of `options`, which count when it is first rendered only. Give it
 * another `key` for another person.
 */
export function ChatProvider({ chat, options, children }: ChatProviderProps): ReactElement {
  const [own] = useState(() => chat ?? createChat(options));
  return createElement(ChatContext.Provider, { value: chat ?? own }, children);
}

/** The Chat of the provider above. */
export function useChat(): Chat {
  const chat = useContext(ChatContext);
  if (!chat) throw new Error("No ChatProvider.");
  return chat;
}

type Methods<T> = Omit<T, keyof Store<unknown> | "close">;
/** What a hook gives without a selector: the state, and what can be done. */
export type UseConversation = ConversationState & Methods<ConversationStore>;
/** What a hook gives without a selector: the state, and what can be done. */
export type UseInbox = InboxState & Methods<InboxStore>;

/**
 * A conversation, open while the component is there; without an id the caller's own. With a selector the component is
 * rendered again only when that gives something else: `useConversation("42", (conversation) => conversation.unread)`.
 */
export function useConversation(clientId?: string): UseConversation;
export function useConversation<T>(clientId: string | undefined, selector: (conversation: UseConversation) => T): T;
export function useConversation(clientId?: string, selector?: (conversation: UseConversation) => unknown): unknown {
  return useSelected(useChat().conversation(clientId), initialConversation, selector);
}

/**
 * An inbox of this component's own, open while it is there. With another `filter` it is another inbox. With a selector the
 * component is rendered again only when that gives something else.
 */
export function useInbox(filter?: InboxFilter): UseInbox;
export function useInbox<T>(filter: InboxFilter | undefined, selector: (inbox: UseInbox) => T): T;
export function useInbox(filter: InboxFilter = {}, selector?: (inbox: UseInbox) => unknown): unknown {
  const chat = useChat();
  const key = JSON.stringify(filter);
  const create = () => ({ chat, key, store: chat.inbox(filter), initial: initialInbox(filter) });
  const [held, setHeld] = useState(create);
  let current = held;
  if (held.chat !== chat || held.key !== key) setHeld((current = create()));
  return useSelected(current.store, current.initial, selector);
}

/** What awaits the caller: a client's unread messages, or how many conversations hold what no developer has read. 0 until it is known. */
export function useUnread(): number {
  const chat = useChat();
  const [store, setStore] = useState<Store<ConversationState | InboxState>>(nothing);
  useEffect(() => {
    let isHere = true;
    let asked: Promise<void> | undefined; // once, for it waits for the network by itself
    const ask = () => {
      asked ??= chat.session().then(
        ({ identity }) => {
          if (isHere) setStore(identity.role === "client" ? chat.conversation() : chat.inbox());
        },
        () => {
          asked = undefined; // nobody is signed in, and nothing awaits nobody until somebody is, perhaps in another tab
        },
      );
    };
    ask();
    const stopAsking = onPageChange(ask);
    return () => {
      isHere = false;
      stopAsking();
      setStore(nothing);
    };
  }, [chat]);
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot, nothing.getSnapshot);
  return "totals" in state ? state.totals.unread : state.unread;
}

const nothing: Store<ConversationState> = { getSnapshot: () => initialConversation, subscribe: () => () => {} };

const selectAll = (all: unknown) => all;

/** Reads a store through a selector, or all of it. One state gives one value, whatever the selector makes of it. */
function useSelected<S extends object, T extends Store<S>>(
  store: T,
  initial: S,
  selector: (all: S & T) => unknown = selectAll,
): unknown {
  const select = useMemo(() => rememberLast((state: S) => selector({ ...store, ...state })), [store, selector]);
  return useSyncExternalStore(
    store.subscribe,
    () => select(store.getSnapshot()),
    () => select(initial),
  );
}

function rememberLast<A, R>(compute: (argument: A) => R): (argument: A) => R {
  let last: { argument: A; result: R } | undefined;
  return (argument) => {
    if (last?.argument !== argument) last = { argument, result: compute(argument) };
    return (last as { result: R }).result;
  };
}
