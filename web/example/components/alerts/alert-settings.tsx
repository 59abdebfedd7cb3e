import { Menu } from "@base-ui/react/menu";
import { useState } from "react";
import { BellIcon, CheckIcon } from "@/components/ui/icons";
import styles from "@/components/ui/menu.module.css";
import { useAlertSettings } from "./use-alerts";

/** A menu of the ways in which somebody is told of what comes. The browser is asked for notifications when they are chosen. */
export function AlertSettings({ role }: { role: "client" | "developer" }) {
  const { hasSound, setSound, hasNotifications, setNotifications } = useAlertSettings(role);
  const [isDenied, setDenied] = useState(false);
  const choose = async (on: boolean) => {
    const isGranted = on && (await Notification.requestPermission()) === "granted";
    setNotifications(isGranted);
    setDenied(on && !isGranted);
  };
  const items = [
    { name: "Sound", on: hasSound, set: setSound },
    { name: "Desktop notifications", on: hasNotifications, set: (on: boolean) => void choose(on) },
  ];
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="button icon quiet" aria-label="How to be told">
        <BellIcon />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner side="bottom" align="end" sideOffset={4} className={styles.positioner} data-own-keys="">
          <Menu.Popup className={styles.popup}>
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
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
