"use client";

import type { ShownMessage } from "@devinbox/client";
import { useConversation } from "@devinbox/client/react";
import { type ReactNode, useCallback, useRef, useState } from "react";
import { ConnectionBanner } from "./connection-banner";
import { Composer, focusField } from "./composer";
import { DeleteDialog } from "./delete-dialog";
import { isEditable } from "./is-editable";
import { MessageList } from "./message-list";
import styles from "./thread.module.css";

interface ThreadProps {
  /** Whose conversation; without it, the caller's own. */
  clientId?: string;
  /** What the thread is called, for a screen reader. */
  label: string;
  header?: ReactNode;
  /** What stands where there is no message yet. */
  empty: string;
  placeholder: string;
  autoFocus?: boolean;
}

/** One conversation: its messages, and a field to write in. Give it `key={clientId}` where the conversation can change. */
export function Thread({ clientId, label, header, empty, placeholder, autoFocus = false }: ThreadProps) {
  const thread = useConversation(clientId);
  const [sent, setSent] = useState(0);
  const [editing, setEditing] = useState<string | null>(null);
  const [deleting, setDeleting] = useState<ShownMessage | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);

  const { send, conversation, me, messages } = thread;
  const submit = useCallback(
    (body: string) => {
      send(body, { create: me?.role === "developer" && conversation === null });
      setSent((count) => count + 1);
    },
    [send, me, conversation],
  );
  const editLast = useCallback(() => {
    const last = messages.findLast((message) => isEditable(message));
    if (last) setEditing(last.id);
  }, [messages]);
  const edit = useCallback((messageId: string | null) => {
    setEditing(messageId);
    if (messageId === null) focusField(field.current);
  }, []);

  return (
    <section className={styles.thread} aria-label={label}>
      {header}
      <ConnectionBanner connection={thread.connection} error={thread.status === "ready" ? thread.error : null} />
      <MessageList thread={thread} sent={sent} empty={empty} editing={editing} onEdit={edit} onDelete={setDeleting} />
      <Composer
        field={field}
        label={placeholder}
        draft={thread.draft}
        onDraft={thread.setDraft}
        onSend={submit}
        onTyping={thread.setTyping}
        onEditLast={editLast}
        disabled={thread.status !== "ready"}
        autoFocus={autoFocus}
      />
      <DeleteDialog message={deleting} onClose={() => setDeleting(null)} onDelete={thread.delete} />
    </section>
  );
}
