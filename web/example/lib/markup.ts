// The part of Markdown that people write in a chat: fenced and inline code, bold, italic, lists, quotes and links. Each step
// looks at a character a fixed number of times at most, so the time is in proportion to the text, whatever that is.
// Whatever is not markup is shown as it was written; there is no HTML, and no character is lost but the marks.
import { type Link, findLinks, safeHref } from "./links";

/** Something that stands on lines of its own. */
export type Block =
  | { kind: "text"; spans: Span[] }
  | { kind: "code"; text: string; language: string }
  | { kind: "quote"; blocks: Block[] }
  | { kind: "list"; start: number | null; items: Block[][] };

/** A run of characters that look alike. */
export interface Span {
  text: string;
  code?: true;
  bold?: true;
  italic?: true;
  href?: string;
}

/** How deep quotes and lists are looked into. What lies deeper is text. */
const deepest = 4;

const fence = /^( {0,3})(`{3,}|~{3,})[ \t]*([^`]*)$/;
const quoteMark = /^ {0,3}>[ \t]?/;
const itemMark = /^( {0,3})([-*+]|\d{1,9}[.)])([ \t]+)(?=\S)/;

/** Reads a message. */
export function parse(text: string): Block[] {
  return blocksOf(text.split("\n"), 0);
}

function blocksOf(lines: readonly string[], depth: number): Block[] {
  const blocks: Block[] = [];
  let plain: string[] = [];
  const endText = () => {
    const text = withoutBlankLines(plain);
    if (text) blocks.push({ kind: "text", spans: spansOf(text) });
    plain = [];
  };
  for (let at = 0; at < lines.length;) {
    const found =
      codeAt(lines, at) ?? (depth < deepest ? (quoteAt(lines, at, depth) ?? listAt(lines, at, depth)) : undefined);
    if (found) {
      endText();
      blocks.push(found.block);
      at = found.end;
    } else plain.push(lines[at++] ?? "");
  }
  endText();
  return blocks;
}

interface FoundBlock {
  block: Block;
  end: number;
}

/** A fence without an end goes on to the end of the text. */
function codeAt(lines: readonly string[], at: number): FoundBlock | undefined {
  const [, indent = "", mark = "", language = ""] = fence.exec(lines[at] ?? "") ?? [];
  if (!mark) return undefined;
  const isEnd = (line: string) => {
    const found = fence.exec(line);
    return found?.[2]?.charAt(0) === mark.charAt(0) && found[2].length >= mark.length && !found[3];
  };
  let end = at + 1;
  while (end < lines.length && !isEnd(lines[end] ?? "")) end++;
  const code = lines.slice(at + 1, end).map((line) => line.replace(new RegExp(`^ {0,${indent.length}}`), ""));
  const block: Block = { kind: "code", text: code.join("\n"), language: language.trim().split(/\s/, 1)[0] ?? "" };
  return { block, end: end + 1 };
}

function quoteAt(lines: readonly string[], at: number, depth: number): FoundBlock | undefined {
  let end = at;
  while (end < lines.length && quoteMark.test(lines[end] ?? "")) end++;
  if (end === at) return undefined;
  const quoted = lines.slice(at, end).map((line) => line.replace(quoteMark, ""));
  return { block: { kind: "quote", blocks: blocksOf(quoted, depth + 1) }, end };
}

/** Items of one kind that follow each other. What is indented below one belongs to it. */
function listAt(lines: readonly string[], at: number, depth: number): FoundBlock | undefined {
  const first = itemMark.exec(lines[at] ?? "");
  if (!first) return undefined;
  const kind = kindOf(first[2]);
  const items: Block[][] = [];
  let end = at;
  for (
    let mark = itemMark.exec(lines[end] ?? "");
    mark && kindOf(mark[2]) === kind;
    mark = itemMark.exec(lines[end] ?? "")
  ) {
    const width = mark[0].length;
    const item = [(lines[end] ?? "").slice(width)];
    for (end++; end < lines.length; end++) {
      const line = lines[end] ?? "";
      const isBelow = indentOf(line) >= Math.min(width, (mark[1] ?? "").length + 2);
      if (!isBelow && !(line.trim() === "" && indentOf(lines[end + 1] ?? "") >= 2)) break;
      item.push(line.slice(Math.min(width, indentOf(line))));
    }
    items.push(blocksOf(item, depth + 1));
    if (lines[end]?.trim() === "" && kindOf(itemMark.exec(lines[end + 1] ?? "")?.[2]) === kind) end++;
  }
  const start = /\d/.test(kind) ? Number.parseInt(first[2] ?? "", 10) : null;
  return { block: { kind: "list", start, items }, end };
}

/** Items with the same mark are of one list; numbers are alike. */
function kindOf(mark = ""): string {
  return mark.replace(/\d+/, "1");
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function withoutBlankLines(lines: readonly string[]): string {
  const isText = (line: string) => line.trim() !== "";
  return lines.slice(Math.max(0, lines.findIndex(isText)), lines.findLastIndex(isText) + 1).join("\n");
}

/** Something within a line that is no plain text, and is not looked into any more. */
interface Token extends Omit<Span, "text"> {
  start: number;
  end: number;
  text: string;
}

/** A run of stars or underscores. */
interface Run {
  start: number;
  length: number;
  mark: string;
  opens: boolean;
  closes: boolean;
  /** How many of them are used up. An opening run is used from its end, a closing one from its beginning. */
  used: number;
  usedBefore: number;
}

const special = /`+|\[|\]\(|\*+|_+/g;
const labelled = /\]\((<[^<>\n]*>|[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)\)/y;

/** Reads what stands within lines. */
function spansOf(text: string): Span[] {
  const links = findLinks(text);
  const { tokens, runs } = tokensOf(text, links);
  return assemble(text, tokens, emphasisOf(runs));
}

/** Cuts out code and links, in which nothing else counts, and finds the runs of marks outside of them. */
function tokensOf(text: string, links: readonly Link[]): { tokens: Token[]; runs: Run[] } {
  const tokens: Token[] = [];
  const runs: Run[] = [];
  const closing = backticks(text);
  let nextLink = 0;
  let bracket = -1; // the last "[" that a label can begin at
  special.lastIndex = 0;
  for (let found = special.exec(text); found; found = special.exec(text)) {
    const [mark] = found;
    const at = found.index;
    while ((links[nextLink]?.end ?? Infinity) <= at) nextLink++;
    const link = links[nextLink];
    const isInLink = link !== undefined && link.start <= at;
    if (mark.startsWith("`")) {
      const end = closing(mark.length, at + mark.length);
      if (end === undefined) continue;
      tokens.push({ start: at, end: end + mark.length, text: codeText(text.slice(at + mark.length, end)), code: true });
      special.lastIndex = end + mark.length;
    } else if (mark === "[")
      bracket = text.charAt(at - 1) === "!" ? -1 : at; // there are no images
    else if (mark === "](") {
      const token: Token | undefined = bracket < 0 ? undefined : labelledLink(text, bracket, at);
      bracket = -1;
      if (!token) continue;
      while ((runs.at(-1)?.start ?? -1) > token.start) runs.pop();
      while ((tokens.at(-1)?.start ?? -1) > token.start) tokens.pop();
      tokens.push(token);
      special.lastIndex = token.end;
    } else if (!isInLink) runs.push(runAt(text, at, mark));
  }
  const taken = new Uint8Array(text.length);
  for (const { start, end } of tokens) taken.fill(1, start, end);
  const cut = links.filter(({ start, end }) => !taken.subarray(start, end).includes(1));
  return { tokens: [...tokens, ...cut.map((link) => ({ ...link, text: text.slice(link.start, link.end) }))], runs };
}

/** Gives a function that finds the next run of so many backticks. Each run is passed once. */
function backticks(text: string): (length: number, from: number) => number | undefined {
  const byLength = new Map<number, number[]>();
  for (const { index, 0: run } of text.matchAll(/`+/g)) {
    const starts = byLength.get(run.length) ?? [];
    starts.push(index);
    byLength.set(run.length, starts);
  }
  const next = new Map<number, number>();
  return (length, from) => {
    const starts = byLength.get(length) ?? [];
    let at = next.get(length) ?? 0;
    while ((starts[at] ?? Infinity) < from) at++;
    next.set(length, at);
    return starts[at];
  };
}

/** One blank on both sides is there to hold backticks apart. */
function codeText(code: string): string {
  return /^ .* $/s.test(code) && code.trim() !== "" ? code.slice(1, -1) : code;
}

/** A link with words of its own. Words that look like an address may name another one than it leads to: they stay text. */
function labelledLink(text: string, start: number, middle: number): Token | undefined {
  labelled.lastIndex = middle;
  const [all, address = ""] = labelled.exec(text) ?? [];
  const label = text.slice(start + 1, middle);
  const href = safeHref(address.replace(/^<|>$/g, ""));
  if (all === undefined || href === undefined || label.trim() === "" || /[[\]]|\n\n/.test(label)) return undefined;
  if (/:\/\/|@|^\s*[\p{L}\d-]+(\.[\p{L}\d-]+)+(\/\S*)?\s*$/iu.test(label) && safeHref(label) !== href) return undefined;
  return { start, end: middle + all.length, text: label.replace(/[*`]/g, ""), href };
}

function runAt(text: string, start: number, mark: string): Run {
  const before = text.charAt(start - 1);
  const after = text.charAt(start + mark.length);
  const isLeft = faces(isOutside(after), isOutside(before));
  const isRight = faces(isOutside(before), isOutside(after));
  const isWord = mark.startsWith("_"); // snake_case is no markup
  return {
    start,
    length: mark.length,
    mark: mark.charAt(0),
    opens: isLeft && (!isWord || !isRight || isOutside(before) === 1),
    closes: isRight && (!isWord || !isLeft || isOutside(after) === 1),
    used: 0,
    usedBefore: 0,
  };
}

/** Whether a run may enclose what is on one side of it, as CommonMark has it. */
function faces(inside: number, outside: number): boolean {
  return inside === 0 || (inside === 1 && outside !== 0);
}

/** 0 for a part of a word, 1 for punctuation, 2 for white space and the ends. */
function isOutside(character: string): 0 | 1 | 2 {
  if (character === "" || /\s/.test(character)) return 2;
  return /[\p{P}\p{S}]/u.test(character) ? 1 : 0;
}

/** A part of the text that is bold or italic, with its marks. */
interface Emphasis {
  start: number;
  end: number;
  marks: 1 | 2;
}

/** Pairs the runs as CommonMark does. For each kind of run it is remembered below where there is nothing to pair it with. */
function emphasisOf(runs: readonly Run[]): Emphasis[] {
  const all: Emphasis[] = [];
  const open: Run[] = [];
  const bottoms = new Map<string, number>();
  for (const run of runs) {
    const left = () => unused(run);
    while (run.closes && left() > 0) {
      const kind = `${run.mark}${run.opens}${run.length % 3}`;
      const bottom = bottoms.get(kind) ?? 0;
      let at = open.length - 1;
      while (at >= bottom && !pairs(open[at], run)) at--;
      const opener = at < bottom ? undefined : open[at];
      if (!opener) {
        bottoms.set(kind, open.length);
        break;
      }
      const marks = left() >= 2 && unused(opener) >= 2 ? 2 : 1;
      opener.used += marks;
      all.push({ start: opener.start + opener.length - opener.used, end: run.start + run.usedBefore + marks, marks });
      run.usedBefore += marks;
      open.length = unused(opener) > 0 ? at + 1 : at;
    }
    if (run.opens && left() > 0) open.push(run);
  }
  return all;
}

function unused({ length, used, usedBefore }: Run): number {
  return length - used - usedBefore;
}

function pairs(opener: Run | undefined, closer: Run): boolean {
  if (opener?.mark !== closer.mark) return false;
  const isBoth = (opener.closes || closer.opens) && (opener.length + closer.length) % 3 === 0;
  return !isBoth || (opener.length % 3 === 0 && closer.length % 3 === 0);
}

/** Puts the spans together: for each character it is counted how many parts it is in. */
function assemble(text: string, tokens: readonly Token[], emphases: readonly Emphasis[]): Span[] {
  const change = { bold: new Int16Array(text.length + 1), italic: new Int16Array(text.length + 1) };
  const isMark = new Uint8Array(text.length + 1);
  const add = (of: Int16Array, at: number, by: number) => (of[at] = (of[at] ?? 0) + by);
  for (const { start, end, marks } of emphases) {
    const of = marks === 2 ? change.bold : change.italic;
    add(of, start, 1);
    add(of, end, -1);
    isMark.fill(1, start, start + marks).fill(1, end - marks, end);
  }
  const byStart = new Map(tokens.map((token) => [token.start, token]));
  const spans: Span[] = [];
  let bold = 0;
  let italic = 0;
  let plain = "";
  let look = "";
  const flags = () => ({ ...(bold > 0 && { bold: true as const }), ...(italic > 0 && { italic: true as const }) });
  let shown = flags();
  const endPlain = () => {
    if (plain) spans.push({ text: plain, ...shown });
    plain = "";
  };
  for (let at = 0; at < text.length;) {
    bold += change.bold[at] ?? 0;
    italic += change.italic[at] ?? 0;
    const next = `${bold > 0}${italic > 0}`;
    if (next !== look) {
      endPlain();
      shown = flags();
      look = next;
    }
    const token = byStart.get(at);
    if (token) {
      endPlain();
      const { start, end, ...span } = token;
      spans.push({ ...span, ...shown });
      for (at = start + 1; at < end; at++) {
        bold += change.bold[at] ?? 0;
        italic += change.italic[at] ?? 0;
      }
    } else if (isMark[at++] === 0) plain += text.charAt(at - 1);
  }
  endPlain();
  return spans;
}
