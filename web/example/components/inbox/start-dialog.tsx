import { type SubmitEvent, useState } from "react";
import { Dialog } from "@/components/ui/dialog";

interface StartDialogProps {
  open: boolean;
  onClose: () => void;
  onStart: (clientId: string) => void;
}

/** Asks with whom. The conversation itself begins with the first message. */
export function StartDialog({ open, onClose, onStart }: StartDialogProps) {
  const [clientId, setClientId] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const id = clientId.trim();
    if (!id) return;
    setClientId("");
    onStart(id);
  };
  return (
    <Dialog open={open} title="Start a conversation" onClose={onClose}>
      <form onSubmit={submit}>
        <label className="labelled">
          The client’s id
          <input
            value={clientId}
            required
            maxLength={120}
            autoComplete="off"
            onChange={(event) => setClientId(event.target.value)}
          />
        </label>
        <div className="buttons">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary">
            Open
          </button>
        </div>
      </form>
    </Dialog>
  );
}
