import type { InboxState, InboxStore } from "@devinbox/client";
import { type FocusEvent as ReactFocusEvent, type ReactNode, type RefObject, useLayoutEffect, useRef } from "react";
import { ErrorNotice } from "@/components/ui/error-notice";
import { LoadMore } from "@/components/ui/load-more";
import { useNow } from "@/components/ui/use-now";
import { ConversationListItem } from "./conversation-list-item";
import styles from "./conversation-list.module.css";

interface ConversationListProps {
  ref: RefObject<HTMLUListElement | null>;
  inbox: InboxState & Pick<InboxStore, "loadMore">;
  open: string | null;
  /** The address at which a conversation is open. */
  address: (clientId: string) => string;
  onOpen: (clientId: string, byPointer: boolean) => void;
  /** What stands where no conversation is. */
  empty: ReactNode;
}

export function ConversationList({ ref, inbox, open, address, onOpen, empty }: ConversationListProps) {
  const { status, conversations, me, team } = inbox;
  const now = useNow();
  const keepFocus = useKeptFocus(ref, inbox);
  return (
    <div className={styles.scroller} data-scroller="" aria-busy={status === "loading"} {...keepFocus}>
      {status === "loading" && (
        <div role="status" className={styles.loading}>
          <span className="visually-hidden">Loading conversations…</span>
          <i />
          <i />
          <i />
        </div>
      )}
      {status === "error" && <ErrorNotice error={inbox.error} what="The conversations" />}
      {status === "ready" && conversations.length === 0 && empty}
      <ul ref={ref} className={styles.list} aria-label="Conversations" tabIndex={-1}>
        {conversations.map((conversation) => (
          <ConversationListItem
            key={conversation.clientId}
            conversation={conversation}
            me={me?.id}
            assignee={team.find(({ id }) => id === conversation.assigneeId)?.name ?? conversation.assigneeId}
            now={now}
            open={conversation.clientId === open}
            href={address(conversation.clientId)}
            onOpen={onOpen}
          />
        ))}
      </ul>
      <LoadMore
        what="more conversations"
        more={inbox.hasMore}
        loading={inbox.loadingMore}
        failed={inbox.error !== null}
        load={inbox.loadMore}
      />
    </div>
  );
}

/**
 * Keeps the focus in the list. If a line goes that has it, because it has ceased to fit the filter, the one in its place gets it. If a
 * button goes that has it, because there are more conversations now, the first of those gets it. If the list itself has it because it was
 * empty, the first line that comes gets it.
 */
function useKeptFocus(list: RefObject<HTMLElement | null>, { conversations }: InboxState) {
  /** What has it, and which line that is; -1 if it is a button. */
  const focused = useRef<{ element: Element; at: number } | null>(null);
  /** How many lines there were before. */
  const count = useRef(0);
  useLayoutEffect(() => {
    const { activeElement, body } = document;
    const before = count.current;
    count.current = conversations.length;
    const isLost = activeElement === body && focused.current !== null && !focused.current.element.isConnected;
    const isWaiting = activeElement === list.current && before === 0;
    if (!isLost && !isWaiting) return;
    const { at } = focused.current ?? { at: 0 };
    const links = list.current?.querySelectorAll<HTMLElement>("a") ?? [];
    (links[Math.min(at < 0 ? before : at, links.length - 1)] ?? list.current)?.focus();
  });
  return {
    onFocus({ target }: ReactFocusEvent) {
      if (target === list.current) return;
      const links = Array.from(list.current?.querySelectorAll("a") ?? []);
      focused.current = { element: target, at: links.indexOf(target as HTMLAnchorElement) };
    },
    onBlur({ target, relatedTarget }: ReactFocusEvent) {
      // A browser may tell of that also because it is about to go. Then nothing else gets the focus.
      queueMicrotask(() => {
        if ((target.isConnected || relatedTarget) && focused.current?.element === target) focused.current = null;
      });
    },
  };
}
