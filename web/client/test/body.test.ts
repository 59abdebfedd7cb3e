import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { normalizeBody } from "../src/index.js";
import { World } from "./support/world.js";

/** What the server goes by, too. */
const cases = JSON.parse(readFileSync(new URL("../../../pkg/chat/testdata/bodies.json", import.meta.url), "utf8")) as {
  name: string;
  given: string;
  body: string;
}[];

test.each(cases)("$name", ({ given, body }) => {
  expect(normalizeBody(given)).toBe(body);
});

test("white space is what Unicode calls so", () => {
  const all = Array.from({ length: 0x3100 }, (_, code) => String.fromCharCode(code));
  expect(all.filter((c) => normalizeBody(`${c}\na${c}`) === "a")).toEqual(
    all.filter((c) => /\p{White_Space}/u.test(c)),
  );
});

test("a long run of white space costs no more than its length", () => {
  const blanks = " ".repeat(200_000);
  expect(normalizeBody(`a${blanks}b${blanks}`)).toBe(`a${blanks}b`);
  expect(normalizeBody(`${blanks}\n${blanks}b`)).toBe(`${blanks}b`);
});

test("a message is shown and sent as it will be stored", async () => {
  const world = new World();
  const { store } = await world.live();
  store.send("\r\n  if x:\r\n    y\n\n");
  expect(store.getSnapshot().messages[0]!.body).toBe("  if x:\n    y");
  await world.pass(0);
  expect(world.sends[0]!.body["body"]).toBe("  if x:\n    y");
});
