import type { SessionIdentity } from "@devinbox/client";
import { useCallback, useEffect, useRef } from "react";
import { useSwitch } from "@/components/ui/use-switch";
import { type AlertChannel, createAlertChannel } from "./alert-channel";
import { chime } from "./chime";
import { notify } from "./notifications";

/** Something that came. */
export interface Alert {
  /** The same in every tab. */
  key: string;
  title: string;
  body: string;
  /** Whether somebody can see it on this page. */
  isSeen: boolean;
  /** What a click on the notification does. */
  onClick?: () => void;
}

/** How somebody of a role wants to be told. Until they choose, a developer hears a sound and a client nothing. */
export function useAlertSettings(role: SessionIdentity["role"]) {
  const [hasSound, setSound] = useSwitch(`devinbox-example:sound:${role}`, role === "developer");
  const [hasNotifications, setNotifications] = useSwitch(`devinbox-example:notifications:${role}`, false);
  return { hasSound, setSound, hasNotifications, setNotifications };
}

/** Gives a function that tells of what came, once in all tabs of this person, unless it is on the screen of one. */
export function useAlerts(me: SessionIdentity | null): (alert: Alert) => void {
  const { hasSound, hasNotifications } = useAlertSettings(me?.role ?? "client");
  const channel = useRef<AlertChannel>(null);
  const name = me && `devinbox-alerts:${me.role}:${me.id}`;
  useEffect(() => {
    if (name === null) return;
    const own = (channel.current = createAlertChannel(name));
    return () => {
      channel.current = null;
      own.close();
    };
  }, [name]);

  const settings = useRef({ hasSound, hasNotifications });
  useEffect(() => {
    settings.current = { hasSound, hasNotifications };
  }, [hasSound, hasNotifications]);
  return useCallback(({ key, title, body, isSeen, onClick }: Alert) => {
    channel.current?.report(key, isSeen, () => {
      if (settings.current.hasSound) chime();
      const notification = settings.current.hasNotifications && notify(title, { body, tag: key });
      if (!notification) return;
      notification.onclick = () => {
        window.focus();
        notification.close();
        onClick?.();
      };
    });
  }, []);
}
