import type { Conversation } from "@devinbox/client";
import { type MouseEvent, memo } from "react";
import { Avatar } from "@/components/ui/avatar";
import { duration, moment, shortTime } from "@/lib/time";
import styles from "./conversation-list-item.module.css";

interface ConversationListItemProps {
  conversation: Conversation;
  me: string | undefined;
  /** Whose it is, by name. */
  assignee: string | null;
  now: Date;
  open: boolean;
  href: string;
  onOpen: (clientId: string, byPointer: boolean) => void;
}

export const ConversationListItem = memo(Item);

function Item({ conversation, me, assignee, now, open, href, onOpen }: ConversationListItemProps) {
  const { clientId, clientName, lastMessage, unread, assigneeId, status, online } = conversation;
  const waits = status === "open" && lastMessage.senderRole === "client";
  // A real link, so that a conversation can be opened in a tab of its own.
  const onClick = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onOpen(clientId, event.detail > 0); // a key clicks as well, and no time
  };
  return (
    <li>
      <a
        className={styles.item}
        href={href}
        aria-current={open || undefined}
        data-unread={unread.developer > 0 || undefined}
        onClick={onClick}
      >
        <Avatar id={clientId} name={clientName} online={online === true} size="large" />
        <span className={styles.text}>
          <span className={styles.top}>
            <span className={styles.name} dir="auto">
              {clientName ?? clientId}
            </span>
            {online && <span className="visually-hidden">online</span>}
            <time className={styles.time} dateTime={lastMessage.createdAt} title={moment(lastMessage.createdAt)}>
              {shortTime(lastMessage.createdAt, now)}
            </time>
          </span>
          <span className={styles.middle}>
            <span className={styles.preview} dir="auto">
              {lastMessage.senderRole === "developer" && <b>Us: </b>}
              {lastMessage.preview || "Message deleted"}
            </span>
            {unread.developer > 0 && (
              <span className={styles.badge}>
                {unread.developer}
                <span className="visually-hidden"> unread</span>
              </span>
            )}
          </span>
          {(waits || status === "closed" || assigneeId !== null) && (
            <span className={styles.tags}>
              {waits && (
                <span className={styles.tag} data-waits="" title="The client wrote last">
                  Waits {duration(lastMessage.createdAt, now)}
                </span>
              )}
              {status === "closed" && <span className={styles.tag}>Closed</span>}
              {assigneeId !== null && (
                <span className={styles.tag} title="Assignee">
                  {assigneeId === me ? "Mine" : assignee}
                </span>
              )}
            </span>
          )}
        </span>
      </a>
    </li>
  );
}
