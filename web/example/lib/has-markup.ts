/** Whether a text may hold any markup, by a look at its characters. Where it does not, there is no need to load what reads it. */
export function mayHaveMarkup(text: string): boolean {
  return /[`*_>]|~~~|\]\(|^ {0,3}(?:[-+]|\d{1,9}[.)])[ \t]/m.test(text);
}
