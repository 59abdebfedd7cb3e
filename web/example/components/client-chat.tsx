"use client";

import { useConversation } from "@devinbox/client/react";
import type { ReactNode } from "react";
import { AlertSettings } from "./alerts/alert-settings";
import { ChatHeader } from "./chat-header";
import styles from "./client-chat.module.css";
import { Greeting } from "./greeting";
import { Thread } from "./thread/thread";

interface ClientChatProps {
  /** Who answers: a name for all of them, as it stands in a sentence. */
  team: string;
  /** The owner's first words, where nothing has been written yet. */
  greeting: string;
  /** The heading's level on the page. */
  heading?: "h1" | "h2";
  /** What else stands in the header. */
  actions?: ReactNode;
}

/** The client's side: its one conversation, and who answers in it. */
export function ClientChat({ team, greeting, heading = "h1", actions }: ClientChatProps) {
  const isClosed = useConversation(undefined, selectIsClosed);
  return (
    <Thread
      label={`Chat with ${team}`}
      header={
        <ChatHeader team={team} heading={heading}>
          <AlertSettings role="client" />
          {actions}
        </ChatHeader>
      }
      empty={<Greeting team={team} text={greeting} />}
      note={isClosed && <p className={styles.note}>This conversation is closed. Write, and it is open again.</p>}
      placeholder="Write a message"
      autoFocus
    />
  );
}

const selectIsClosed = ({ conversation }: { conversation: { status: string } | null }) =>
  conversation?.status === "closed";
