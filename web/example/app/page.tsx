import Link from "next/link";
import { Demo } from "@/components/demo";
import { Thread } from "@/components/thread/thread";
import { demoUser } from "@/lib/demo";
import styles from "./page.module.css";

const client = "grace";
const developer = "ada";

/** What this is, with both sides of one conversation next to each other. A real app has each on a page of its own. */
export default function HomePage() {
  const clientId = demoUser(client)?.id ?? "";
  return (
    <main className={styles.page}>
      <header className={styles.intro}>
        <h1>devinbox</h1>
        <p>
          A chat between clients and the developers who answer them. Below are both sides of one conversation, each
          signed in as somebody else. Write on one, and read on the other.
        </p>
        <nav aria-label="Pages">
          <Link href="/chat">The client’s chat</Link>
          <Link href="/inbox">The developers’ inbox</Link>
          <Link href="/widget">A page with the widget</Link>
        </nav>
      </header>
      <div className={styles.sides}>
        <div className={styles.side}>
          <h2>
            Grace <span>a client</span>
          </h2>
          <Demo as={client}>
            <Thread
              label="Grace’s side"
              empty={<p className={styles.empty}>Nothing has been written yet. Ask Ada something.</p>}
              placeholder="Write to Ada"
            />
          </Demo>
        </div>
        <div className={styles.side}>
          <h2>
            Ada <span>a developer</span>
          </h2>
          <Demo as={developer}>
            <Thread
              clientId={clientId}
              label="Ada’s side"
              empty={<p className={styles.empty}>Nothing has been written yet.</p>}
              placeholder="Write to Grace"
            />
          </Demo>
        </div>
      </div>
    </main>
  );
}
