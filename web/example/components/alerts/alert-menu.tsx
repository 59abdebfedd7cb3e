import { Menu } from "@base-ui/react/menu";
import { useState } from "react";
import { CheckIcon } from "@/components/ui/icons";
import styles from "@/components/ui/menu.module.css";
import { type Popup, PopupMenu } from "@/components/ui/popup-menu";
import { switchOn } from "./notifications";
import { useAlertSettings } from "./use-alerts";

/** The ways in which somebody is told of what comes. The browser is asked for notifications when they are chosen. */
export default function AlertMenu({ role, ...popup }: Popup & { role: "client" | "developer" }) {
  const { hasSound, setSound, hasNotifications, setNotifications } = useAlertSettings(role);
  const [isDenied, setDenied] = useState(false);
  const choose = async (on: boolean) => {
    const isOn = on && (await switchOn());
    setNotifications(isOn);
    setDenied(on && !isOn);
  };
  const items = [
    { name: "Sound", on: hasSound, set: setSound },
    { name: "Desktop notifications", on: hasNotifications, set: (on: boolean) => void choose(on) },
  ];
  return (
    <PopupMenu {...popup}>
      {items.map(({ name, on, set }) => (
        <Menu.CheckboxItem key={name} className={styles.item} checked={on} onCheckedChange={set}>
          <span className={styles.check}>
            <Menu.CheckboxItemIndicator>
              <CheckIcon />
            </Menu.CheckboxItemIndicator>
          </span>
          {name}
        </Menu.CheckboxItem>
      ))}
      {isDenied && <p className={styles.label}>This browser allows no notifications here.</p>}
    </PopupMenu>
  );
}
