import { Dialog } from "@/components/ui/dialog";
import styles from "./keys.module.css";

type Key = [keys: readonly string[], what: string];

const triage: readonly Key[] = [
  [["j"], "the next conversation"],
  [["k"], "the one before"],
  [["r"], "answer"],
  [["Ctrl", "Enter"], "send, close, and go on to the next"],
  [["e"], "close, and go on to the next; or reopen"],
  [["m"], "assign to me"],
  [["a"], "assign to…"],
];
const others: readonly Key[] = [
  [["Enter"], "open, in the list"],
  [["Esc"], "one step back: from the field, from the conversation"],
  [["/"], "search"],
  [["u"], "only the unread ones, or all"],
  [["c"], "a new conversation"],
  [["i"], "about the client"],
  [["?"], "all keys"],
];
const inThread: readonly Key[] = [
  [["↑", "↓"], "from message to message, and Enter for its menu"],
  [["↑"], "in the empty field: edit your last message"],
];

/** A list of keys. */
export function Keys({ all = triage }: { all?: readonly Key[] }) {
  return (
    <dl className={styles.keys}>
      {all.map(([keys, what]) => (
        <div key={what}>
          <dt>
            {keys.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}

interface KeysDialogProps {
  open: boolean;
  /** Whether single keys do anything. */
  on: boolean;
  setOn: (on: boolean) => void;
  onClose: () => void;
}

export function KeysDialog({ open, on, setOn, onClose }: KeysDialogProps) {
  return (
    <Dialog open={open} title="Keys" onClose={onClose}>
      <Keys all={[...triage, ...others, ...inThread]} />
      {/* Whoever speaks to the computer types single keys without meaning to. */}
      <label className={styles.switch}>
        <input type="checkbox" checked={on} onChange={(event) => setOn(event.target.checked)} />
        Keyboard shortcuts of a single key
      </label>
      <div className="buttons">
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
