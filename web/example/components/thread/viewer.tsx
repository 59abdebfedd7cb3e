import type { ShownAttachment, ShownMessage } from "@devinbox/client";
import { useAttachmentUrl } from "@devinbox/client/files/react";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { BackIcon, CloseIcon } from "@/components/ui/icons";
import { isPicture } from "@/lib/files";
import styles from "./viewer.module.css";

interface ViewerProps {
  message: ShownMessage;
  /** Which of its pictures is shown. */
  at: number;
  onMove: (at: number) => void;
  onClose: () => void;
}

/** A picture as large as the window: the arrow keys go on to the others of its message, Escape closes it. */
export default function Viewer({ message, at, onMove, onClose }: ViewerProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = useRef<HTMLButtonElement>(null);
  const pictures = message.attachments.filter(isPicture);
  const shown = pictures[at];
  useEffect(() => {
    if (!dialog.current?.open) {
      dialog.current?.showModal();
      close.current?.focus();
    }
    if (!shown) dialog.current?.close(); // it was taken out of its message, or that was deleted
  }, [shown]);

  const move = (by: number) => {
    if (pictures[at + by]) onMove(at + by);
  };
  const onKeyDown = ({ key }: KeyboardEvent) => {
    if (key === "ArrowLeft") move(-1);
    if (key === "ArrowRight") move(1);
  };
  return (
    <dialog
      ref={dialog}
      className={styles.viewer}
      aria-label={shown?.fileName}
      data-own-keys=""
      onClose={onClose}
      onKeyDown={onKeyDown}
      onClick={({ target }) => target instanceof HTMLElement && "beside" in target.dataset && dialog.current?.close()}
    >
      <form method="dialog" className={styles.bar}>
        <span className={styles.name} dir="auto">
          {shown?.fileName}
        </span>
        {pictures.length > 1 && (
          <>
            <Step label="Previous picture" isThere={at > 0} onStep={() => move(-1)} />
            <span role="status">
              {at + 1} of {pictures.length}
            </span>
            <Step label="Next picture" isThere={at < pictures.length - 1} onStep={() => move(1)} />
          </>
        )}
        <button ref={close} aria-label="Close">
          <CloseIcon />
        </button>
      </form>
      {shown && <Picture key={at} message={message} picture={shown} />}
    </dialog>
  );
}

interface StepProps {
  label: string;
  isThere: boolean;
  onStep: () => void;
}

/** It is never `disabled`: the button would lose the focus, and the dialog its keys. */
function Step({ label, isThere, onStep }: StepProps) {
  return (
    <button type="button" className={styles.step} aria-label={label} aria-disabled={!isThere} onClick={onStep}>
      <BackIcon />
    </button>
  );
}

function Picture({ message, picture }: { message: ShownMessage; picture: ShownAttachment }) {
  const url = useAttachmentUrl(message, picture);
  const { fileName, width, height } = picture;
  return (
    <div className={styles.place} data-beside="">
      {url && (
        <img
          className={styles.picture}
          src={url}
          alt={fileName}
          width={width ?? undefined}
          height={height ?? undefined}
        />
      )}
    </div>
  );
}
