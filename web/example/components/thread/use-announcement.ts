import type { ShownMessage } from "@devinbox/client";
import { useState } from "react";
import { asText } from "@/lib/files";

/** What a screen reader is told: the other side's newest message, once it comes, and not what was there before. The key is another for each. */
export function useAnnouncement(messages: readonly ShownMessage[], ready: boolean): { key: number; text: string } {
  const [heard, setHeard] = useState<number | null>(null);
  const [text, setText] = useState("");
  const newest = messages.findLast((message) => !message.own);
  const seq = newest?.seq ?? 0;
  if (ready && heard === null) setHeard(seq);
  else if (heard !== null && newest && seq > heard) {
    setHeard(seq);
    setText(`${newest.sender.name ?? newest.sender.id}: ${asText(newest)}`);
  }
  return { key: heard ?? 0, text };
}
