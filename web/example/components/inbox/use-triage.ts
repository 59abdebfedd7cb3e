import type { Conversation, ConversationChange, InboxStore } from "@devinbox/client";
import { useCallback, useRef, useState } from "react";
import { errorText } from "@/lib/errors";

export type Triage = ReturnType<typeof useTriage>;

/** Changes conversations and says what could not be changed. The changes of one conversation are made in their order. */
export function useTriage(update: InboxStore["update"]) {
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const [failure, setFailure] = useState<string | null>(null);

  /** The last change of each conversation that is busy. Keys are faster than answers: the next one waits for it. */
  const last = useRef(new Map<string, Promise<void>>());

  const change = useCallback(
    async (conversation: Pick<Conversation, "clientId" | "clientName">, what: ConversationChange) => {
      const { clientId, clientName } = conversation;
      const make = async () => {
        try {
          await update(clientId, what);
        } catch (reason) {
          setFailure(`${clientName ?? clientId} was not changed. ${errorText(reason)}`);
        }
      };
      setBusy((before) => new Set(before).add(clientId));
      setFailure(null);
      const made = (last.current.get(clientId) ?? Promise.resolve()).then(make);
      last.current.set(clientId, made);
      await made;
      if (last.current.get(clientId) !== made) return;
      last.current.delete(clientId);
      setBusy((before) => new Set([...before].filter((id) => id !== clientId)));
    },
    [update],
  );
  return { busy, failure, change, dismiss: () => setFailure(null) };
}
