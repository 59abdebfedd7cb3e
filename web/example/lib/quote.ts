import { normalizeBody } from "@devinbox/client";

/** A text behind what was written already, as a paragraph of its own. */
export function withText(draft: string, text: string): string {
  return draft.trim() === "" ? text : `${draft.trimEnd()}\n\n${text}`;
}

/** A text as a quotation, and a line below it for the answer; behind what was written already. */
export function withQuotation(draft: string, quoted: string): string {
  const lines = normalizeBody(quoted).split("\n");
  const quotation = lines.map((line) => (line ? `> ${line}` : ">")).join("\n");
  return withText(draft, `${quotation}\n\n`);
}
