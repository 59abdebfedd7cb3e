import type { ShownMessage } from "@devinbox/client";

/** Whether its writer may still change a message: it is stored and not deleted, and all of its text is here. */
export function isEditable(message: ShownMessage): boolean {
  return (
    message.mine &&
    !message.deletedAt &&
    !message.truncated &&
    (message.delivery === "sent" || message.delivery === "seen")
  );
}
