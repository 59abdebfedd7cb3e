import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const files = (ending: string) =>
  ["app", "components"].flatMap((folder) =>
    readdirSync(join(root, folder), { encoding: "utf8", recursive: true })
      .map((path) => join(folder, path))
      .filter((path) => path.endsWith(ending)),
  );
const all = (text: string, expression: RegExp) => [...text.matchAll(expression)].map(([, found]) => found ?? "");

/** The names of classes that components take from each module, by its path. */
const used = new Map<string, Set<string>>();
for (const path of files(".tsx")) {
  const source = read(path);
  for (const [, name, from = ""] of source.matchAll(/import (\w+) from "(.+\.module\.css)"/g)) {
    const styles = from.startsWith("@/") ? from.slice(2) : join(dirname(path), from);
    const classes = used.get(styles) ?? new Set();
    for (const found of all(source, new RegExp(`\\b${name}\\.(\\w+)`, "g"))) classes.add(found);
    used.set(styles, classes);
  }
}

test.each(files(".module.css"))("%s has the classes that its components take, and no other", (path) => {
  const css = read(path).replace(/\/\*[^]*?\*\/|"[^"]*"/g, "");
  const classes = new Set(all(css, /\.([a-z][\w-]*)(?=[^{}]*\{)/gi));
  expect([...classes].sort()).toEqual([...(used.get(path) ?? [])].sort());
});

test("each custom property is used, and each that is used is there", () => {
  const css = files(".css").map(read).join("\n");
  const declared = new Set([...all(css, /(--[\w-]+):/g), "--available-height"]); // Base UI's
  const wanted = new Set(all(css, /var\((--[\w-]+)/g));
  expect([...declared].sort()).toEqual([...wanted].sort());
});
