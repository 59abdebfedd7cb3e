import type { Conversation, ConversationChange, TeamMember } from "@devinbox/client";
import { Menu } from "@base-ui/react/menu";
import type { Ref } from "react";
import { Avatar } from "@/components/ui/avatar";
import { BackIcon, CheckIcon, MoreIcon, PanelIcon } from "@/components/ui/icons";
import menuStyles from "@/components/ui/menu.module.css";
import styles from "./conversation-header.module.css";

interface ConversationHeaderProps {
  clientId: string;
  /** Null until it is loaded, or if there is none yet. */
  conversation: Conversation | null;
  me: string | null;
  /** To whom it can be given. */
  team: readonly TeamMember[];
  assignee: Ref<HTMLSelectElement>;
  busy: boolean;
  change: (what: ConversationChange) => void;
  onBack: () => void;
  onDetails: () => void;
  /** Whether the client's panel is shown beside the conversation. */
  hasPanel: boolean;
}

/** Who it is, whose it is, and whether it still waits for somebody. On a phone all that can be done is in one menu. */
export function ConversationHeader(props: ConversationHeaderProps) {
  const { clientId, conversation, me, team, assignee, busy, change, onBack, onDetails, hasPanel } = props;
  const isClosed = conversation?.status === "closed";
  const assigneeId = conversation?.assigneeId ?? null;
  const people = [...(me ? [{ id: me, name: "Me" }] : []), ...team.filter(({ id }) => id !== me)];
  // Who has been away for long is no longer of the team.
  if (assigneeId !== null && !people.some(({ id }) => id === assigneeId)) people.push({ id: assigneeId, name: null });
  const name = conversation?.clientName ?? clientId;
  const toggle = () => change({ status: isClosed ? "open" : "closed" });

  return (
    <header className={styles.header}>
      <button
        type="button"
        className={`button icon quiet ${styles.back}`}
        aria-label="Back to the inbox"
        onClick={onBack}
      >
        <BackIcon />
      </button>
      <Avatar id={clientId} name={name} online={conversation?.online === true} />
      <div className={styles.who}>
        <h2 className={styles.name} dir="auto">
          {name}
        </h2>
        <p className={styles.about}>
          {[
            isClosed && "Closed",
            conversation?.online && "Online",
            conversation?.clientEmail,
            conversation?.clientName && clientId,
          ]
            .filter(Boolean)
            .join(" · ")}
        </p>
      </div>
      {conversation && me && (
        <>
          <div className={styles.actions}>
            <select
              ref={assignee}
              className={styles.assignee}
              aria-label="Assignee"
              value={assigneeId ?? ""}
              aria-disabled={busy}
              onChange={(event) => change({ assigneeId: event.target.value || null })}
            >
              <option value="">Nobody</option>
              {people.map((person) => (
                <option key={person.id} value={person.id}>
                  {person.name ?? person.id}
                </option>
              ))}
            </select>
            <button
              type="button"
              className="button"
              aria-label={isClosed ? "Reopen the conversation" : "Close the conversation"}
              aria-disabled={busy}
              onClick={toggle}
            >
              {isClosed ? "Reopen" : "Close"}
            </button>
            <button
              type="button"
              className="button icon quiet"
              aria-label="About the client"
              aria-pressed={hasPanel}
              onClick={onDetails}
            >
              <PanelIcon />
            </button>
          </div>
          <Menu.Root modal={false}>
            <Menu.Trigger className={`button icon quiet ${styles.menu}`} aria-label="Conversation actions">
              <MoreIcon />
            </Menu.Trigger>
            <Menu.Portal>
              <Menu.Positioner
                side="bottom"
                align="end"
                sideOffset={4}
                className={menuStyles.positioner}
                data-own-keys=""
              >
                <Menu.Popup className={menuStyles.popup}>
                  <Menu.Item className={menuStyles.item} onClick={toggle}>
                    {isClosed ? "Reopen" : "Close"}
                  </Menu.Item>
                  <Menu.Item className={menuStyles.item} onClick={onDetails}>
                    About the client
                  </Menu.Item>
                  <div className={menuStyles.line} />
                  <Menu.Group>
                    <Menu.GroupLabel className={menuStyles.label}>Assignee</Menu.GroupLabel>
                    <Menu.RadioGroup
                      value={assigneeId ?? ""}
                      onValueChange={(id: string) => change({ assigneeId: id || null })}
                    >
                      {[{ id: "", name: "Nobody" }, ...people].map((person) => (
                        <Menu.RadioItem key={person.id} value={person.id} className={menuStyles.item} closeOnClick>
                          <span className={menuStyles.check}>
                            <Menu.RadioItemIndicator>
                              <CheckIcon />
                            </Menu.RadioItemIndicator>
                          </span>
                          {person.name ?? person.id}
                        </Menu.RadioItem>
                      ))}
                    </Menu.RadioGroup>
                  </Menu.Group>
                </Menu.Popup>
              </Menu.Positioner>
            </Menu.Portal>
          </Menu.Root>
        </>
      )}
    </header>
  );
}
