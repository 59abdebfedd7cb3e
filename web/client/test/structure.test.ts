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

/** The names of the members of the exported interfaces and classes of a file. */
function membersOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(new URL(file, folder), "utf8"), ts.ScriptTarget.Latest, true);
  return source.statements
    .filter((node) => ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node))
    .filter(({ name }) => name?.text !== "PusherAuth") // which no caller sees
    .flatMap(({ members }) => [...members].flatMap(({ name }) => (name ? [name.getText()] : [])));
}

test("the README's reference names every option, state and method, and no other", () => {
  const readme = readFileSync(new URL("../README.md", folder), "utf8");
  const reference = readme.slice(readme.indexOf("\n## Reference\n"));
  const code = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span!);
  const named = new Set(code(reference).flatMap((span) => span.match(/\w+/g) ?? []));
  const members = ["types.ts", "react.ts", "error.ts"].flatMap(membersOf);
  expect(members.length).toBeGreaterThan(80);
  expect(members.filter((name) => !named.has(name) && name !== "name" && name !== "children")).toEqual([]);

  const rows = [...reference.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, first]) => code(first!));
  const names = rows.map((span) => span.replace(/\(.*/, ""));
  expect(names.length).toBeGreaterThan(50);
  const hooks = /^use(Chat|Conversation|Inbox|Unread)$/;
  expect(names.filter((name) => !members.includes(name) && !hooks.test(name) && name !== "upload")).toEqual([]);
});

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
