import type { ConversationChange } from "@devinbox/client";
import { Menu } from "@base-ui/react/menu";
import { CheckIcon } from "@/components/ui/icons";
import styles from "@/components/ui/menu.module.css";
import { type Popup, PopupMenu } from "@/components/ui/popup-menu";

interface ConversationMenuProps extends Popup {
  isClosed: boolean;
  assigneeId: string | null;
  people: readonly { id: string; name: string | null }[];
  change: (what: ConversationChange) => void;
  onDetails: () => void;
}

/** All that can be done with a conversation, where there is no room for buttons. */
export default function ConversationMenu(props: ConversationMenuProps) {
  const { isClosed, assigneeId, people, change, onDetails, ...popup } = props;
  return (
    <PopupMenu {...popup}>
      <Menu.Item className={styles.item} onClick={() => change({ status: isClosed ? "open" : "closed" })}>
        {isClosed ? "Reopen" : "Close"}
      </Menu.Item>
      <Menu.Item className={styles.item} onClick={onDetails}>
        About the client
      </Menu.Item>
      <div className={styles.line} />
      <Menu.Group>
        <Menu.GroupLabel className={styles.label}>Assignee</Menu.GroupLabel>
        <Menu.RadioGroup value={assigneeId ?? ""} onValueChange={(id: string) => change({ assigneeId: id || null })}>
          {[{ id: "", name: "Nobody" }, ...people].map(({ id, name }) => (
            <Menu.RadioItem key={id} value={id} className={styles.item} closeOnClick>
              <span className={styles.check}>
                <Menu.RadioItemIndicator>
                  <CheckIcon />
                </Menu.RadioItemIndicator>
              </span>
              {name ?? id}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Group>
    </PopupMenu>
  );
}
