import type { TeamMember } from "@devinbox/client";
import { useConversation } from "@devinbox/client/react";
import { Avatar } from "@/components/ui/avatar";
import styles from "./viewers.module.css";

/** Says which other developers have the conversation open, and who of them is answering. In `presence` mode only. */
export function Viewers({ clientId, team }: { clientId: string; team: readonly TeamMember[] }) {
  const viewers = useConversation(clientId, selectViewers);
  const answering = useConversation(clientId, selectAnswering);
  const nameOf = (id: string) => team.find((member) => member.id === id)?.name ?? id;
  return (
    <div role="status">
      {viewers.length > 0 && (
        <ul className={styles.viewers} aria-label="Others who are here">
          {viewers.map((id) => (
            <li key={id} data-answering={answering.includes(id) || undefined}>
              <Avatar id={id} name={nameOf(id)} />
              {nameOf(id)} {answering.includes(id) ? "is answering" : "is looking at this"}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

const selectViewers = ({ viewers }: { viewers: readonly string[] }) => viewers;
const selectAnswering = ({ answering }: { answering: readonly string[] }) => answering;
