"use client";

import { useUnread } from "@devinbox/client/react";
import { type KeyboardEvent, Suspense, lazy, useRef, useState } from "react";
import { MessageAlerts } from "@/components/alerts/message-alerts";
import { ChatIcon, CloseIcon } from "@/components/ui/icons";
import { isComposing } from "@/components/ui/is-composing";
import styles from "./chat-widget.module.css";

/** It is loaded when the chat is opened for the first time. */
const ClientChat = lazy(() => import("../client-chat").then((module) => ({ default: module.ClientChat })));

interface ChatWidgetProps {
  /** Who answers, as it stands in a sentence. */
  team: string;
  greeting: string;
}

/** The client's side behind a button in the corner of any page. It needs a ChatProvider around it, and nothing else. */
export function ChatWidget({ team, greeting }: ChatWidgetProps) {
  const [isOpen, setOpen] = useState(false);
  const unread = useUnread();
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    requestAnimationFrame(() => button.current?.focus()); // on a phone it is hidden until then
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const isOwn = (event.target as Element).closest("[data-own-keys]") !== null;
    if (event.key === "Escape" && !isComposing(event) && !event.defaultPrevented && !isOwn) close();
  };
  const name = `Chat with ${team}`;
  return (
    <div className={styles.widget} data-open={isOpen || undefined}>
      <MessageAlerts isShown={isOpen} />
      {isOpen && (
        <div className={styles.panel} role="dialog" aria-label={name} onKeyDown={onKeyDown}>
          <Suspense
            fallback={
              <p role="status" className={styles.loading}>
                Loading the chat…
              </p>
            }
          >
            <ClientChat
              team={team}
              greeting={greeting}
              heading="h2"
              actions={
                <button type="button" className="button icon quiet" aria-label="Close the chat" onClick={close}>
                  <CloseIcon />
                </button>
              }
            />
          </Suspense>
        </div>
      )}
      <button
        ref={button}
        type="button"
        className={styles.button}
        aria-expanded={isOpen}
        aria-label={unread > 0 && !isOpen ? `${name}, ${unread} unread` : name}
        onClick={() => (isOpen ? close() : setOpen(true))}
      >
        {isOpen ? <CloseIcon /> : <ChatIcon />}
        {unread > 0 && !isOpen && (
          <span className={styles.badge} aria-hidden="true">
            {unread < 100 ? unread : "99+"}
          </span>
        )}
      </button>
    </div>
  );
}
