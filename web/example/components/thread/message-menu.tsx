import type { ShownMessage } from "@devinbox/client";
import { Menu } from "@base-ui/react/menu";
import styles from "./message-menu.module.css";

interface MessageMenuProps {
  menu: ReturnType<typeof Menu.createHandle<ShownMessage>>;
  onEdit: (messageId: string) => void;
  onDelete: (message: ShownMessage) => void;
}

/** The one menu of all messages of a thread; each has a button that opens it. */
export function MessageMenu({ menu, onEdit, onDelete }: MessageMenuProps) {
  return (
    <Menu.Root handle={menu} modal={false}>
      {({ payload: message }) => (
        <Menu.Portal>
          <Menu.Positioner side="bottom" align="end" sideOffset={4} className={styles.positioner}>
            <Menu.Popup className={styles.popup}>
              <Menu.Item className={styles.item} onClick={() => message && onEdit(message.id)}>
                Edit
              </Menu.Item>
              <Menu.Item className={styles.item} data-danger="" onClick={() => message && onDelete(message)}>
                Delete…
              </Menu.Item>
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      )}
    </Menu.Root>
  );
}
