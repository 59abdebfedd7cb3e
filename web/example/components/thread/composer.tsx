import { normalizeBody } from "@devinbox/client";
import {
  type KeyboardEvent,
  type Ref,
  type SubmitEvent,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
} from "react";
import { SendIcon } from "@/components/ui/icons";
import { isComposing } from "@/components/ui/is-composing";
import { isField } from "@/components/ui/is-field";
import { isTouch } from "@/components/ui/is-touch";
import { countCharacters, lengthNote, mostCharacters } from "@/lib/length";
import styles from "./composer.module.css";
import { FileButtons } from "./file-buttons";
import { StagedFiles } from "./staged-files";
import type { StagedFiles as Staged } from "./use-staged-files";

/** The field, from outside. */
export interface ComposerHandle {
  /** Puts the focus there, for somebody with a keyboard; on a touch screen only if it `isWanted`, because its keyboard covers much. */
  focus: (isWanted?: boolean) => void;
}

interface ComposerProps {
  ref: Ref<ComposerHandle>;
  label: string;
  draft: string;
  onDraft: (draft: string) => void;
  /** Gives whether it is on its way. */
  onSend: (body: string) => boolean;
  files: Staged;
  /** What Ctrl+Enter does beside sending. */
  sendAnd: { label: string; run: () => void } | undefined;
  onTyping: () => void;
  /** Called for an arrow up in an empty field. */
  onEditLast: () => void;
  disabled: boolean;
  autoFocus: boolean;
}

export function Composer(props: ComposerProps) {
  const { ref, label, draft, onDraft, onSend, files, sendAnd, onTyping, onEditLast, disabled, autoFocus } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  const body = normalizeBody(draft);
  const left = mostCharacters - countCharacters(body);
  const sendable = !disabled && (body !== "" || files.list.length > 0) && left >= 0;

  const focus = (isWanted = false) => {
    if (!isTouch() || isWanted) field.current?.focus();
  };
  useImperativeHandle(ref, () => ({ focus }));

  // At once, so that a key that is pressed as the field appears does not lose its target.
  useLayoutEffect(() => {
    // Whoever writes elsewhere already, such as a search, goes on there.
    if (autoFocus && !disabled && !isField(document.activeElement) && !isTouch()) field.current?.focus();
  }, [autoFocus, disabled]);

  useLayoutEffect(() => fit(field.current), [draft]);

  // After files were chosen or dropped, Enter sends them.
  const count = files.list.length;
  const before = useRef(count);
  useEffect(() => {
    if (count > before.current && !isField(document.activeElement) && !isTouch()) field.current?.focus();
    before.current = count;
  }, [count]);

  /** Gives whether it is on its way. */
  const send = () => {
    if (!sendable || !onSend(body)) return false;
    onDraft("");
    focus(true);
    return true;
  };

  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    send();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    const isModified = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && !event.shiftKey && (isModified || !isTouch())) {
      event.preventDefault();
      if (send() && isModified) sendAnd?.run();
    }
    if (event.key === "ArrowUp" && draft === "") {
      event.preventDefault();
      onEditLast();
    }
  };

  return (
    <form className={styles.composer} onSubmit={onSubmit}>
      <StagedFiles files={files} onEmptied={focus} />
      <div className={styles.box}>
        {!files.isOff && <FileButtons disabled={disabled} onChoose={files.add} />}
        <textarea
          ref={field}
          className={styles.field}
          aria-label={label}
          placeholder={label}
          dir="auto"
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
      </div>
      {lengthNote(left) ? (
        <p role="status" className={styles.left} data-over={left < 0 || undefined}>
          {lengthNote(left)}
        </p>
      ) : (
        <p className={styles.hint}>
          <span>
            <b>**bold**</b> <i>*italic*</i> <code>`code`</code> <code>```</code> block
          </span>
          <span>
            <kbd>Enter</kbd> sends
            {sendAnd && (
              <>
                {" "}
                <kbd>Ctrl</kbd> <kbd>Enter</kbd> {sendAnd.label}
              </>
            )}
          </span>
        </p>
      )}
    </form>
  );
}

/** Makes the field as high as its text. CSS can do that alone (field-sizing), but not in every browser yet. */
function fit(field: HTMLTextAreaElement | null): void {
  if (!field || CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
