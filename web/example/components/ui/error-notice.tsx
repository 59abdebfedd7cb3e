import type { ChatError } from "@devinbox/client";
import { errorText } from "@/lib/errors";
import styles from "./error-notice.module.css";

/** What goes away by itself, and is tried again until then. */
const passing: readonly string[] = ["network", "token", "internal", "unavailable", "rate_limited", "http"];

/** Stands where something could not be loaded. */
export function ErrorNotice({ error, what }: { error: ChatError | null; what: string }) {
  if (error && passing.includes(error.code)) {
    return (
      <p role="status" className={styles.notice}>
        {error.code === "network" ? `No answer came. ` : `${errorText(error)} `}
        {what} will be here as soon as there is one.
      </p>
    );
  }
  return (
    <div role="alert" className={styles.notice}>
      <p>{errorText(error)}</p>
      <button type="button" className="button" onClick={() => window.location.reload()}>
        Reload
      </button>
      {error?.requestId && <p className={styles.requestId}>Request {error.requestId}</p>}
    </div>
  );
}
