"use client";

import type { ShownMessage } from "@devinbox/client";
import { type UseConversation, useChat, useConversation } from "@devinbox/client/react";
import { type ReactNode, type RefObject, Suspense, lazy, useMemo, useRef, useState } from "react";
import { copyText } from "@/lib/copy-text";
import { asText } from "@/lib/files";
import { isEditable } from "@/lib/is-editable";
import { withQuotation, withText } from "@/lib/quote";
import { ConnectionBanner } from "./connection-banner";
import { Composer, type ComposerHandle } from "./composer";
import { DeleteDialog } from "./delete-dialog";
import { loadViewer } from "./load-viewer";
import { MessageList, type ShownThread } from "./message-list";
import { ThreadProvider } from "./thread-context";
import styles from "./thread.module.css";
import { useFileDrop, useMissedDrops } from "./use-file-drop";
import { useStagedFiles } from "./use-staged-files";

/** It is loaded when the menu of a message is opened for the first time. */
const MessageMenu = lazy(() => import("./message-menu"));
const Viewer = lazy(loadViewer);

interface ThreadProps {
  /** Whose conversation; without it, the caller's own. */
  clientId?: string;
  /** What the thread is called, for a screen reader. */
  label: string;
  header?: ReactNode;
  /** What stands where there is no message yet. */
  empty: ReactNode;
  /** What stands below the last message, such as that the conversation is closed. */
  note?: ReactNode;
  placeholder: string;
  autoFocus?: boolean;
  /** The field, for whoever wants to put the focus there. */
  composer?: RefObject<ComposerHandle | null>;
  /** What else there is to do with a message that is being written: it is sent, and this is called. */
  sendAnd?: { label: string; run: () => void };
}

/** One conversation: its messages, and a field to write in. Give it `key={clientId}` where the conversation can change. */
export function Thread(props: ThreadProps) {
  const { clientId, label, header, empty, note, placeholder, autoFocus = false, composer, sendAnd } = props;
  const thread = useConversation(clientId);
  const [sent, setSent] = useState(0);
  const [editing, setEditing] = useState<string | null>(null);
  const [deleting, setDeleting] = useState<{ message: ShownMessage; isOpen: boolean } | null>(null);
  const [viewing, setViewing] = useState<{ key: string; at: number } | null>(null);
  /** Whether a text was copied, for a screen reader. `times` makes the same words new ones. */
  const [copied, setCopied] = useState({ times: 0, text: "" });
  const [menu, setMenu] = useState<{ message: ShownMessage; anchor: HTMLElement; isOpen: boolean } | null>(null);
  const section = useRef<HTMLElement>(null);
  const own = useRef<ComposerHandle>(null);
  const field = composer ?? own;
  const store = useChat().conversation(clientId);
  const files = useStagedFiles(clientId, thread.me);
  const { isOver, handlers } = useFileDrop(files.add);
  useMissedDrops();

  const { status, conversation, me, messages, draft, send, setDraft } = thread;
  const isBeginning = me?.role === "developer" && status === "ready" && conversation === null;
  const submit = (body: string) => {
    try {
      send(body, { create: isBeginning, files: files.list });
    } catch (error) {
      files.refuse(error);
      return false;
    }
    files.clear();
    setSent((count) => count + 1);
    return true;
  };
  const editLast = () => {
    const last = messages.findLast((message) => isEditable(message));
    if (last) setEditing(last.id);
  };
  const { edit, retry, discard } = store;
  const actions = useMemo(
    () => ({
      openMenu: (message: ShownMessage, anchor: HTMLElement) => setMenu({ message, anchor, isOpen: true }),
      view: ({ key }: ShownMessage, at: number) => setViewing({ key, at }),
      edit,
      retry,
      discard,
      rewrite({ body, clientMessageId }: ShownMessage) {
        store.setDraft(withText(store.getSnapshot().draft, body));
        if (clientMessageId) store.discard(clientMessageId);
        field.current?.focus(true);
      },
      askToDelete: (message: ShownMessage) => setDeleting({ message, isOpen: true }),
      setEditing(messageId: string | null) {
        setEditing(messageId);
        if (messageId === null) field.current?.focus();
      },
      async copy({ body }: ShownMessage) {
        const text = (await copyText(body)) ? "Copied" : "It could not be copied";
        setCopied(({ times }) => ({ times: times + 1, text }));
      },
      quote(message: ShownMessage) {
        store.setDraft(withQuotation(store.getSnapshot().draft, asText(message)));
      },
      write: () => field.current?.focus(true),
    }),
    [edit, retry, discard, store, field],
  );
  const viewed = viewing && messages.find(({ key }) => key === viewing.key);
  const mayWrite = status === "ready" || (status === "error" && thread.connection === "offline");
  return (
    <ThreadProvider value={actions}>
      <section ref={section} className={styles.thread} aria-label={label} data-drop={isOver || undefined} {...handlers}>
        {header}
        <ConnectionBanner connection={thread.connection} error={status === "ready" ? thread.error : null} />
        <MessageList thread={useShown(thread)} sent={sent} empty={empty} note={note} editing={editing} />
        <Composer
          ref={field}
          label={placeholder}
          draft={draft}
          onDraft={setDraft}
          onSend={submit}
          files={files}
          sendAnd={sendAnd}
          onTyping={thread.setTyping}
          onEditLast={editLast}
          disabled={!mayWrite}
          autoFocus={autoFocus}
        />
        {menu && (
          <Suspense>
            <MessageMenu
              {...menu}
              isDeveloper={me?.role === "developer"}
              onClose={() => setMenu({ ...menu, isOpen: false })}
            />
          </Suspense>
        )}
        {viewed && (
          <Suspense>
            <Viewer
              message={viewed}
              at={viewing.at}
              onMove={(at) => setViewing({ ...viewing, at })}
              onClose={() => setViewing(null)}
            />
          </Suspense>
        )}
        {isOver && (
          <p className={styles.drop} aria-hidden="true">
            Drop files to attach them
          </p>
        )}
        {deleting && (
          <DeleteDialog
            {...deleting}
            key={deleting.message.key}
            // It may be answered late, when another message is asked about.
            onClose={() => setDeleting((now) => (now?.message === deleting.message ? { ...now, isOpen: false } : now))}
            onClosed={() => giveFocusBack(section.current, deleting.message)}
            onDelete={thread.delete}
          />
        )}
        <p role="status" className="visually-hidden">
          <span key={copied.times}>{copied.text}</span>
        </p>
      </section>
    </ThreadProvider>
  );
}

/** Gives the focus to a message, or to the button of its menu, if what had it is gone. */
function giveFocusBack(thread: HTMLElement | null, { key }: ShownMessage): void {
  if (document.activeElement !== document.body) return;
  const message = thread?.querySelector<HTMLElement>(`[data-anchor="${CSS.escape(key)}"]`);
  const button = message?.querySelector<HTMLElement>("[data-menu]");
  (button ?? message)?.focus({ preventScroll: true });
}

/** What the list shows. It is the same while somebody writes, which is at every key. */
function useShown(thread: UseConversation): ShownThread {
  const { status, error, connection, me, conversation, messages, unread, typing } = thread;
  const { hasOlder, loadingOlder, loadOlder, markRead } = thread;
  return useMemo(
    () => ({
      ...{ status, error, connection, me, conversation, messages, unread, typing },
      ...{ hasOlder, loadingOlder, loadOlder, markRead },
    }),
    [
      status,
      error,
      connection,
      me,
      conversation,
      messages,
      unread,
      typing,
      hasOlder,
      loadingOlder,
      loadOlder,
      markRead,
    ],
  );
}
