import { useInbox } from "@devinbox/client/react";
import { useEffect, useRef } from "react";
import { useAlerts } from "./use-alerts";

interface InboxAlertsProps {
  /** The conversation that is on the screen. */
  open: string | null;
  onOpen: (clientId: string) => void;
}

/** Tells a developer of what clients write, whatever the list is filtered by: so it has an inbox of its own. */
export function InboxAlerts({ open, onOpen }: InboxAlertsProps) {
  const { me, status, conversations } = useInbox();
  const alert = useAlerts(me);
  /** When the newest message was written that was there before, by the server's clock. */
  const since = useRef<string>(undefined);
  useEffect(() => {
    if (status !== "ready") return;
    const before = since.current;
    for (const { clientId, clientName, lastMessage } of conversations) {
      if (before === undefined || lastMessage.createdAt <= before || lastMessage.senderRole !== "client") continue;
      alert({
        key: `${clientId} ${lastMessage.seq}`,
        title: clientName ?? clientId,
        body: lastMessage.preview,
        isSeen: open === clientId && document.visibilityState === "visible",
        onClick: () => onOpen(clientId),
      });
    }
    since.current = conversations.reduce((latest, { lastMessage }) => {
      return lastMessage.createdAt > latest ? lastMessage.createdAt : latest;
    }, before ?? "");
  }, [status, conversations, open, onOpen, alert]);
  return null;
}
