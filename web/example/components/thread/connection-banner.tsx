import type { Connection } from "@devinbox/client";
import styles from "./connection-banner.module.css";

const texts: Partial<Record<Connection, string>> = {
  offline: "You are offline. What you write is kept and sent once you are back.",
  polling: "Live updates are off for the moment. New messages come a little later.",
};

/** Says what is not as usual. The region is always there, so that a screen reader hears it change. */
export function ConnectionBanner({ connection }: { connection: Connection }) {
  const text = texts[connection];
  return (
    <div role="status" data-connection={connection}>
      {text && <p className={styles.banner}>{text}</p>}
    </div>
  );
}
