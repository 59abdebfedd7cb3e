import styles from "./client-chat.module.css";
import { Avatar } from "./ui/avatar";

/** The owner's first words, and an invitation to answer them. */
export function Greeting({ team, text }: { team: string; text: string }) {
  return (
    <div className={styles.greeting}>
      <Avatar id={team} name={team} size="large" />
      <p className={styles.words} dir="auto">
        {text}
      </p>
      <p className={styles.hint}>
        You need not wait here: the answer stays, and the title of this page tells of it. Code is welcome, between{" "}
        <code>```</code>.
      </p>
    </div>
  );
}
