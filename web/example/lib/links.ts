/** A piece of a text: words, or an address that may be followed. */
export type Piece = { text: string; href?: string };

const address = /\bhttps?:\/\/[^\s<>"']+/gi;

/** Finds the http and https addresses of a text. Nothing else becomes a link, whatever it looks like. */
export function pieces(text: string): Piece[] {
  const all: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(address)) {
    const found = withoutPunctuation(match[0]);
    if (!URL.canParse(found)) continue;
    if (match.index > end) all.push({ text: text.slice(end, match.index) });
    all.push({ text: found, href: new URL(found).href });
    end = match.index + found.length;
  }
  if (end < text.length) all.push({ text: text.slice(end) });
  return all;
}

/** What stands at the end of an address is the sentence's, and so is a bracket that the address did not open. */
function withoutPunctuation(found: string): string {
  const count = (character: string) => found.split(character).length - 1;
  // How many more of them close than open, counted once: somebody may write thousands.
  const foreign = new Map([
    [")", count(")") - count("(")],
    ["]", count("]") - count("[")],
  ]);
  let end = found.length;
  for (; end > 0; end--) {
    const last = found.charAt(end - 1);
    const left = foreign.get(last);
    if (left === undefined ? !/[.,;:!?*_~]/.test(last) : left <= 0) break;
    if (left !== undefined) foreign.set(last, left - 1);
  }
  return found.slice(0, end);
}
