import type { ChatError } from "@devinbox/client";
import { errorText } from "@/lib/errors";
import styles from "./failure.module.css";

/** Stands where something could not be loaded. */
export function Failure({ error }: { error: ChatError | null }) {
  return (
    <div role="alert" className={styles.failure}>
      <p>{errorText(error)}</p>
      <button type="button" className="button" onClick={() => window.location.reload()}>
        Reload
      </button>
      {error?.requestId && <p className={styles.requestId}>Request {error.requestId}</p>}
    </div>
  );
}
