import type { Chat } from "@devinbox/client";
import { useChat, useConversation } from "@devinbox/client/react";
import { useEffect, useRef, useState } from "react";
import { asText } from "@/lib/files";
import { useAlerts } from "./use-alerts";

interface MessageAlertsProps {
  /** Whether the conversation is on the screen, if the page is. */
  isShown: boolean;
}

/** Tells a client of answers, unless they are on the screen. For somebody who is not signed in, the server is not asked for any. */
export function MessageAlerts({ isShown }: MessageAlertsProps) {
  const chat = useChat();
  const [signedIn, setSignedIn] = useState<Chat>();
  const isSignedIn = signedIn === chat;
  const asked = useRef<Chat>(undefined); // once at a time: it is tried for as long as there is no answer
  useEffect(() => {
    if (isSignedIn || asked.current === chat) return;
    asked.current = chat;
    chat.session().then(
      () => setSignedIn(chat),
      () => {
        asked.current = undefined; // that is looked at again when the conversation is opened, or closed
      },
    );
  }, [chat, isSignedIn, isShown]);
  return isSignedIn && <Alerts isShown={isShown} />;
}

function Alerts({ isShown }: MessageAlertsProps) {
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
