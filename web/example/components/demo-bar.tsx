import Link from "next/link";
import { type DemoUser, demoNames, demoUser } from "@/lib/demo";
import styles from "./demo-bar.module.css";

/** Says whom the demo takes you for, and lets you be somebody else. A real app has its sign-in in this place. */
export function DemoBar({
  path,
  as,
  role,
}: {
  path: "/chat" | "/inbox" | "/widget";
  as: string;
  role: DemoUser["role"];
}) {
  return (
    <nav className={`bar ${styles.bar}`} aria-label="Demo">
      <Link href="/">devinbox</Link>
      <span className={styles.you}>
        You are
        {demoNames(role).map((name) => (
          <Link
            key={name}
            href={{ pathname: path, query: { as: name } }}
            aria-current={name === as || undefined}
            prefetch={false}
          >
            {demoUser(name)?.name}
          </Link>
        ))}
      </span>
    </nav>
  );
}
