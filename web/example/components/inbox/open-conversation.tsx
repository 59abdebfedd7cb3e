import type { Conversation, ConversationChange, TeamMember } from "@devinbox/client";
import { useConversation } from "@devinbox/client/react";
import { useEffect, useRef, useState } from "react";
import { Dialog } from "@/components/ui/dialog";
import { useSwitch } from "@/components/ui/use-switch";
import type { ComposerHandle } from "@/components/thread/composer";
import { Thread } from "@/components/thread/thread";
import { ClientPanel } from "./client-panel";
import { ConversationHeader } from "./conversation-header";
import styles from "./inbox.module.css";
import { useShortcuts } from "./use-shortcuts";
import type { Triage } from "./use-triage";
import { Viewers } from "./viewers";

/** How wide the page has to be for the client's panel beside the conversation; inbox.module.css has it too. */
const wide = "(min-width: 1180px)";

interface OpenConversationProps {
  clientId: string;
  /** As the list has it, if it does: that is there at once. */
  listed: Conversation | null;
  me: string | null;
  team: readonly TeamMember[];
  triage: Triage;
  /** Whether single keys do anything. */
  keys: boolean;
  /** Whether to write at once. Else one reads first, and goes on by keys. */
  autoFocus: boolean;
  onBack: () => void;
  /** Goes on to the next conversation. */
  onGoOn: () => void;
}

/** The conversation that is open, and who its client is. */
export function OpenConversation(props: OpenConversationProps) {
  const { clientId, listed, me, team, triage, keys, autoFocus, onBack, onGoOn } = props;
  const loaded = useConversation(clientId, selectConversation);
  const status = useConversation(clientId, selectStatus);
  const conversation = newer(loaded, listed);
  const [hasPanel, setHasPanel] = useSwitch("devinbox-example:panel");
  const [isDialogOpen, setDialogOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const assignee = useRef<HTMLSelectElement>(null);
  const composer = useRef<ComposerHandle>(null);

  const read = () => place.current?.querySelector<HTMLElement>("[role=log]")?.focus({ preventScroll: true });
  useEffect(() => {
    if (!autoFocus) read();
  }, [autoFocus]);

  const isBusy = triage.busy.has(clientId);
  const change = (what: ConversationChange) => {
    if (conversation) void triage.change(conversation, what);
  };
  const isClosed = conversation?.status === "closed";
  const closeAndGoOn = () => {
    change({ status: "closed" });
    onGoOn();
  };
  const toggleDetails = () => {
    if (window.matchMedia(wide).matches) setHasPanel(!hasPanel);
    else setDialogOpen(true);
  };

  /** On a phone an item of a menu has opened the dialog, and is gone. */
  const giveFocusBack = () => {
    if (document.activeElement !== document.body) return;
    place.current?.querySelector<HTMLElement>("header [aria-haspopup=menu]")?.focus({ preventScroll: true });
  };

  useShortcuts(
    keys,
    {
      r: () => composer.current?.focus(true),
      e: () => (isClosed ? change({ status: "open" }) : closeAndGoOn()),
      m: () => me && change({ assigneeId: me }),
      a: () => choose(assignee.current),
      i: toggleDetails,
    },
    (from) => {
      if (from.matches("textarea, select")) read();
      else if (!from.matches("input")) onBack();
    },
  );

  return (
    <div ref={place} className={styles.open} data-panel={(hasPanel && conversation !== null) || undefined}>
      <Thread
        clientId={clientId}
        label="Conversation"
        composer={composer}
        header={
          <>
            <ConversationHeader
              clientId={clientId}
              conversation={conversation}
              me={me}
              team={team}
              assignee={assignee}
              busy={isBusy}
              change={change}
              onBack={onBack}
              onDetails={toggleDetails}
              hasPanel={hasPanel}
            />
            <Viewers clientId={clientId} team={team} />
          </>
        }
        empty={
          <p className={styles.note}>
            Nothing has been written with {conversation?.clientName ?? clientId} yet. Your first message begins the
            conversation.
          </p>
        }
        note={
          isClosed &&
          status === "ready" && (
            <p className={styles.note}>
              This conversation is closed. It opens again when {conversation.clientName ?? "the client"} writes. An
              answer of yours leaves it closed.
            </p>
          )
        }
        placeholder="Write an answer"
        autoFocus={autoFocus}
        sendAnd={{ label: "and closes", run: closeAndGoOn }}
      />
      {hasPanel && conversation && (
        <aside className={styles.panel} aria-label="About the client">
          <ClientPanel conversation={conversation} change={change} />
        </aside>
      )}
      <Dialog
        open={isDialogOpen && conversation !== null}
        title="About the client"
        onClose={() => setDialogOpen(false)}
        onClosed={giveFocusBack}
      >
        {conversation && <ClientPanel conversation={conversation} change={change} />}
        <div className="buttons">
          <button type="button" className="button" onClick={() => setDialogOpen(false)}>
            Close
          </button>
        </div>
      </Dialog>
    </div>
  );
}

const selectConversation = ({ conversation }: { conversation: Conversation | null }) => conversation;
const selectStatus = ({ status }: { status: string }) => status;

/** What the list has is there at once; what the thread has comes with the newest events. */
function newer(a: Conversation | null, b: Conversation | null): Conversation | null {
  return (a?.version ?? 0) >= (b?.version ?? 0) ? a : b;
}

/** Opens a list of choices, if the browser can do that. */
function choose(select: HTMLSelectElement | null): void {
  select?.focus();
  try {
    select?.showPicker();
  } catch {
    // It has the focus: the arrows and letters choose.
  }
}
