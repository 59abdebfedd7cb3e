import type { Conversation, ConversationChange } from "@devinbox/client";
import { type ReactNode, type SubmitEvent, useState } from "react";
import { Avatar } from "@/components/ui/avatar";
import { CheckIcon, CopyIcon } from "@/components/ui/icons";
import { useNow } from "@/components/ui/use-now";
import { copyText } from "@/lib/copy-text";
import { ago, moment } from "@/lib/time";
import styles from "./client-panel.module.css";

interface ClientPanelProps {
  conversation: Conversation;
  change: (what: ConversationChange) => void;
}

/** Who the client is, and how it stands with them. */
export function ClientPanel({ conversation, change }: ClientPanelProps) {
  const { clientId, clientName, clientEmail, online, lastSeenAt, createdAt, lastSeq, unread } = conversation;
  /** Undefined until it was done once: after that, the button that begins it gets the focus back. */
  const [renaming, setRenaming] = useState<boolean>();
  const rename = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = new FormData(event.currentTarget).get("name");
    if (typeof name === "string" && name.trim()) change({ clientName: name.trim() });
    setRenaming(false);
  };
  return (
    <div className={styles.panel}>
      <div className={styles.head}>
        <Avatar id={clientId} name={clientName} online={online === true} size="large" />
        {renaming ? (
          <form
            className={styles.form}
            data-own-keys=""
            onSubmit={rename}
            onKeyDown={(event) => event.key === "Escape" && setRenaming(false)}
          >
            <input
              name="name"
              className="input"
              aria-label="Name"
              dir="auto"
              defaultValue={clientName ?? ""}
              maxLength={120}
              required
              autoFocus
            />
            <button type="submit" className="button primary">
              Save
            </button>
          </form>
        ) : (
          <div className={styles.who}>
            <p className={styles.name} dir="auto">
              {clientName ?? "No name yet"}
            </p>
            <button
              type="button"
              className={`link ${styles.rename}`}
              autoFocus={renaming === false}
              onClick={() => setRenaming(true)}
            >
              Rename
            </button>
          </div>
        )}
      </div>
      <dl className={styles.facts}>
        {clientEmail && <Fact name="E-mail" value={clientEmail} canBeCopied />}
        <Fact name="Id" value={clientId} canBeCopied />
        <Fact name="Last seen">{online ? "now" : lastSeenAt ? <Time at={lastSeenAt} /> : "not yet"}</Fact>
        <Fact name="First seen">
          <Time at={createdAt} />
        </Fact>
        <Fact name="Messages">{lastSeq}</Fact>
        <Fact name="Not read by us">{unread.developer}</Fact>
        <Fact name="Not read by them">{unread.client}</Fact>
      </dl>
    </div>
  );
}

function Time({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={moment(at)}>
      {ago(at, now)}
    </time>
  );
}

interface FactProps {
  name: string;
  value?: string;
  canBeCopied?: boolean;
  children?: ReactNode;
}

function Fact({ name, value = "", canBeCopied = false, children }: FactProps) {
  const [copied, setCopied] = useState<boolean>();
  const copy = async () => setCopied(await copyText(value));
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span dir="auto">{children ?? value}</span>
        {canBeCopied && (
          <button
            type="button"
            className="icon-button"
            aria-label={copied ? `${name} copied` : copied === false ? `${name} could not be copied` : `Copy: ${name}`}
            onClick={() => void copy()}
            onBlur={() => setCopied(undefined)}
          >
            {copied ? <CheckIcon /> : <CopyIcon />}
          </button>
        )}
      </dd>
    </div>
  );
}
