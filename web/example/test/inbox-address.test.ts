import { describe, expect, test } from "vitest";
import { addressWith, choiceOf, filterOf, isTooShort } from "@/lib/inbox-address";

const usual = { status: "open", unread: false, assignee: "anyone", q: "" } as const;

describe("an address is read, whatever stands in it:", () => {
  test.each([
    ["", usual],
    ["status=closed&unread=true&assignee=d:ada&q=gra", { status: "closed", unread: true, assignee: "d:ada", q: "gra" }],
    ["status=all&assignee=nobody", { ...usual, status: "all", assignee: "nobody" }],
    ["status=deleted&unread=1&assignee=d:", usual],
  ])("%s", (query, choice) => {
    expect(choiceOf(new URLSearchParams(query))).toEqual(choice);
  });
});

test("what is as always does not stand in an address, and what is another's stays", () => {
  const from = new URLSearchParams("as=ada&status=closed&q=gra&conversation=42");
  expect(addressWith(from, { status: "open", q: "" })).toBe("?as=ada&conversation=42");
  expect(addressWith(from, { conversation: null, unread: true })).toBe("?as=ada&status=closed&q=gra&unread=true");
  expect(addressWith(new URLSearchParams("unread=true"), { unread: false })).toBe("");
  for (const change of [{ assignee: "d:a&b" }, { q: "100 % = all" }, { status: "all" as const }])
    expect(choiceOf(new URLSearchParams(addressWith(new URLSearchParams(), change)))).toEqual({ ...usual, ...change });
});

test("a filter asks for nobody's instead of another's until it is known who is asking", () => {
  expect(filterOf({ ...usual, assignee: "me" }, null)).toEqual({ status: "open" });
  expect(filterOf({ ...usual, assignee: "me" }, "ada")).toEqual({ status: "open", assigneeId: "ada" });
  expect(filterOf({ ...usual, assignee: "nobody", unread: true }, "ada")).toEqual({
    ...{ status: "open", assigneeId: "none", unread: true },
  });
  expect(filterOf({ ...usual, assignee: "d:me" }, "ada")).toEqual({ status: "open", assigneeId: "me" });
});

test("what is too short is not searched for", () => {
  expect(["", "  ", "ab", " ab ", "👍👍", "abc"].map(isTooShort)).toEqual([false, false, true, true, true, false]);
  expect(filterOf({ ...usual, q: "ab" }, null)).toEqual({ status: "open" });
  expect(filterOf({ ...usual, q: " abc " }, null)).toEqual({ status: "open", q: "abc" });
});
