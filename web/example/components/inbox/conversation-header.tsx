import type { InboxStore, TeamMember } from "@devinbox/client";
import { useConversation } from "@devinbox/client/react";
import { useState } from "react";
import { BackIcon } from "@/components/icons";
import { errorText } from "@/lib/errors";
import styles from "./conversation-header.module.css";

interface ConversationHeaderProps {
  clientId: string;
  /** To whom it can be given. */
  team: readonly TeamMember[];
  update: InboxStore["update"];
  onBack: () => void;
}

/** Who it is, whose it is, and whether it still waits for somebody. */
export function ConversationHeader({ clientId, team, update, onBack }: ConversationHeaderProps) {
  const { conversation, me } = useConversation(clientId);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  // While it is being changed the controls keep the focus, and do nothing.
  const change = async (what: Parameters<InboxStore["update"]>[1]) => {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      await update(clientId, what);
    } catch (reason) {
      setError(errorText(reason));
    } finally {
      setBusy(false);
    }
  };

  const closed = conversation?.status === "closed";
  const assigneeId = conversation?.assigneeId ?? null;
  const others = team.filter((member) => member.id !== me?.id);
  // Who has been away for long is no longer of the team.
  if (assigneeId !== null && assigneeId !== me?.id && !others.some((member) => member.id === assigneeId))
    others.push({ id: assigneeId, name: null });
  return (
    <header className={styles.header}>
      <button type="button" className={`button icon ${styles.back}`} aria-label="Back to the inbox" onClick={onBack}>
        <BackIcon />
      </button>
      <div className={styles.who}>
        <h2 className={styles.name}>{conversation?.clientName ?? clientId}</h2>
        <p className={styles.about}>
          {[
            conversation?.clientName && clientId,
            conversation?.clientEmail,
            conversation?.online && "online",
            closed && "closed",
          ]
            .filter(Boolean)
            .join(" · ")}
        </p>
      </div>
      {conversation && me && (
        <>
          <select
            className={styles.assignee}
            aria-label="Assignee"
            value={assigneeId ?? ""}
            aria-disabled={busy}
            onChange={(event) => void change({ assigneeId: event.target.value || null })}
          >
            <option value="">Nobody</option>
            <option value={me.id}>Me</option>
            {others.map(({ id, name }) => (
              <option key={id} value={id}>
                {name ?? id}
              </option>
            ))}
          </select>
          <button
            type="button"
            className="button"
            aria-label={closed ? "Reopen the conversation" : "Close the conversation"}
            aria-disabled={busy}
            onClick={() => void change({ status: closed ? "open" : "closed" })}
          >
            {closed ? "Reopen" : "Close"}
          </button>
        </>
      )}
      {error && (
        <p role="alert" className={`error ${styles.error}`}>
          {error}
        </p>
      )}
    </header>
  );
}
