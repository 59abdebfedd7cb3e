import type { Conversation, InboxState, InboxStore } from "@devinbox/client";
import type { MouseEvent, Ref } from "react";
import { Failure } from "@/components/failure";
import { LoadMore } from "@/components/load-more";
import { moment, shortTime } from "@/lib/time";
import styles from "./conversation-list.module.css";

interface ConversationListProps {
  ref: Ref<HTMLUListElement>;
  inbox: InboxState & Pick<InboxStore, "loadMore">;
  open: string | null;
  /** The address at which a conversation is open. */
  address: (clientId: string) => string;
  onOpen: (clientId: string) => void;
}

export function ConversationList({ ref, inbox, open, address, onOpen }: ConversationListProps) {
  const { status, conversations, filter } = inbox;
  const filtered =
    filter.unread === true || filter.assigneeId !== undefined || filter.q !== undefined || filter.status === "closed";
  return (
    <div className={styles.scroller} data-scroller="" aria-busy={status === "loading"}>
      {status === "loading" && (
        <p role="status" className={styles.note}>
          Loading conversations…
        </p>
      )}
      {status === "error" && <Failure error={inbox.error} />}
      {status === "ready" && conversations.length === 0 && (
        <p className={styles.note}>{filtered ? "No conversation matches." : "Nobody has written yet."}</p>
      )}
      <ul ref={ref} className={styles.list} aria-label="Conversations">
        {conversations.map((conversation) => (
          <li key={conversation.clientId}>
            <Line
              conversation={conversation}
              me={inbox.me?.id}
              open={conversation.clientId === open}
              href={address(conversation.clientId)}
              onOpen={onOpen}
            />
          </li>
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

interface LineProps {
  conversation: Conversation;
  me: string | undefined;
  open: boolean;
  href: string;
  onOpen: (clientId: string) => void;
}

function Line({ conversation, me, open, href, onOpen }: LineProps) {
  const { clientId, clientName, lastMessage, unread, assigneeId, status, online } = conversation;
  // A real link, so that a conversation can be opened in a tab of its own.
  const onClick = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onOpen(clientId);
  };
  return (
    <a
      className={styles.line}
      href={href}
      aria-current={open || undefined}
      data-unread={unread.developer > 0 || undefined}
      onClick={onClick}
    >
      <span className={styles.top}>
        <span className={styles.name}>{clientName ?? clientId}</span>
        {online && (
          <span className={styles.online}>
            <span className="visually-hidden">online</span>
          </span>
        )}
        <time className={styles.time} dateTime={lastMessage.createdAt} title={moment(lastMessage.createdAt)}>
          {shortTime(lastMessage.createdAt)}
        </time>
      </span>
      <span className={styles.bottom}>
        <span className={styles.preview}>
          {lastMessage.senderRole === "developer" && "Us: "}
          {lastMessage.preview || "Message deleted"}
        </span>
        {status === "closed" && <span className={styles.tag}>Closed</span>}
        {assigneeId !== null && <span className={styles.tag}>{assigneeId === me ? "Mine" : assigneeId}</span>}
        {unread.developer > 0 && (
          <span className={styles.badge}>
            {unread.developer}
            <span className="visually-hidden"> unread</span>
          </span>
        )}
      </span>
    </a>
  );
}
