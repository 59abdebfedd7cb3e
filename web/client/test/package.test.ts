import { execFile } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import openapiTS, { astToString } from "openapi-typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const client = fileURLToPath(new URL("..", import.meta.url));
const { resolve } = createRequire(import.meta.url);
/** Runs a program and gives what it prints. Not in the way of vitest, which wants to hear of its workers. */
const run = async (folder: string, program: string, ...args: string[]) =>
  (await promisify(execFile)(program, args, { cwd: folder })).stdout;
const tsc = join(dirname(resolve("typescript")), "..", "bin", "tsc");

test("the generated types are those of the OpenAPI document", async () => {
  const generated = astToString(await openapiTS(new URL("../../../public/openapi.yaml", import.meta.url)));
  expect(readFileSync(join(client, "src", "openapi.ts"), "utf8").endsWith(generated), "run npm run generate").toBe(
    true,
  );
});

test("core and React hooks weigh 10,950 bytes at most, and files 3,600 more", async () => {
  const printed = await run(client, "node", "scripts/size.mjs");
  const [core, files] = [...printed.matchAll(/, (\d+) gzipped/g)].map(([, bytes]) => Number(bytes));
  expect(core).toBeLessThanOrEqual(10_950);
  expect(files).toBeLessThanOrEqual(3_600);
});

describe("the package that npm pack makes", () => {
  let folder: string;

  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "devinbox-package-")));
    // Built from a copy, so that what lies in dist by chance is not in it.
    const copy = join(folder, "client");
    mkdirSync(copy);
    for (const name of ["src", "package.json", "LICENSE", "README.md"])
      await run(folder, "cp", "-r", join(client, name), copy);
    await run(
      folder,
      process.execPath,
      tsc,
      "-p",
      join(client, "tsconfig.build.json"),
      "--rootDir",
      join(client, "src"),
      "--outDir",
      join(copy, "dist"),
    );
    const [{ filename }] = JSON.parse(
      await run(copy, "npm", "pack", "--json", "--ignore-scripts", "--pack-destination", folder),
    ) as [{ filename: string }];
    const modules = join(folder, "node_modules");
    mkdirSync(join(modules, "@devinbox", "client"), { recursive: true });
    await run(
      folder,
      "tar",
      "-xzf",
      join(folder, filename),
      "-C",
      join(modules, "@devinbox", "client"),
      "--strip-components=1",
    );
    for (const name of ["pusher-js", "react", "react-dom", "scheduler", "csstype", "@types/react"]) {
      mkdirSync(dirname(join(modules, name)), { recursive: true });
      symlinkSync(join(client, "..", "node_modules", name), join(modules, name));
    }
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const installed = (...path: string[]) => join(folder, "node_modules", "@devinbox", "client", ...path);

  test("holds the build, the licence and the way to use it, and nothing else", () => {
    expect(readdirSync(installed()).sort()).toEqual(["LICENSE", "README.md", "dist", "package.json"]);
    const { exports } = JSON.parse(readFileSync(installed("package.json"), "utf8")) as {
      exports: Record<string, Record<string, string>>;
    };
    expect(Object.keys(exports)).toEqual([".", "./react", "./files", "./files/react"]);
    for (const hooks of ["react.js", "files-react.js"])
      expect(readFileSync(installed("dist", hooks), "utf8")).toMatch(/^"use client";/);
    for (const file of Object.values(exports).flatMap((of) => Object.values(of)))
      expect(readFileSync(installed(file)).length).toBeGreaterThan(0);
  });

  test.each(["bundler", "nodenext"])(
    "type-checks in a fresh strict project that resolves modules as %s",
    async (resolution) => {
      writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "fresh", private: true, type: "module" }));
      writeFileSync(
        join(folder, "app.tsx"),
        `import { type Chat, ChatError, type ConversationState, createChat, type paths } from "@devinbox/client";
import { ChatProvider, useChat, useConversation, useInbox, useUnread } from "@devinbox/client/react";

type Page = paths["/api/messages/list"]["get"]["responses"]["200"]["content"]["application/json"];
const token: (() => Promise<string>) | undefined = undefined;
const chat: Chat = createChat({ getToken: token, loadPusher: async () => (await import("pusher-js")).default });
const state: ConversationState = chat.conversation().getSnapshot();
const bodies: string[] = state.messages.map((message) => message.body);
// @ts-expect-error: a body is text
chat.conversation().send(42);

export function App(): React.ReactNode {
  const { messages, send, markRead } = useConversation();
  const { conversations, totals, setFilter } = useInbox({ status: "open" });
  // @ts-expect-error: no such status
  setFilter({ status: "lost" });
  const unread: number = useUnread();
  useChat().signOut().catch((error: unknown) => error instanceof ChatError && error.code);
  return <ChatProvider chat={chat}><button onClick={() => { send("Hello"); markRead(messages.at(-1)?.seq); }}>{unread + totals.open + conversations.length}{bodies}</button></ChatProvider>;
}
export type { Page };
`,
      );
      // What other parts of an app they name is tried in a whole app, by the browser's scenarios.
      const examples = ["README.md", "../../README.md"].flatMap((path, i) =>
        [...readFileSync(join(client, path), "utf8").matchAll(/^```tsx\n(.*?)^```/gms)]
          .map(([, example]) => example!)
          .filter((example) => example.includes("@devinbox/client"))
          .map((example, j) => {
            const file = `readme.${i}.${j}.tsx`;
            writeFileSync(join(folder, file), `declare const process: { env: Record<string, string> };\n${example}`);
            return file;
          }),
      );
      expect(examples).toHaveLength(3);
      // What the project's README has for those who use pusher-js themselves; the two functions are the reader's.
      const [script, ...others] = [
        ...readFileSync(join(client, "../../README.md"), "utf8").matchAll(/^```ts\n(.*?)^```/gms),
      ].map(([, example]) => example!);
      expect([script, others]).toEqual([expect.stringContaining('from "pusher-js"'), []]);
      writeFileSync(
        join(folder, "script.ts"),
        `import type { Message } from "@devinbox/client";
${script}
declare function catchUp(): void;
declare function show(message: Message): void;
`,
      );
      const module = resolution === "bundler" ? "esnext" : "nodenext";
      const options = [
        "--strict",
        "--exactOptionalPropertyTypes",
        "--noUncheckedIndexedAccess",
        "--noEmit",
        "--skipDefaultLibCheck", // TypeScript's own; the package's and React's are checked
        "--jsx",
        "react-jsx",
        "--target",
        "es2022",
        "--lib",
        "es2023,dom,dom.iterable",
      ];
      try {
        await run(
          folder,
          process.execPath,
          tsc,
          ...options,
          "--module",
          module,
          "--moduleResolution",
          resolution,
          "app.tsx",
          ...(resolution === "bundler" ? ["script.ts"] : []), // by the other, pusher-js's own types have no default export
          ...examples,
        );
      } catch (error) {
        expect.fail((error as { stdout: string }).stdout);
      }
    },
  );

  test("runs in Node as it is, without a bundler", async () => {
    writeFileSync(
      join(folder, "app.mjs"),
      `import { createChat } from "@devinbox/client";
import * as files from "@devinbox/client/files";
import * as filesReact from "@devinbox/client/files/react";
import * as react from "@devinbox/client/react";
const chat = createChat({ baseUrl: "http://127.0.0.1:1", storage: null });
chat.conversation().subscribe(() => {
  const { connection, error } = chat.conversation().getSnapshot();
  if (!error) return;
  console.log([react, files, filesReact].flatMap((entry) => Object.keys(entry).sort()).join(), connection, error.code);
  process.exit();
});
`,
    );
    expect((await run(folder, process.execPath, "app.mjs")).trim()).toBe(
      "ChatProvider,useChat,useConversation,useInbox,useUnread,attachmentUrl,chatFiles,checkFiles,watchAttachmentUrl,useAttachmentUrl offline network",
    );
  });
});
