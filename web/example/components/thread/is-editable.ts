import type { ShownMessage } from "@devinbox/client";

/** Whether its writer may still change a message: it is stored, and it is not deleted. */
export function isEditable(message: ShownMessage): boolean {
  return message.mine && !message.deletedAt && (message.delivery === "sent" || message.delivery === "seen");
}
