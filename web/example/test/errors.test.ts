import { ChatError } from "@devinbox/client";
import { describe, expect, test } from "vitest";
import { errorText } from "@/lib/errors";

const unknown = errorText(new ChatError("internal"));

describe("what a person can do something about is said as such:", () => {
  test.each([
    ["file_too_large", "This file is too large."],
    ["file_empty", "There is nothing in this file."],
    ["too_many_files", "These are more files than a message takes."],
    ["file_unreadable", "This file is gone, or has changed since it was chosen. Choose it again."],
    ["invalid_request", "This cannot be accepted as it is."],
    ["payload_too_large", "This is too much for one message."],
  ])("%s", (code, text) => {
    expect(errorText(new ChatError(code))).toBe(text);
  });
});

test("fields that break a rule are named in words for the person, and never in the server's", () => {
  const refused = (...fields: string[]) =>
    errorText(
      new ChatError("validation_failed", { fields: fields.map((field) => ({ field, message: "must be short" })) }),
    );
  expect(refused("body")).toMatch(/^A message has at most 8.000 characters/);
  expect(refused("fileName")).toMatch(/^The name of the file is too long/);
  expect(refused("q", "unheardOf")).toBe("Search for a little more.");
  expect(refused("unheardOf")).toBe("This cannot be accepted as it is.");
});

test("how long to wait is said if the server says it", () => {
  expect(errorText(new ChatError("rate_limited", { retryAfter: 7 }))).toBe("That was too fast. Please wait 7 seconds.");
  expect(errorText(new ChatError("rate_limited"))).toBe("That was too fast. Please wait a moment.");
});

test("whatever else comes is no sentence of the server's", () => {
  expect(errorText(new ChatError("unheard_of", { message: "pq: relation" }))).toBe(unknown);
  expect(errorText(new TypeError("x is not a function"))).toBe("Something went wrong. Please try again.");
});
