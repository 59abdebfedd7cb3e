import { normalizeBody } from "@devinbox/client";
import { type KeyboardEvent, type RefObject, type SubmitEvent, useLayoutEffect } from "react";
import { SendIcon } from "@/components/icons";
import { isComposing } from "@/components/is-composing";
import { isField } from "@/components/is-field";
import styles from "./composer.module.css";

/** What devinbox takes at most, in code points: `limits.bodyCodePoints` of the session. */
const limit = 8000;
/** How many may be left before the writer is told. */
const warning = 500;

interface ComposerProps {
  field: RefObject<HTMLTextAreaElement | null>;
  label: string;
  draft: string;
  onDraft: (draft: string) => void;
  onSend: (body: string) => void;
  onTyping: () => void;
  /** Called for an arrow up in an empty field. */
  onEditLast: () => void;
  disabled: boolean;
  autoFocus: boolean;
}

export function Composer({
  field,
  label,
  draft,
  onDraft,
  onSend,
  onTyping,
  onEditLast,
  disabled,
  autoFocus,
}: ComposerProps) {
  const body = normalizeBody(draft);
  const left = limit - codePoints(body);
  const sendable = !disabled && body !== "" && left >= 0;

  // At once, so that a key that is pressed as the field appears does not lose its target.
  useLayoutEffect(() => {
    // Whoever writes elsewhere already, such as a search, goes on there.
    if (autoFocus && !disabled && !isField(document.activeElement)) focusField(field.current);
  }, [field, autoFocus, disabled]);

  useLayoutEffect(() => fit(field.current), [field, draft]);

  const send = () => {
    if (!sendable) return;
    onSend(body);
    onDraft("");
    field.current?.focus();
  };

  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    send();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !touch()) {
      event.preventDefault();
      send();
    }
    if (event.key === "ArrowUp" && draft === "") {
      event.preventDefault();
      onEditLast();
    }
  };

  return (
    <form className={styles.composer} onSubmit={onSubmit}>
      <textarea
        ref={field}
        className={styles.field}
        aria-label={label}
        placeholder={label}
        value={draft}
        rows={1}
        disabled={disabled}
        enterKeyHint="enter"
        onChange={(event) => {
          onDraft(event.target.value);
          if (event.target.value) onTyping();
        }}
        onKeyDown={onKeyDown}
      />
      <button type="submit" className={styles.send} aria-label="Send" disabled={!sendable}>
        <SendIcon />
      </button>
      {left < warning && (
        <p role="status" className={styles.left} data-over={left < 0 || undefined}>
          {left < 0 ? `${-left} characters too many` : `${left} characters left`}
        </p>
      )}
    </form>
  );
}

function codePoints(text: string): number {
  return Array.from(text).length;
}

/** Makes the field as high as its text. CSS can do that alone (field-sizing), but not in every browser yet. */
function fit(field: HTMLTextAreaElement | null): void {
  if (!field || CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

/** Focuses the field for somebody with a keyboard. A touch screen would cover half of the thread with its own. */
export function focusField(field: HTMLTextAreaElement | null): void {
  if (!touch()) field?.focus();
}

/** Whether the main pointer is a finger: then Enter makes a new line, and the button sends. */
function touch(): boolean {
  return window.matchMedia("(pointer: coarse)").matches;
}
