import type { Conversation, ConversationChange, InboxStore } from "@devinbox/client";
import { useCallback, useState } from "react";
import { errorText } from "@/lib/errors";

export type Triage = ReturnType<typeof useTriage>;

/** Changes conversations, one change of each at a time, and says what could not be changed. */
export function useTriage(update: InboxStore["update"]) {
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const [failure, setFailure] = useState<string | null>(null);

  const change = useCallback(
    async (conversation: Pick<Conversation, "clientId" | "clientName">, what: ConversationChange) => {
      const { clientId, clientName } = conversation;
      setBusy((before) => new Set(before).add(clientId));
      setFailure(null);
      try {
        await update(clientId, what);
      } catch (reason) {
        setFailure(`${clientName ?? clientId} was not changed. ${errorText(reason)}`);
      } finally {
        setBusy((before) => new Set([...before].filter((id) => id !== clientId)));
      }
    },
    [update],
  );
  return { busy, failure, change, dismiss: () => setFailure(null) };
}
