import type { ShownMessage } from "@devinbox/client";
import { Menu } from "@base-ui/react/menu";
import { useRef } from "react";
import styles from "@/components/ui/menu.module.css";
import { type Popup, PopupMenu } from "@/components/ui/popup-menu";
import { isEditable } from "@/lib/is-editable";
import { useThreadActions } from "./thread-context";

interface MessageMenuProps extends Popup {
  message: ShownMessage;
  isDeveloper: boolean;
}

/** The one menu of all messages of a thread; each has a button that opens it. */
export default function MessageMenu({ message, isDeveloper, ...popup }: MessageMenuProps) {
  const { copy, quote, write, setEditing, askToDelete } = useThreadActions();
  /** What has been quoted is to be answered: the focus goes to the field, and does not stay at the message. */
  const isQuoted = useRef(false);
  const onQuote = () => {
    quote(message);
    isQuoted.current = true;
  };
  const onClosed = () => {
    if (isQuoted.current) write();
    isQuoted.current = false;
  };
  return (
    <PopupMenu {...popup} onClosed={onClosed}>
      {message.body && (
        <Menu.Item className={styles.item} onClick={() => void copy(message)}>
          Copy text
        </Menu.Item>
      )}
      <Menu.Item className={styles.item} onClick={onQuote}>
        Quote in an answer
      </Menu.Item>
      {isEditable(message) && (
        <Menu.Item className={styles.item} onClick={() => setEditing(message.id)}>
          Edit
        </Menu.Item>
      )}
      {(message.mine || isDeveloper) && (
        <Menu.Item className={styles.item} data-danger="" onClick={() => askToDelete(message)}>
          Delete…
        </Menu.Item>
      )}
    </PopupMenu>
  );
}
