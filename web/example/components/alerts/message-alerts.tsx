import { useConversation } from "@devinbox/client/react";
import { useEffect, useRef } from "react";
import { asText } from "@/lib/files";
import { useAlerts } from "./use-alerts";

/** Tells a client of answers, unless the conversation `isShown` and the page is visible. */
export function MessageAlerts({ isShown }: { isShown: boolean }) {
  const { me, messages, status } = useConversation();
  const alert = useAlerts(me);
  const newest = messages.findLast(({ own, seq }) => !own && seq > 0);
  const heard = useRef<number>(undefined);
  const isReady = status === "ready";
  useEffect(() => {
    if (!isReady) return;
    const seq = newest?.seq ?? 0;
    if (newest && heard.current !== undefined && seq > heard.current) {
      alert({
        key: String(seq),
        title: newest.sender.name ?? "A new answer",
        body: asText(newest).slice(0, 200),
        isSeen: isShown && document.visibilityState === "visible",
      });
    }
    heard.current = Math.max(heard.current ?? 0, seq);
  }, [isReady, newest, isShown, alert]);
  return null;
}
