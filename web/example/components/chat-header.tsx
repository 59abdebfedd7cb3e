import type { ShownMessage } from "@devinbox/client";
import { useConversation } from "@devinbox/client/react";
import type { ReactNode } from "react";
import { capitalised } from "@/lib/capitalised";
import { ago } from "@/lib/time";
import styles from "./chat-header.module.css";
import { Avatar } from "./ui/avatar";
import { useNow } from "./ui/use-now";

/** How many faces there are at most. */
const most = 3;

interface ChatHeaderProps {
  team: string;
  heading: "h1" | "h2";
  /** What can be done, at the end of it. */
  children: ReactNode;
}

/** Who answers, and when somebody did last. */
export function ChatHeader({ team, heading: Heading, children }: ChatHeaderProps) {
  const messages = useConversation(undefined, selectMessages);
  const now = useNow();
  const answers = messages.filter(({ own }) => !own).reverse();
  const [latest] = answers;
  const senders = [...new Map(answers.map(({ sender }) => [sender.id, sender])).values()].slice(0, most);
  return (
    <header className={styles.header}>
      <span className={styles.faces}>
        {senders.length === 0 && <Avatar id={team} name={team} size="large" />}
        {senders.map(({ id, name }) => (
          <Avatar key={id} id={id} name={name} size="large" />
        ))}
      </span>
      <div className={styles.who}>
        <Heading className={styles.name}>{capitalised(team)}</Heading>
        <p className={styles.about} dir="auto">
          {latest
            ? `${latest.sender.name ?? "Somebody"} answered ${ago(latest.createdAt, now)}`
            : "You get your answer here"}
        </p>
      </div>
      {children}
    </header>
  );
}

const selectMessages = ({ messages }: { messages: readonly ShownMessage[] }) => messages;
