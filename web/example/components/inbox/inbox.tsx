"use client";

import { useInbox } from "@devinbox/client/react";
import { useSearchParams } from "next/navigation";
import { useCallback, useRef, useState } from "react";
import { PlusIcon } from "@/components/icons";
import { ConnectionBanner } from "@/components/thread/connection-banner";
import { Thread } from "@/components/thread/thread";
import { useTitle } from "@/components/use-title";
import { ConversationHeader } from "./conversation-header";
import { ConversationList } from "./conversation-list";
import { Filters } from "./filters";
import styles from "./inbox.module.css";
import { StartDialog } from "./start-dialog";
import { useShortcuts } from "./use-shortcuts";
import { useSwitch } from "./use-switch";

/** The developers' inbox: the list, and the conversation that is open. Which one that is stands in the address, so that "back" works. */
export function Inbox() {
  const inbox = useInbox();
  const { open, setOpen, address } = useOpenConversation();
  const [starting, setStarting] = useState(false);
  const list = useRef<HTMLUListElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const { totals } = inbox;
  useTitle("Inbox", totals.unread);
  const [keys, setKeys] = useSwitch("devinbox-example:keys");
  useShortcuts({ keys, list, search, open, close: () => setOpen(null) });

  return (
    <main className={styles.inbox} data-open={open !== null || undefined}>
      <section className={styles.side} aria-label="Inbox">
        <header className={styles.header}>
          <h1 className={styles.title}>Inbox</h1>
          <p role="status" className={styles.totals}>
            {inbox.status === "ready" && `${counted(totals.open)} open, ${counted(totals.unread)} unread`}
          </p>
          <button
            type="button"
            className="button icon"
            aria-label="Start a conversation"
            onClick={() => setStarting(true)}
          >
            <PlusIcon />
          </button>
        </header>
        <Filters search={search} me={inbox.me?.id ?? null} setFilter={inbox.setFilter} />
        {open === null && (
          <ConnectionBanner connection={inbox.connection} error={inbox.status === "ready" ? inbox.error : null} />
        )}
        <ConversationList ref={list} inbox={inbox} open={open} address={address} onOpen={setOpen} />
        {/* Whoever speaks to the computer types single keys without meaning to. */}
        <label className={styles.keys}>
          <input type="checkbox" checked={keys} onChange={(event) => setKeys(event.target.checked)} />
          <span className="visually-hidden">Keyboard shortcuts: </span>
          <kbd>j</kbd> <kbd>k</kbd> move · <kbd>Enter</kbd> open · <kbd>Esc</kbd> back · <kbd>/</kbd> search
        </label>
      </section>
      {open === null ? (
        <p className={styles.nothing}>Choose a conversation.</p>
      ) : (
        <Thread
          key={open}
          clientId={open}
          label="Conversation"
          header={
            <ConversationHeader clientId={open} team={inbox.team} update={inbox.update} onBack={() => setOpen(null)} />
          }
          empty={`Nothing has been written with ${open} yet. Your first message begins the conversation.`}
          placeholder="Write an answer"
          autoFocus
        />
      )}
      <StartDialog
        open={starting}
        onClose={() => setStarting(false)}
        onStart={(clientId) => {
          setStarting(false);
          setOpen(clientId);
        }}
      />
    </main>
  );
}

/** Totals stop counting at 1,000. */
function counted(total: number): string {
  return total < 1000 ? String(total) : "1000+";
}

function useOpenConversation() {
  const parameters = useSearchParams();
  const address = useCallback(
    (clientId: string | null) => {
      const next = new URLSearchParams(parameters);
      if (clientId === null) next.delete("conversation");
      else next.set("conversation", clientId);
      return `?${next}`;
    },
    [parameters],
  );
  const setOpen = useCallback(
    // Next.js takes notice of it, and asks the server for nothing.
    (clientId: string | null) => window.history.pushState(null, "", address(clientId)),
    [address],
  );
  return { open: parameters.get("conversation"), setOpen, address };
}
