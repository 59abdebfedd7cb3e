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
  for (;;) {
    const last = found.at(-1) ?? "";
    const closes = last === ")" ? "(" : last === "]" ? "[" : "";
    const foreign = closes !== "" && found.split(last).length > found.split(closes).length;
    if (!foreign && !/[.,;:!?*_~]/.test(last)) return found;
    found = found.slice(0, -1);
  }
}
