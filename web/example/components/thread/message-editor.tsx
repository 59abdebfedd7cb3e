import { ChatError, type ShownMessage, normalizeBody } from "@devinbox/client";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { isComposing } from "@/components/ui/is-composing";
import { isTouch } from "@/components/ui/is-touch";
import { errorText } from "@/lib/errors";
import { lengthNote, mostCharacters, countCharacters } from "@/lib/length";
import { MessageBody } from "./message-body";
import styles from "./message-editor.module.css";

interface MessageEditorProps {
  message: ShownMessage;
  save: (messageId: string, body: string, ifVersion: number) => Promise<void>;
  close: () => void;
}

/** A message of one's own while it is being changed. */
export function MessageEditor({ message, save, close }: MessageEditorProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [first] = useState(message);
  const [body, setBody] = useState(first.body);
  /** Whether the writer was told that the message has changed meanwhile. From then on its newest text stands above the field. */
  const [told, setTold] = useState(false);
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<string | null>(null);

  useEffect(() => {
    const element = field.current;
    element?.focus();
    element?.setSelectionRange(element.value.length, element.value.length);
  }, []);

  const text = normalizeBody(body);
  const left = mostCharacters - countCharacters(text);
  const isComplete = text !== "" && left >= 0;
  const isGone = told && message.deletedAt !== null;

  const submit = async () => {
    if (!isComplete || isGone || saving) return;
    if (text === first.body && !told) {
      close();
      return;
    }
    setSaving(true);
    setError(null);
    try {
      await save(message.id, text, told ? message.version : first.version);
      if (field.current) close(); // it may be closed already, and another message's editor be open
    } catch (reason) {
      if (reason instanceof ChatError && reason.code === "conflict") setTold(true);
      else setError(errorText(reason));
      setSaving(false);
    }
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (isComposing(event)) return; // Escape and Enter are the input method's
    if (event.key === "Escape") close();
    if (event.key !== "Enter" || event.shiftKey || isTouch() || event.target !== field.current) return;
    event.preventDefault();
    void submit();
  };

  return (
    <form
      className={styles.editor}
      aria-label="Edit message"
      data-own-keys=""
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
      onKeyDown={onKeyDown}
    >
      {told && (
        <div role="alert" className={styles.newer}>
          <p>
            {message.deletedAt
              ? "This message was deleted in the meantime."
              : "This message was changed in the meantime. Save again to replace it:"}
          </p>
          {!message.deletedAt && <MessageBody message={message} isTabbable />}
        </div>
      )}
      <textarea
        ref={field}
        className={styles.field}
        aria-label="Message"
        dir="auto"
        value={body}
        rows={2}
        onChange={(event) => setBody(event.target.value)}
      />
      {(error ?? lengthNote(left)) && (
        <p role="alert" className="error">
          {error ?? lengthNote(left)}
        </p>
      )}
      <div className={styles.buttons}>
        <button type="button" className="button" onClick={close}>
          Cancel
        </button>
        {/* A button that is `disabled` loses the focus. */}
        <button type="submit" className="button primary" disabled={!isComplete} aria-disabled={isGone || saving}>
          Save
        </button>
      </div>
    </form>
  );
}
