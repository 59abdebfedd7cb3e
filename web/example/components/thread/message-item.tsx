import type { Delivery, ShownMessage } from "@devinbox/client";
import { memo, useRef } from "react";
import { Avatar } from "@/components/ui/avatar";
import { MoreIcon } from "@/components/ui/icons";
import { errorText } from "@/lib/errors";
import type { MessageRow } from "@/lib/group-messages";
import { moment, timeOfDay } from "@/lib/time";
import { Attachments } from "./attachments";
import { MessageBody } from "./message-body";
import { MessageEditor } from "./message-editor";
import styles from "./message-item.module.css";
import { useThreadActions } from "./thread-context";
import { useLongPress } from "./use-long-press";

interface MessageItemProps extends Omit<MessageRow, "kind" | "key"> {
  /** Whether the focus is in it, so that Tab goes on to what it holds. */
  isActive: boolean;
  isEditing: boolean;
}

/** One message. It is rendered again only when it has changed itself. */
export const MessageItem = memo(Item);

function Item({ message, first, last, delivery, isActive, isEditing }: MessageItemProps) {
  const { openMenu, edit, setEditing } = useThreadActions();
  const { sender, own, mine, key } = message;
  const button = useRef<HTMLButtonElement>(null);
  const isStored = message.delivery === "sent" || message.delivery === "seen";
  const hasMenu = isStored && !message.deletedAt;
  const open = () => button.current && openMenu(message, button.current);
  const press = useLongPress(open);
  const attachments = message.attachments.length > 0 && <Attachments message={message} isTabbable={isActive} />;
  const name = mine ? "You" : (sender.name ?? sender.id);
  return (
    <li
      className={styles.message}
      tabIndex={isActive ? 0 : -1}
      data-anchor={key}
      data-own={own || undefined}
      data-mine={mine || undefined}
      data-first={first || undefined}
      data-last={last || undefined}
      data-delivery={own ? message.delivery : undefined}
      data-seq={own || !isStored ? undefined : message.seq}
    >
      {first && !own && (
        <span className={styles.face}>
          <Avatar id={sender.id} name={sender.name} />
        </span>
      )}
      <p className={first && !mine ? styles.name : "visually-hidden"} dir="auto">
        {name}
      </p>
      {isEditing ? (
        <>
          {attachments}
          <MessageEditor message={message} save={edit} close={() => setEditing(null)} />
        </>
      ) : (
        <div className={styles.line}>
          <div className={styles.content} title={moment(message.createdAt)} {...press}>
            {attachments}
            {(message.body || message.deletedAt) && (
              <div className={styles.bubble}>
                <MessageBody message={message} isTabbable={isActive} />
              </div>
            )}
          </div>
          {hasMenu && (
            <button
              ref={button}
              type="button"
              className={styles.more}
              aria-label="Message actions"
              aria-haspopup="menu"
              tabIndex={isActive ? 0 : -1}
              data-menu=""
              onClick={open}
            >
              <MoreIcon />
            </button>
          )}
        </div>
      )}
      <Meta message={message} isShown={last} isDeliveryShown={delivery} />
    </li>
  );
}

const deliveries: Record<Delivery, string> = { sending: "Sending…", sent: "Sent", seen: "Seen", failed: "Not sent" };

interface MetaProps {
  message: ShownMessage;
  isShown: boolean;
  isDeliveryShown: boolean;
}

/** The time, and what has become of it. What is not seen is said to a screen reader all the same. */
function Meta({ message, isShown, isDeliveryShown }: MetaProps) {
  const { retry, rewrite, discard } = useThreadActions();
  const { own, delivery, error, clientMessageId, attachments, createdAt, editedAt, deletedAt } = message;
  if (delivery === "failed" && clientMessageId) {
    const isAtFile = attachments.some(({ upload }) => upload?.state === "failed"); // it stands there
    return (
      <p className={styles.failed} role="alert">
        <span>Not sent. {error && !isAtFile && errorText(error)}</span>
        <button type="button" className="link" onClick={() => retry(clientMessageId)}>
          Try again
        </button>
        {attachments.length === 0 && ( // its files would be lost
          <button type="button" className="link" onClick={() => rewrite(message)}>
            Edit
          </button>
        )}
        <button type="button" className="link" onClick={() => discard(clientMessageId)}>
          Discard
        </button>
      </p>
    );
  }
  const isEdited = editedAt !== null && !deletedAt;
  return (
    <p className={isShown || isEdited || isDeliveryShown ? styles.meta : "visually-hidden"}>
      <time dateTime={createdAt}>{timeOfDay(createdAt)}</time> {isEdited && <span>edited</span>}{" "}
      {own && <span className={isDeliveryShown ? undefined : "visually-hidden"}>{deliveries[delivery]}</span>}
    </p>
  );
}
