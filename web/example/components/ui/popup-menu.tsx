import { Menu } from "@base-ui/react/menu";
import type { ReactNode } from "react";
import styles from "./menu.module.css";

/** Where a menu stands, and whether it is there. */
export interface Popup {
  anchor: HTMLElement;
  isOpen: boolean;
  onClose: () => void;
}

interface PopupMenuProps extends Popup {
  /** Called once it is gone, and the focus is back at the anchor. */
  onClosed?: () => void;
  children: ReactNode;
}

/** A menu at something else. Whatever imports this is loaded when a menu is opened for the first time. */
export function PopupMenu({ anchor, isOpen, onClose, onClosed, children }: PopupMenuProps) {
  return (
    <Menu.Root
      open={isOpen}
      modal={false}
      onOpenChange={(open) => open || onClose()}
      onOpenChangeComplete={(open) => open || onClosed?.()}
    >
      <Menu.Portal>
        <Menu.Positioner
          anchor={anchor}
          side="bottom"
          align="end"
          sideOffset={4}
          className={styles.positioner}
          data-own-keys=""
        >
          <Menu.Popup className={styles.popup} finalFocus={() => anchor}>
            {children}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
