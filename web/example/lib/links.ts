/** A piece of a text: words, or an address that may be followed. */
export interface Piece {
  text: string;
  href?: string;
}

/** An address within a text. */
export interface Link {
  start: number;
  end: number;
  href: string;
}

/** What an address can begin with; or, for an e-mail address, what is in the middle of it. */
const beginnings = /https?:\/\/|www\.|@/giu;
// What would be punctuation in a sentence of any language is in no host. U+3002 and its like would be dots to a browser.
const host = /(?:[\p{L}\p{N}\p{M}_.-]{1,253}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?/iuy;
/** A path, a query, a fragment: up to white space, quotation marks, brackets of a tag, or punctuation of another script. */
const rest =
  /[/?#](?:[^\s<>"`'’“”„‟«»‹›‘‚…\u2028-\u202e\u2066-\u2069\u3000-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]|(?<=[\p{L}\p{N}])['’](?=[\p{L}\p{N}]))*/uy;
/** What makes a host of the part before it none. */
const userinfo = /(?::[^\s/?#@]{0,80})?@[^\s/?#@]{0,253}/uy;
const letter = /[\p{L}\p{N}_]/u;
const localPart = /[\p{L}\p{N}.!#$%&*+/=?^_{|}~-]/u;
const domain = /(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.){1,8}[a-z]{2,24}(?![\p{L}\p{N}@-])/iuy;
/** Scripts that are written without spaces, so that an address runs into the words behind it. */
const unspaced = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}`;
const intoWords = new RegExp(String.raw`(?<=[a-z\d])(?=[${unspaced}])`, "iu");
const latin = /\p{sc=Latin}/u;
const lookalike = /[\p{sc=Cyrillic}\p{sc=Greek}]/u;

/**
 * Finds the addresses of a text: those of http and https, those that begin with `www.`, and e-mail addresses. Nothing else
 * becomes a link, whatever it looks like; nor does an address that hides its host, behind an `@` or in letters of two
 * scripts that look alike. Takes time in proportion to the text.
 */
export function findLinks(text: string): Link[] {
  const all: Link[] = [];
  let end = 0;
  beginnings.lastIndex = 0;
  for (let begun = beginnings.exec(text); begun; begun = beginnings.exec(text)) {
    const [beginning] = begun;
    const found = beginning === "@" ? emailAt(text, begun.index, end) : addressAt(text, begun.index, beginning);
    if (!found) continue;
    end = found.end;
    beginnings.lastIndex = end;
    if (found.href) all.push({ ...found, href: found.href });
  }
  return all;
}

/** A text cut into words and addresses. */
export function pieces(text: string): Piece[] {
  const all: Piece[] = [];
  let end = 0;
  for (const link of findLinks(text)) {
    if (link.start > end) all.push({ text: text.slice(end, link.start) });
    all.push({ text: text.slice(link.start, link.end), href: link.href });
    end = link.end;
  }
  if (end < text.length) all.push({ text: text.slice(end) });
  return all;
}

/** The address that a link may lead to; undefined if it is none of http, https and mailto, or hides its host. */
export function safeHref(address: string): string | undefined {
  if (!/^(https?:\/\/|mailto:)/i.test(address) || !URL.canParse(address)) return undefined;
  const { href, username, password } = new URL(address);
  return username || password ? undefined : href;
}

interface Found {
  start: number;
  end: number;
  /** Missing if it looks like an address and is none. */
  href?: string | undefined;
}

function addressAt(text: string, start: number, beginning: string): Found | undefined {
  if (letter.test(characterBefore(text, start))) return undefined;
  const isBare = /^w/i.test(beginning);
  const hostStart = isBare ? start : start + beginning.length;
  const found = match(host, text, hostStart);
  const name = found.split(intoWords, 1)[0] ?? "";
  if (!name) return undefined;
  let end = hostStart + name.length;
  const disguised = match(userinfo, text, end);
  if (disguised) return { start, end: end + disguised.length };
  if (name === found) end += wordless(match(rest, text, end)).length;
  const address = withoutPunctuation(text.slice(start, end));
  end = start + address.length;
  const labels = name.replace(/:\d+$/, "").split(".");
  if (isBare && labels.filter(Boolean).length < 3) return undefined;
  if (labels.some((label) => latin.test(label) && lookalike.test(label))) return { start, end };
  return { start, end, href: safeHref(isBare ? `https://${address}` : address) };
}

function emailAt(text: string, at: number, from: number): Found | undefined {
  let start = at;
  while (start > from && at - start < 64 && localPart.test(text.charAt(start - 1))) start--;
  while (start < at && !letter.test(text.charAt(start))) start++;
  const name = match(domain, text, at + 1);
  const local = text.slice(start, at);
  if (!local || !name || local.endsWith(".") || local.includes("/")) return undefined;
  return { start, end: at + 1 + name.length, href: `mailto:${encodeURIComponent(local)}@${name}` };
}

function match(expression: RegExp, text: string, at: number): string {
  expression.lastIndex = at;
  return expression.exec(text)?.[0] ?? "";
}

function characterBefore(text: string, at: number): string {
  const before = text.charAt(at - 1);
  return /[\udc00-\udfff]/.test(before) ? text.slice(at - 2, at) : before;
}

/** A path without the words that it runs into: what is written without spaces begins after one of its separators only. */
function wordless(path: string): string {
  return path.split(intoWords, 1)[0] ?? "";
}

/** What stands at the end of an address is the sentence's, and so is a bracket that the address did not open. */
function withoutPunctuation(found: string): string {
  const count = (character: string) => found.split(character).length - 1;
  // How many more of them close than open, counted once: somebody may write thousands.
  const foreign = new Map([
    [")", count(")") - count("(")],
    ["]", count("]") - count("[")],
    ["}", count("}") - count("{")],
  ]);
  let end = found.length;
  for (; end > 0; end--) {
    const last = found.charAt(end - 1);
    const left = foreign.get(last);
    if (left === undefined ? !/[.,;:!?*_~|&-]/.test(last) : left <= 0) break;
    if (left !== undefined) foreign.set(last, left - 1);
  }
  return found.slice(0, end);
}
