import type { Session } from "@devinbox/client";

/** What devinbox takes at most in a message, in code points. It is in each session too; the type says that it is the same in all. */
export const mostCharacters: Session["limits"]["bodyCodePoints"] = 8_000;
/** How many may be left before the writer is told. */
const warning = 500;

/** The code points of a text. */
export function countCharacters(text: string): number {
  return Array.from(text).length;
}

/** What to say of how many characters are left; null as long as there are enough. */
export function lengthNote(left: number): string | null {
  if (left >= warning) return null;
  return left < 0 ? `${-left} characters too many` : `${left} characters left`;
}
