"use client";

import { useUnread } from "@devinbox/client/react";
import { MessageAlerts } from "./alerts/message-alerts";
import { ClientChat } from "./client-chat";
import { useFavicon } from "./ui/use-favicon";
import { useTitle } from "./ui/use-title";

/** The client's side as a page of its own: the title and the icon tell of what is unread. */
export function ClientPage({ team, greeting }: { team: string; greeting: string }) {
  const unread = useUnread();
  useTitle(`Chat with ${team}`, unread);
  useFavicon(unread > 0);
  return (
    <>
      <ClientChat team={team} greeting={greeting} />
      <MessageAlerts isShown />
    </>
  );
}
