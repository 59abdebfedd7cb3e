import { afterEach, describe, expect, test, vi } from "vitest";
import { copyText } from "@/lib/copy-text";
import { initials } from "@/lib/initials";
import { countCharacters, lengthNote } from "@/lib/length";
import { withQuotation, withText } from "@/lib/quote";

describe("initials", () => {
  test.each([
    ["Grace Brewster Hopper", "GH"],
    ["ada", "A"],
    ["ada.lovelace@example.com", "AC"],
    ["«Ken» (Thompson)", "KT"],
    ["e\u0301mile zola", "E\u0301Z"],
    ["李 小龍", "李小"],
    ["👩‍👩‍👧 !", "👩‍👩‍👧"],
    ["", ""],
  ])("of %j are %j", (name, letters) => {
    expect(initials(name)).toBe(letters);
  });
});

test("characters are counted as the server counts them, and the writer is told near the end", () => {
  expect(countCharacters("a👍e\u0301")).toBe(4);
  expect([500, 499, 0, -1].map(lengthNote)).toEqual([
    null,
    "499 characters left",
    "0 characters left",
    "1 characters too many",
  ]);
});

test("a quotation, and a text that was not sent, stand behind what was written already", () => {
  expect(withQuotation("", "One\n\n  Two\n")).toBe("> One\n>\n>   Two\n\n");
  expect(withQuotation("Half a sentence ", "One")).toBe("Half a sentence\n\n> One\n\n");
  expect(withText(" \n", "  indented")).toBe("  indented");
  expect(withText("Half a sentence\n", "  indented")).toBe("Half a sentence\n\n  indented");
});

describe("a text is copied", () => {
  afterEach(() => vi.unstubAllGlobals());
  test.each([
    { browser: "that lets it be", clipboard: { writeText: () => Promise.resolve() }, isCopied: true },
    { browser: "that refuses", clipboard: { writeText: () => Promise.reject(new Error("No.")) }, isCopied: false },
    { browser: "without a clipboard", clipboard: undefined, isCopied: false },
  ])("in a browser $browser: $isCopied", async ({ clipboard, isCopied }) => {
    vi.stubGlobal("navigator", { clipboard });
    expect(await copyText("Hello")).toBe(isCopied);
  });
});
