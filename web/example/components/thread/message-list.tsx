import type { ConversationState, ConversationStore, ShownMessage } from "@devinbox/client";
import { Menu } from "@base-ui/react/menu";
import { useEffect, useLayoutEffect, useMemo, useState } from "react";
import { DownIcon } from "@/components/icons";
import { Failure } from "@/components/failure";
import { LoadMore } from "@/components/load-more";
import { rows } from "@/lib/rows";
import { Message } from "./message";
import { MessageMenu } from "./message-menu";
import styles from "./message-list.module.css";
import { useAnnouncement } from "./use-announcement";
import { useReadMark } from "./use-read-mark";
import { useStickyScroll } from "./use-sticky-scroll";

type Conversing = ConversationState & Pick<ConversationStore, "loadOlder" | "retry" | "discard" | "edit" | "markRead">;

interface MessageListProps {
  thread: Conversing;
  /** How many messages have been sent from this page: when it grows, the list goes to its end. */
  sent: number;
  empty: string;
  editing: string | null;
  onEdit: (messageId: string | null) => void;
  onDelete: (message: ShownMessage) => void;
}

export function MessageList({ thread, sent, empty, editing, onEdit, onDelete }: MessageListProps) {
  const { status, messages, unread } = thread;
  const { scroller, atEnd, onScroll, toEnd, toElement } = useStickyScroll();
  const readUpTo = useReadUpToAtFirst(thread);
  const lines = useMemo(() => rows(messages, readUpTo ?? null), [messages, readUpTo]);
  const announcement = useAnnouncement(messages, status === "ready");
  const menu = useMemo(() => Menu.createHandle<ShownMessage>(), []);
  useReadMark(scroller, messages, thread.markRead);

  // A thread opens where the reader left off, if that is further up than the last screen.
  const opened = status === "ready" && readUpTo !== undefined;
  useLayoutEffect(() => {
    const mark = opened && scroller.current?.querySelector<HTMLElement>("[data-unread-mark]");
    if (mark) toElement(mark);
  }, [opened, scroller, toElement]);

  useEffect(() => {
    if (sent > 0) toEnd();
  }, [sent, toEnd]);

  const jump = () => {
    toEnd();
    scroller.current?.focus({ preventScroll: true }); // the button that had the focus is gone
  };

  return (
    <div className={styles.frame}>
      {/* New messages are read out by the region below; this one would read old ones too as they are loaded. */}
      <div
        ref={scroller}
        className={styles.scroller}
        onScroll={onScroll}
        data-scroller=""
        role="log"
        aria-live="off"
        aria-label="Messages"
        tabIndex={0}
      >
        <div className={styles.content}>
          {status === "loading" && <Loading />}
          {status === "error" && <Failure error={thread.error} />}
          {status === "ready" && messages.length === 0 && <p className={styles.empty}>{empty}</p>}
          {messages.length > 0 && (
            <LoadMore
              what="older messages"
              more={thread.hasOlder}
              loading={thread.loadingOlder}
              failed={thread.error !== null}
              load={thread.loadOlder}
            />
          )}
          <ol className={styles.list}>
            {lines.map((row) => {
              if (row.kind === "day") {
                return (
                  <li key={row.key} className={styles.day}>
                    <span>{row.label}</span>
                  </li>
                );
              }
              if (row.kind === "unread") {
                return (
                  <li key={row.key} className={styles.unread} data-unread-mark="">
                    <span>New</span>
                  </li>
                );
              }
              const { message } = row;
              return (
                <Message
                  key={row.key}
                  message={message}
                  first={row.first}
                  last={row.last}
                  meta={row.meta}
                  menu={menu}
                  editing={editing === message.id}
                  onEdit={onEdit}
                  edit={thread.edit}
                  retry={thread.retry}
                  discard={thread.discard}
                />
              );
            })}
          </ol>
          {thread.typing && <Typing name={otherName(thread)} />}
        </div>
      </div>
      {!atEnd && (
        <button type="button" className={styles.jump} onClick={jump} data-unread={unread > 0}>
          <DownIcon />
          {unread > 0 ? `${unread} new ${unread === 1 ? "message" : "messages"}` : "Latest messages"}
        </button>
      )}
      <MessageMenu menu={menu} onEdit={onEdit} onDelete={onDelete} />
      <p role="status" className="visually-hidden">
        <span key={announcement.key}>{announcement.text}</span>
      </p>
    </div>
  );
}

/** Where the caller's side had read to when the thread was opened: null for all of it, undefined while that is not known. */
function useReadUpToAtFirst({ status, me, conversation, unread }: ConversationState): number | null | undefined {
  const [readUpTo, setReadUpTo] = useState<number | null>();
  if (readUpTo === undefined && status === "ready" && me) {
    setReadUpTo(conversation && unread > 0 ? conversation.read[me.role] : null);
  }
  return readUpTo;
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
      {name} is typing…
    </p>
  );
}

/** What the other side is called. The developers are one side, so it is the one who wrote last. */
function otherName({ me, conversation, messages }: ConversationState): string {
  if (me?.role === "developer") return conversation?.clientName ?? "The client";
  return messages.findLast((message) => !message.own)?.sender.name ?? "Somebody";
}
