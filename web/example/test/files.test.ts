import { ChatError } from "@devinbox/client";
import { describe, expect, test } from "vitest";
import { addFiles, asText, fileKind, fileProblem, fileSize, isPicture } from "@/lib/files";

const MB = 1_048_576;

/** A file that says it has a size. */
function file(name: string, size = 1): File {
  return Object.defineProperty(new File([], name), "size", { value: size });
}

const names = (files: readonly File[]) => files.map(({ name }) => name);

describe("of what is chosen, that goes with the message which can:", () => {
  const limits = { maxBytes: 25 * MB, maxPerMessage: 3 };
  test.each([
    { added: [file("a"), file("b")], goes: "one,a,b", problem: "" },
    {
      added: [file("a", 25 * MB), file("b", 25 * MB + 1)],
      goes: "one,a",
      problem: "b: too large. A file may have 25 MB at most.",
    },
    { added: [file("a", 0), file("b")], goes: "one,b", problem: "a: there is nothing in it." },
    {
      added: ["a", "b", "c", "d", "e", "f"].map((name) => file(name)),
      goes: "one,a,b",
      problem: "c, d, e, 1 more: left out. A message takes 3 files at most.",
    },
    {
      added: [file("a", 26 * MB), file("b", 0), file("c"), file("d"), file("e")],
      goes: "one,c,d",
      problem:
        "a: too large. A file may have 25 MB at most. b: there is nothing in it. e: left out. A message takes 3 files at most.",
    },
  ])("$goes", ({ added, goes, problem }) => {
    const choice = addFiles([file("one")], added, limits);
    expect(names(choice.files).join()).toBe(goes);
    expect(choice.problem).toBe(problem);
  });

  test("no folder, whatever else was chosen", () => {
    expect(addFiles([], [file("a")], limits, [{ name: "photos" }, { name: "music" }])).toMatchObject({
      problem: "photos, music: a folder cannot be sent.",
    });
    expect(addFiles([], [], undefined, [{ name: "photos" }]).problem).toBe("photos: a folder cannot be sent.");
  });

  test("none where the server takes none, all as long as that is not known", () => {
    expect(addFiles([], [file("a")], null)).toEqual({ files: [], problem: "No files can be sent here." });
    expect(names(addFiles([], [file("a", 99 * MB)], undefined).files)).toEqual(["a"]);
  });
});

test("a size is said in the largest unit that it fills", () => {
  const sizes = [1, 900, 1_023, 1_024, 34_000, MB - 1, MB, 2_345_678, 25 * MB].map(fileSize);
  expect(sizes.join()).toBe("1 byte,900 bytes,1023 bytes,1 KB,33 KB,1 MB,1 MB,2.2 MB,25 MB");
});

test("a kind comes from the name, or else from the type", () => {
  const kind = (fileName: string, mediaType = "application/octet-stream") => fileKind({ fileName, mediaType });
  expect([kind("a.tar.gz"), kind("image", "image/png"), kind(".env"), kind("Makefile"), kind("a.much-longer")]).toEqual(
    ["GZ", "PNG", "ENV", "FILE", "FILE"],
  );
});

test("a picture is what the store lets a browser show, and no SVG", () => {
  const pictures = ["image/png", "image/jpeg", "image/svg+xml", "text/html", "image/png; a=b"];
  expect(pictures.filter((mediaType) => isPicture({ mediaType }))).toEqual(["image/png", "image/jpeg"]);
});

test("a message without text is called as its files are", () => {
  const attachments = ["a.png", "b.log"].map((fileName) => ({ fileName }) as never);
  expect(asText({ body: "", attachments })).toBe("a.png, b.log");
  expect(asText({ body: "Look", attachments })).toBe("Look");
});

test("what the client refuses is said in words", () => {
  expect(fileProblem(new ChatError("files_off"))).toBe("No files can be sent here.");
  expect(fileProblem(new ChatError("too_many_files", { message: "A message takes 10 files at most." }))).toBe(
    "A message takes 10 files at most.",
  );
  expect(fileProblem(new TypeError("x"))).toBe("These files cannot be sent.");
});
