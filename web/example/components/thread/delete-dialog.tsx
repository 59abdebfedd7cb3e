import type { ShownMessage } from "@devinbox/client";
import { useState } from "react";
import { Dialog } from "@/components/ui/dialog";
import { errorText } from "@/lib/errors";

interface DeleteDialogProps {
  message: ShownMessage;
  isOpen: boolean;
  onClose: () => void;
  onClosed: () => void;
  onDelete: (messageId: string) => Promise<void>;
}

/** Asks before a message is deleted, since that cannot be undone. */
export function DeleteDialog({ message, isOpen, onClose, onClosed, onDelete }: DeleteDialogProps) {
  const [deleting, setDeleting] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const close = () => {
    setDeleting(false);
    setError(null);
    onClose();
  };
  const confirm = async () => {
    if (deleting) return;
    setDeleting(true);
    try {
      await onDelete(message.id);
      close();
    } catch (reason) {
      setError(errorText(reason));
      setDeleting(false);
    }
  };

  return (
    <Dialog open={isOpen} title="Delete this message?" onClose={close} onClosed={onClosed}>
      <p>Its text will be gone for both sides. This cannot be undone.</p>
      {error && (
        <p role="alert" className="error">
          {error}
        </p>
      )}
      <div className="buttons">
        <button type="button" className="button" onClick={close}>
          Cancel
        </button>
        {/* A button that is `disabled` loses the focus. */}
        <button type="button" className="button danger" aria-disabled={deleting} onClick={() => void confirm()}>
          Delete
        </button>
      </div>
    </Dialog>
  );
}
