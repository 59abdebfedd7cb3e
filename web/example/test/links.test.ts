import { describe, expect, test } from "vitest";
import { pieces } from "@/lib/links";

/** The links of a text, as they are written. */
const links = (text: string) => pieces(text).flatMap((piece) => (piece.href ? [piece.text] : []));

describe("an address ends where the sentence goes on:", () => {
  test.each([
    [
      "(see https://example.com/a_(b)), or https://example.com/c.",
      ["https://example.com/a_(b)", "https://example.com/c"],
    ],
    ["https://example.com。これは", ["https://example.com"]],
    ["詳細はhttps://example.com/pathをご覧ください。", []],
    ["詳細は https://example.com/pathをご覧ください。", ["https://example.com/path"]],
    ["https://example.comをご覧", ["https://example.com"]],
    ["https://example.com／path、https://example.org！", ["https://example.com", "https://example.org"]],
    ["「https://example.com/a」と『https://example.com/b』", ["https://example.com/a", "https://example.com/b"]],
    ["https://ja.wikipedia.org/wiki/日本", ["https://ja.wikipedia.org/wiki/日本"]],
    ["https://例え.jp/", ["https://例え.jp/"]],
    ["https://bücher.example/straße", ["https://bücher.example/straße"]],
    ["“https://example.com/a” and ‘https://example.com/b’", ["https://example.com/a", "https://example.com/b"]],
    ["„https://example.com/a“ «https://example.com/b»…", ["https://example.com/a", "https://example.com/b"]],
    ["https://en.wikipedia.org/wiki/Moore's_law", ["https://en.wikipedia.org/wiki/Moore's_law"]],
    ["'https://example.com/a','https://example.com/b'", ["https://example.com/a", "https://example.com/b"]],
    ["https://example.com's answer", ["https://example.com"]],
    ["https://example.com/?q=a'b&c=d'", ["https://example.com/?q=a'b&c=d"]],
    ['href="https://example.com/"', ["https://example.com/"]],
    ["www.example.com, WWW.example.com/a?b.", ["www.example.com", "WWW.example.com/a?b"]],
    ["www.example and www. and awww.example.com", []],
    ["write to grace.hopper+chat@mail.example.com.", ["grace.hopper+chat@mail.example.com"]],
    ["<grace@example.com>, (ada@example.org)", ["grace@example.com", "ada@example.org"]],
    ["@ada a@b npm i @base-ui/react@1.9.0 user@localhost", []],
    ["http://localhost:3000/inbox?as=ada", ["http://localhost:3000/inbox?as=ada"]],
    ["http://127.0.0.1:8080, http://[::1]:3000/", ["http://127.0.0.1:8080", "http://[::1]:3000/"]],
    ["https://example.com/#L1-L9;", ["https://example.com/#L1-L9"]],
    ["xhttps://example.com/ main.go README.md node.js example.com", []],
    ["https://example.com/\u202Egnp.exe", ["https://example.com/"]],
    ["https://example.com@evil.example/ https://user:pw@example.com/", []],
    ["https://еxample.com/", []], // with a Cyrillic е
    ["https:// http://%00/ https://[::1]:99999/ javascript:alert(1) ftp://example.com", []],
  ])("%s", (text, want) => {
    expect(links(text)).toEqual(want);
    expect(
      pieces(text)
        .map((piece) => piece.text)
        .join(""),
    ).toBe(text);
  });

  test("where it leads is what it says", () => {
    const hrefs = (text: string) => pieces(text).flatMap(({ href }) => href ?? []);
    expect(hrefs("www.example.com")).toEqual(["https://www.example.com/"]);
    expect(hrefs("grace@example.com")).toEqual(["mailto:grace@example.com"]);
    expect(hrefs("HTTPS://EXAMPLE.COM/")).toEqual(["https://example.com/"]);
  });
});
