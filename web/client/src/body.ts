/**
 * A text as the server stores it: CRLF as LF, without leading lines that hold only white space, and without any at the end; the first
 * line keeps its indentation. White space is what Unicode calls so. `trim` differs: it takes a byte order mark, and leaves U+0085.
 */
export function normalizeBody(text: string): string {
  const body = text.replaceAll("\r\n", "\n").replace(/^\p{White_Space}*\n/u, "");
  let end = body.length; // a regular expression would look at every blank within as a possible beginning of the end
  while (/\p{White_Space}/u.test(body.charAt(end - 1))) end--;
  return body.slice(0, end);
}
