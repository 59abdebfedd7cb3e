"use client";

import { useInbox } from "@devinbox/client/react";
import { useEffect, useRef, useState } from "react";
import { CloseIcon, PlusIcon } from "@/components/ui/icons";
import { AlertSettings } from "@/components/alerts/alert-settings";
import { InboxAlerts } from "@/components/alerts/inbox-alerts";
import { useFavicon } from "@/components/ui/use-favicon";
import { useSwitch } from "@/components/ui/use-switch";
import { useTitle } from "@/components/ui/use-title";
import { ConnectionBanner } from "@/components/thread/connection-banner";
import { useMissedDrops } from "@/components/thread/use-file-drop";
import { type Choice, filterOf } from "@/lib/inbox-address";
import { ConversationList } from "./conversation-list";
import { Filters } from "./filters";
import styles from "./inbox.module.css";
import { Keys, KeysDialog } from "./keys";
import { OpenConversation } from "./open-conversation";
import { StartDialog } from "./start-dialog";
import { useInboxAddress } from "./use-inbox-address";
import { useShortcuts } from "./use-shortcuts";
import { useTriage } from "./use-triage";

/** The developers' inbox: the list, and the conversation that is open. */
export function Inbox() {
  const { open, choice, address, setOpen, setChoice } = useInboxAddress();
  const inbox = useFilteredInbox(choice);
  const { totals, team, conversations } = inbox;
  const me = inbox.me?.id ?? null;
  const [dialog, setDialog] = useState<"start" | "keys" | null>(null);
  const [keys, setKeys] = useSwitch("devinbox-example:keys");
  /** Who opens a conversation with a pointer writes next; who does it by keys goes on by keys. */
  const [byPointer, setByPointer] = useState(false);
  const main = useRef<HTMLElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const triage = useTriage(inbox.update);
  useTitle("Inbox", totals.unread);
  useFavicon(totals.unread > 0);
  useMissedDrops();

  const at = conversations.findIndex(({ clientId }) => clientId === open);
  const show = (clientId: string | null, isByPointer = false) => {
    setByPointer(isByPointer);
    setOpen(clientId);
  };
  const links = () => Array.from(list.current?.querySelectorAll<HTMLElement>("a") ?? []);
  const focusLine = (line: number) => (links()[line] ?? list.current)?.focus();
  const back = () => {
    show(null);
    // On a narrow screen the list is hidden until the thread is gone.
    requestAnimationFrame(() => focusLine(Math.max(at, 0)));
  };
  const move = (step: 1 | -1) => {
    if (open !== null) {
      const next = conversations[at + step];
      if (next) show(next.clientId);
      else if (step > 0 && inbox.hasMore) void inbox.loadMore();
      return;
    }
    const all = links();
    const from = all.findIndex((link) => link === document.activeElement);
    if (all.length === 0) focusLine(0);
    else all[from < 0 ? 0 : from + step]?.focus();
  };
  const dismiss = () => {
    triage.dismiss();
    const log = main.current?.querySelector<HTMLElement>("[role=log]");
    if (log) log.focus({ preventScroll: true });
    else focusLine(0);
  };
  const goOn = () => {
    const next = conversations[at + 1] ?? conversations[at - 1];
    if (next) show(next.clientId);
    else back();
  };

  useShortcuts(
    keys,
    {
      j: () => move(1),
      k: () => move(-1),
      "/": () => search.current?.focus(),
      u: () => setChoice({ unread: !choice.unread }),
      c: () => setDialog("start"),
      "?": () => setDialog("keys"),
    },
    (from) => from === search.current && focusLine(0),
  );

  return (
    <main ref={main} className={styles.inbox} data-open={open !== null || undefined}>
      <section className={styles.side} aria-label="Inbox">
        <header className={styles.header}>
          <h1 className={styles.title}>Inbox</h1>
          <p role="status" className={styles.totals}>
            {inbox.status === "ready" && `${counted(totals.open)} open, ${counted(totals.unread)} unread`}
          </p>
          <AlertSettings role="developer" />
          <button
            type="button"
            className={`button icon quiet ${styles.keys}`}
            aria-label="Keys"
            onClick={() => setDialog("keys")}
          >
            ?
          </button>
          <button
            type="button"
            className="button icon quiet"
            aria-label="Start a conversation"
            onClick={() => setDialog("start")}
          >
            <PlusIcon />
          </button>
        </header>
        <Filters search={search} me={me} team={team} choice={choice} onChoose={setChoice} />
        {open === null && (
          <ConnectionBanner connection={inbox.connection} error={inbox.status === "ready" ? inbox.error : null} />
        )}
        <ConversationList
          ref={list}
          inbox={inbox}
          open={open}
          address={address}
          onOpen={show}
          empty={<EmptyList choice={choice} onShowAll={() => setChoice(everything)} />}
        />
      </section>
      {open === null ? (
        <Nothing />
      ) : (
        <OpenConversation
          key={open}
          clientId={open}
          listed={conversations[at] ?? null}
          me={me}
          team={team}
          triage={triage}
          keys={keys}
          autoFocus={byPointer}
          onBack={back}
          onGoOn={goOn}
        />
      )}
      {triage.failure && (
        <div role="alert" className={styles.failure}>
          {triage.failure}
          <button type="button" className="button icon quiet" aria-label="Dismiss" onClick={dismiss}>
            <CloseIcon />
          </button>
        </div>
      )}
      <InboxAlerts open={open} onOpen={show} />
      <KeysDialog open={dialog === "keys"} on={keys} setOn={setKeys} onClose={() => setDialog(null)} />
      <StartDialog
        open={dialog === "start"}
        onClose={() => setDialog(null)}
        onStart={(clientId) => {
          setDialog(null);
          show(clientId, true);
        }}
      />
    </main>
  );
}

const everything: Choice = { status: "open", unread: false, assignee: "anyone", q: "" };

function EmptyList({ choice, onShowAll }: { choice: Choice; onShowAll: () => void }) {
  const isFiltered = JSON.stringify(choice) !== JSON.stringify(everything);
  return isFiltered ? (
    <div className={styles.note}>
      <p>No conversation matches.</p>
      <button type="button" className="button" onClick={onShowAll}>
        Show all that are open
      </button>
    </div>
  ) : (
    <p className={styles.note}>Nobody waits for you. A conversation begins when a client writes, or with + above.</p>
  );
}

/** Stands where no conversation is open. */
function Nothing() {
  return (
    <div className={styles.nothing}>
      <p>Choose a conversation.</p>
      <Keys />
      <p className={styles.small}>
        <kbd>?</kbd> shows all keys.
      </p>
    </div>
  );
}

/** The inbox under the filter that stands in the address. */
function useFilteredInbox(choice: Choice) {
  const [first] = useState(() => filterOf(choice, null));
  const inbox = useInbox(first);
  const { me, setFilter } = inbox;
  const filter = JSON.stringify(filterOf(choice, me?.id ?? null));
  const set = useRef(JSON.stringify(first));
  useEffect(() => {
    if (set.current === filter) return;
    set.current = filter;
    setFilter(JSON.parse(filter) as ReturnType<typeof filterOf>);
  }, [filter, setFilter]);
  return inbox;
}

/** Totals stop counting at 1,000. */
function counted(total: number): string {
  return total < 1000 ? String(total) : "1000+";
}
