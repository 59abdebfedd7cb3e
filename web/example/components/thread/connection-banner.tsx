import type { ChatError, Connection } from "@devinbox/client";
import { errorText } from "@/lib/errors";
import styles from "./connection-banner.module.css";

const texts: Partial<Record<Connection, string>> = {
  offline: "You are offline. What you write is kept and sent once you are back.",
  polling: "Live updates are off for the moment. New messages come a little later.",
};

/** What keeps everything waiting until somebody does something. */
const signedOut: readonly string[] = ["unauthorized", "token"];

/** Says what is not as usual. The region is always there, so that a screen reader hears it change. */
export function ConnectionBanner({ connection, error }: { connection: Connection; error: ChatError | null }) {
  const text = error && signedOut.includes(error.code) ? errorText(error) : texts[connection];
  return (
    <div role="status" data-connection={connection}>
      {text && <p className={styles.banner}>{text}</p>}
    </div>
  );
}
