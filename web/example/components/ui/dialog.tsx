import { type ReactNode, useEffect, useEffectEvent, useId, useRef } from "react";
import styles from "./dialog.module.css";

interface DialogProps {
  open: boolean;
  title: string;
  onClose: () => void;
  /** Called once it is closed, and the focus is back where it was, if that is still there. */
  onClosed?: () => void;
  children: ReactNode;
}

/** A modal dialog: the browser's own, which keeps the focus inside, closes at Escape and gives the focus back. */
export function Dialog({ open, title, onClose, onClosed, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  /** Whether the pointer went down beside the dialog: a selection of text in it may end there too, and closes nothing. */
  const isOutside = useRef(false);

  const closed = useEffectEvent(() => onClosed?.());
  const wasOpen = useRef(false);
  useEffect(() => {
    const element = dialog.current;
    if (open && !element?.open) element?.showModal();
    if (!open) element?.close();
    // What had the focus before may be gone. Then a browser leaves it in here for a moment, where nobody sees it.
    if (!open && element?.contains(document.activeElement)) (document.activeElement as HTMLElement).blur();
    if (!open && wasOpen.current) closed();
    wasOpen.current = open;
  }, [open]);

  return (
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-labelledby={heading}
      data-own-keys=""
      onClose={onClose}
      onPointerDown={(event) => (isOutside.current = event.target === event.currentTarget)}
      onClick={(event) => isOutside.current && event.target === event.currentTarget && onClose()}
    >
      {open && (
        <div className={styles.content}>
          <h2 id={heading} className={styles.title}>
            {title}
          </h2>
          {children}
        </div>
      )}
    </dialog>
  );
}
