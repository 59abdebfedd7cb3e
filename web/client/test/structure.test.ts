import { readFileSync, readdirSync } from "node:fs";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const folder = new URL("../src/", import.meta.url);
const files = readdirSync(folder).filter((name) => name !== "openapi.ts");
const MAX_LINES = 60;
const MAX_VARIABLES = 6;

interface FunctionFound {
  name: string;
  lines: number;
  /** The variables that it declares and can change, those of the functions within it aside. */
  variables: string[];
}

function functionsOf(file: string): FunctionFound[] {
  const source = ts.createSourceFile(file, readFileSync(new URL(file, folder), "utf8"), ts.ScriptTarget.Latest, true);
  const found: FunctionFound[] = [];
  const visit = (node: ts.Node, within: FunctionFound | undefined): void => {
    let inner = within;
    if (ts.isFunctionLike(node) && "body" in node && node.body) {
      const line = (position: number) => source.getLineAndCharacterOfPosition(position).line;
      const name = `${file}: ${node.name?.getText() ?? `line ${line(node.getStart()) + 1}`}`;
      inner = { name, lines: line(node.end) - line(node.getStart()) + 1, variables: [] };
      found.push(inner);
    }
    if (ts.isVariableDeclarationList(node) && !(node.flags & ts.NodeFlags.Const)) {
      inner?.variables.push(...node.declarations.map((declaration) => declaration.name.getText()));
    }
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  visit(source, undefined);
  return found;
}

describe("a reader can hold in mind", () => {
  const all = files.flatMap(functionsOf);

  test("every function: none is longer than 60 lines", () => {
    expect(all.length).toBeGreaterThan(100);
    expect(all.filter(({ lines }) => lines > MAX_LINES)).toEqual([]);
  });

  test("what a function may change: no more than 6 variables", () => {
    expect(all.filter(({ variables }) => variables.length > MAX_VARIABLES)).toEqual([]);
    expect(all.some(({ variables }) => variables.length > 2)).toBe(true);
  });

  test("what decides: the pure files import nothing but types and each other", () => {
    const pure = ["thread-reducer.ts", "inbox-reducer.ts", "view.ts", "body.ts"];
    for (const file of pure) {
      const imports = readFileSync(new URL(file, folder), "utf8").matchAll(
        /^import (?!type)[^;]*? from "\.\/([^"]+)\.js";/gms,
      );
      for (const [, name] of imports) expect(pure, `${file} imports ${name!}`).toContain(`${name!}.ts`);
    }
  });
});
