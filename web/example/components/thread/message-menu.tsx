import { Menu } from "@base-ui/react/menu";
import { useRef } from "react";
import styles from "@/components/ui/menu.module.css";
import { isEditable } from "@/lib/is-editable";
import { useThreadActions } from "./thread-context";

/** The one menu of all messages of a thread; each has a button that opens it. */
export function MessageMenu({ isDeveloper }: { isDeveloper: boolean }) {
  const { menu, copy, quote, write, setEditing, askToDelete } = useThreadActions();
  /** What has been quoted is to be answered: the focus goes to the field, and not back to the message. */
  const isQuoted = useRef(false);
  return (
    <Menu.Root
      handle={menu}
      modal={false}
      onOpenChangeComplete={() => {
        if (isQuoted.current) write();
        isQuoted.current = false;
      }}
    >
      {({ payload: message }) => (
        <Menu.Portal>
          <Menu.Positioner side="bottom" align="end" sideOffset={4} className={styles.positioner} data-own-keys="">
            <Menu.Popup className={styles.popup}>
              {message && (
                <>
                  <Menu.Item className={styles.item} onClick={() => copy(message)}>
                    Copy text
                  </Menu.Item>
                  <Menu.Item
                    className={styles.item}
                    onClick={() => {
                      quote(message);
                      isQuoted.current = true;
                    }}
                  >
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
                </>
              )}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      )}
    </Menu.Root>
  );
}
