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
    <div className={styles.scroller} data-scroller="" aria-busy={status === "loading"}>
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
      <ul ref={ref} className={styles.list} aria-label="Conversations" tabIndex={-1} {...keepFocus}>
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
 * Keeps the focus in the list. A line that has ceased to fit the filter goes: had it the focus, the one in its place gets it.
 * If the list itself has the focus because it was empty, the first line that comes gets it.
 */
function useKeptFocus(list: RefObject<HTMLElement | null>, { conversations }: InboxState) {
  const focused = useRef<{ line: Element; at: number } | null>(null);
  const wasEmpty = useRef(true);
  useLayoutEffect(() => {
    const { activeElement, body } = document;
    const isLost = activeElement === body && focused.current !== null && !focused.current.line.isConnected;
    const isWaiting = activeElement === list.current && wasEmpty.current;
    wasEmpty.current = conversations.length === 0;
    if (!isLost && !isWaiting) return;
    const links = list.current?.querySelectorAll<HTMLElement>("a") ?? [];
    (links[Math.min(focused.current?.at ?? 0, links.length - 1)] ?? list.current)?.focus();
  }, [list, conversations]);
  return {
    onFocus({ target, currentTarget }: ReactFocusEvent) {
      if (target === currentTarget) return;
      focused.current = {
        line: target,
        at: Array.from(currentTarget.querySelectorAll("a")).indexOf(target as HTMLAnchorElement),
      };
    },
    onBlur({ target }: ReactFocusEvent) {
      // A browser may tell of that also because the line is about to go.
      queueMicrotask(() => {
        if (target.isConnected && focused.current?.line === target) focused.current = null;
      });
    },
  };
}
