import { normalizeBody } from "@devinbox/client";

/** A text as a quotation, and a line below it for the answer; behind what was written already. */
export function withQuotation(draft: string, quoted: string): string {
  const lines = normalizeBody(quoted).split("\n");
  const quotation = lines.map((line) => (line ? `> ${line}` : ">")).join("\n");
  return `${draft.trim() === "" ? "" : `${draft.trimEnd()}\n\n`}${quotation}\n\n`;
}
