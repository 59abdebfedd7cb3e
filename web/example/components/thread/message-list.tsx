import type { ConversationState, ConversationStore } from "@devinbox/client";
import { type ReactNode, memo, useEffect, useMemo } from "react";
import { DownIcon, UpIcon } from "@/components/ui/icons";
import { ErrorNotice } from "@/components/ui/error-notice";
import { LoadMore } from "@/components/ui/load-more";
import { useToday } from "@/components/ui/use-now";
import { groupMessages } from "@/lib/group-messages";
import { MessageItem } from "./message-item";
import styles from "./message-list.module.css";
import { useActiveMessage } from "./use-active-message";
import { useAnnouncement } from "./use-announcement";
import { useFirstUnread } from "./use-first-unread";
import { useReadMark } from "./use-read-mark";
import { useStickyScroll } from "./use-sticky-scroll";

/** What a list shows of a conversation, and does with it. */
export type ShownThread = Omit<ConversationState, "draft" | "viewers" | "answering"> &
  Pick<ConversationStore, "loadOlder" | "markRead">;

interface MessageListProps {
  thread: ShownThread;
  /** How many messages have been sent from this page: when it grows, the list goes to its end. */
  sent: number;
  empty: ReactNode;
  note: ReactNode;
  editing: string | null;
}

export const MessageList = memo(List);

function List({ thread, sent, empty, note, editing }: MessageListProps) {
  const { status, messages, unread } = thread;
  const { scroller, atEnd, onScroll, toEnd, toElement } = useStickyScroll();
  const { readUpTo, isOpening, isAbove, toFirstUnread } = useFirstUnread(thread, scroller, toElement);
  const today = useToday();
  const days = useMemo(() => groupMessages(messages, readUpTo ?? null, today), [messages, readUpTo, today]);
  const announcement = useAnnouncement(messages, status === "ready");
  const active = useActiveMessage(scroller);
  useReadMark(scroller, thread, isOpening);

  useEffect(() => {
    if (sent > 0) toEnd();
  }, [sent, toEnd]);

  const jump = (go: () => void) => {
    go();
    scroller.current?.focus({ preventScroll: true }); // the button that had the focus is gone
  };

  return (
    <div className={styles.frame}>
      {isAbove && (
        <div className={styles.above}>
          <button type="button" onClick={() => jump(toFirstUnread)}>
            <UpIcon />
            {counted(unread)}
          </button>
          <button type="button" onClick={() => jump(() => thread.markRead())}>
            Mark as read
          </button>
        </div>
      )}
      {/* New messages are read out by the region below; this one would read old ones too as they are loaded. */}
      <div
        ref={scroller}
        className={styles.scroller}
        onScroll={onScroll}
        data-scroller=""
        role="log"
        aria-live="off"
        aria-label="Messages"
        {...active.list}
      >
        <div
          className={styles.content}
          data-opening={isOpening || undefined}
          data-empty={messages.length === 0 || undefined}
        >
          {(status === "loading" || isOpening) && <Loading />}
          {status === "error" && <ErrorNotice error={thread.error} what="The conversation" />}
          {status === "ready" && messages.length === 0 && empty}
          {messages.length > 0 && !isOpening && (
            <LoadMore
              what="older messages"
              more={thread.hasOlder}
              loading={thread.loadingOlder}
              failed={thread.error !== null}
              load={thread.loadOlder}
            />
          )}
          {days.map(({ key, label, rows }) => (
            <div key={key}>
              <p className={styles.date} data-date="">
                <span>{label}</span>
              </p>
              <ol className={styles.list} aria-label={label}>
                {rows.map((row) =>
                  row.kind === "unread" ? (
                    <li key={row.key} className={styles.unread} data-unread-mark="">
                      <span>New</span>
                    </li>
                  ) : (
                    <MessageItem
                      {...row}
                      key={row.key}
                      isActive={active.key === row.key}
                      isEditing={editing === row.message.id}
                    />
                  ),
                )}
              </ol>
            </div>
          ))}
          {note}
          {thread.typing && <Typing name={otherName(thread)} />}
        </div>
      </div>
      {!atEnd && (
        <button type="button" className={styles.jump} onClick={() => jump(toEnd)} data-unread={unread > 0 && !isAbove}>
          <DownIcon />
          {unread > 0 && !isAbove ? counted(unread) : "Latest messages"}
        </button>
      )}
      <p role="status" className="visually-hidden">
        <span key={announcement.key}>{announcement.text}</span>
      </p>
    </div>
  );
}

function counted(unread: number): string {
  return `${unread} new ${unread === 1 ? "message" : "messages"}`;
}

function Loading() {
  return (
    <div role="status" className={styles.loading}>
      <span className="visually-hidden">Loading messages…</span>
      <div className={styles.bone} />
      <div className={styles.bone} />
      <div className={styles.bone} />
    </div>
  );
}

function Typing({ name }: { name: string }) {
  return (
    <p className={styles.typing}>
      <span className={styles.dots} aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span>{name} is typing…</span>
    </p>
  );
}

/** What the other side is called. Of the developers nobody vouches for which one it is, so it is their side. */
function otherName({ me, conversation }: ShownThread): string {
  return me?.role === "developer" ? (conversation?.clientName ?? "The client") : "The team";
}
