import { ChatError, type Delivery, type ShownMessage, normalizeBody } from "@devinbox/client";
import { Menu } from "@base-ui/react/menu";
import { memo, useEffect, useRef, useState } from "react";
import { MoreIcon } from "@/components/icons";
import { isComposing } from "@/components/is-composing";
import { errorText } from "@/lib/errors";
import { pieces } from "@/lib/links";
import { moment, timeOfDay } from "@/lib/time";
import { isEditable } from "./is-editable";
import styles from "./message.module.css";

interface MessageProps {
  message: ShownMessage;
  first: boolean;
  last: boolean;
  meta: boolean;
  menu: ReturnType<typeof Menu.createHandle<ShownMessage>>;
  editing: boolean;
  onEdit: (messageId: string | null) => void;
  edit: (messageId: string, body: string, ifVersion: number) => Promise<void>;
  retry: (clientMessageId: string) => void;
  discard: (clientMessageId: string) => void;
}

/** One message. It is rendered again only when it has changed itself. */
export const Message = memo(MessageItem);

function MessageItem(props: MessageProps) {
  const { message, first, last, meta, menu, editing, onEdit, edit, retry, discard } = props;
  const { sender, own, mine, delivery, clientMessageId } = message;
  const name = mine ? "You" : (sender.name ?? sender.id);
  const stored = delivery === "sent" || delivery === "seen";
  return (
    <li
      className={styles.message}
      data-anchor=""
      data-own={own || undefined}
      data-first={first || undefined}
      data-last={last || undefined}
      data-delivery={own ? delivery : undefined}
      data-seq={own || !stored ? undefined : message.seq}
    >
      <p className={first && !mine ? styles.name : "visually-hidden"}>{name}</p>
      {editing ? (
        <Editor message={message} save={edit} close={() => onEdit(null)} />
      ) : (
        <div className={styles.line}>
          <div className={styles.bubble} title={moment(message.createdAt)}>
            <MessageBody message={message} />
          </div>
          {isEditable(message) && (
            <Menu.Trigger handle={menu} payload={message} className={styles.more} aria-label="Message actions">
              <MoreIcon />
            </Menu.Trigger>
          )}
        </div>
      )}
      {delivery === "failed" && clientMessageId ? (
        <p className={styles.failed} role="alert">
          Not sent. {message.error && errorText(message.error)}
          <button type="button" className="link" onClick={() => retry(clientMessageId)}>
            Try again
          </button>
          <button type="button" className="link" onClick={() => discard(clientMessageId)}>
            Discard
          </button>
        </p>
      ) : (
        <p className={meta || message.editedAt ? styles.meta : "visually-hidden"}>
          <time dateTime={message.createdAt}>{timeOfDay(message.createdAt)}</time>{" "}
          {message.editedAt && !message.deletedAt && <span>edited</span>} {own && <span>{deliveries[delivery]}</span>}
        </p>
      )}
    </li>
  );
}

const deliveries: Record<Delivery, string> = { sending: "Sending…", sent: "Sent", seen: "Seen", failed: "Not sent" };

/** The text as it was written. Only http and https addresses become links, and no markup is ever interpreted. */
function MessageBody({ message }: { message: ShownMessage }) {
  if (message.deletedAt) return <p className={styles.deleted}>This message was deleted</p>;
  return (
    <p className={styles.body} dir="auto">
      {pieces(message.body).map(({ text, href }, i) =>
        href ? (
          <a key={i} href={href} target="_blank" rel="noopener noreferrer nofollow">
            {text}
          </a>
        ) : (
          text
        ),
      )}
      {message.truncated && "…"}
    </p>
  );
}

interface EditorProps {
  message: ShownMessage;
  save: (messageId: string, body: string, ifVersion: number) => Promise<void>;
  close: () => void;
}

function Editor({ message, save, close }: EditorProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [first] = useState(message);
  const [body, setBody] = useState(first.body);
  /** Whether the writer was told that the message has changed meanwhile. From then on its newest text stands above the field. */
  const [told, setTold] = useState(false);
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<string | null>(null);

  useEffect(() => {
    const element = field.current;
    element?.focus();
    element?.setSelectionRange(element.value.length, element.value.length);
  }, []);

  const text = normalizeBody(body);
  const savable = !saving && text !== "" && !(told && message.deletedAt);

  const submit = async () => {
    if (!savable) return;
    if (text === first.body && !told) {
      close();
      return;
    }
    setSaving(true);
    setError(null);
    try {
      await save(message.id, text, told ? message.version : first.version);
      close();
    } catch (reason) {
      if (reason instanceof ChatError && reason.code === "conflict") setTold(true);
      else setError(errorText(reason));
      setSaving(false);
    }
  };

  return (
    <form
      className={styles.editor}
      aria-label="Edit message"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        close();
      }}
    >
      {told && (
        <div role="alert" className={styles.newer}>
          <p>
            {message.deletedAt
              ? "This message was deleted in the meantime."
              : "This message was changed in the meantime. Save again to replace it:"}
          </p>
          {!message.deletedAt && <MessageBody message={message} />}
        </div>
      )}
      <textarea
        ref={field}
        className={styles.field}
        aria-label="Message"
        value={body}
        rows={2}
        onChange={(event) => setBody(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
          event.preventDefault();
          void submit();
        }}
      />
      {error && (
        <p role="alert" className="error">
          {error}
        </p>
      )}
      <div className={styles.editorButtons}>
        <button type="button" className="button" onClick={close}>
          Cancel
        </button>
        <button type="submit" className="button primary" disabled={!savable}>
          Save
        </button>
      </div>
    </form>
  );
}
