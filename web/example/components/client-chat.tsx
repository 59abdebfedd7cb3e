"use client";

import { useUnread } from "@devinbox/client/react";
import { Thread } from "./thread/thread";
import { useTitle } from "./use-title";

/** The client's side: its one conversation, and the number of unread messages in the title. */
export function ClientChat() {
  useTitle("Chat", useUnread());
  return (
    <Thread
      label="Chat with the developers"
      empty="Write to us: a developer will answer you here."
      placeholder="Write a message"
      autoFocus
    />
  );
}
