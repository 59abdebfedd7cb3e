import type { Delivery, ShownMessage } from "@devinbox/client";
import { Menu } from "@base-ui/react/menu";
import { memo, useId } from "react";
import { Avatar } from "@/components/ui/avatar";
import { MoreIcon } from "@/components/ui/icons";
import { errorText } from "@/lib/errors";
import type { MessageRow } from "@/lib/group-messages";
import { moment, timeOfDay } from "@/lib/time";
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
  const { menu, edit, setEditing } = useThreadActions();
  const { sender, own, mine, key } = message;
  const trigger = useId();
  const isStored = message.delivery === "sent" || message.delivery === "seen";
  const hasMenu = isStored && !message.deletedAt;
  const press = useLongPress(() => hasMenu && menu.open(trigger));
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
        <MessageEditor message={message} save={edit} close={() => setEditing(null)} />
      ) : (
        <div className={styles.line}>
          <div className={styles.bubble} title={moment(message.createdAt)} {...press}>
            <MessageBody message={message} isTabbable={isActive} />
          </div>
          {hasMenu && (
            <Menu.Trigger
              id={trigger}
              handle={menu}
              payload={message}
              className={styles.more}
              aria-label="Message actions"
              tabIndex={isActive ? 0 : -1}
              data-menu=""
            >
              <MoreIcon />
            </Menu.Trigger>
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
  const { retry, discard } = useThreadActions();
  const { own, delivery, error, clientMessageId, createdAt, editedAt, deletedAt } = message;
  if (delivery === "failed" && clientMessageId) {
    return (
      <p className={styles.failed} role="alert">
        <span>Not sent. {error && errorText(error)}</span>
        <button type="button" className="link" onClick={() => retry(clientMessageId)}>
          Try again
        </button>
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
