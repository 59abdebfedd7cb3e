/** Asks whether this page may show notifications, shows the first one, and gives whether that was possible. */
export async function switchOn(): Promise<boolean> {
  if (!("Notification" in window) || (await Notification.requestPermission()) !== "granted") return false;
  return notify("Notifications are on", { body: "This is how you are told of what comes." }) !== null;
}

/**
 * Shows a notification; null if that is not possible. Safari on an iPhone knows none, except on a page that was added to the home screen.
 * Chrome for Android lets only a service worker show them, and throws, whatever the permission says.
 */
export function notify(title: string, options: NotificationOptions): Notification | null {
  if (!("Notification" in window) || Notification.permission !== "granted") return null;
  try {
    return new Notification(title, { icon: "/icon.svg", ...options });
  } catch {
    return null;
  }
}
