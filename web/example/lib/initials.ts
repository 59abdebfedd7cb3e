const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** At most two letters that stand for a name: those of its first and last word. If it has none, its first character. */
export function initials(name: string): string {
  const words = name.split(/[\s._@-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const [first = name, last] = words.length > 1 ? [words[0], words.at(-1)] : words;
  return [first, last]
    .map(
      (word) =>
        Array.from(graphemes.segment(word?.replace(/^[^\p{L}\p{N}]+(?=[\p{L}\p{N}])/u, "") ?? ""))[0]?.segment ?? "",
    )
    .join("")
    .toLocaleUpperCase();
}
