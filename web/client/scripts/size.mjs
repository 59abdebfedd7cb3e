// Prints what this package adds to a page, in bytes: minified and gzipped, without pusher-js and React; and what files add to that.
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

async function measure(...entries) {
  const { outputFiles } = await build({
    stdin: {
      contents: entries.map((entry) => `export * from "./src/${entry}.ts";`).join(""),
      resolveDir: fileURLToPath(new URL("..", import.meta.url)),
    },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    external: ["pusher-js", "react"],
  });
  const [{ contents }] = outputFiles;
  return { minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length };
}

const core = await measure("index", "react");
const all = await measure("index", "react", "files", "files-react");
console.log(`core and hooks: ${core.minified} minified, ${core.gzipped} gzipped`);
console.log(`files: ${all.minified - core.minified} minified, ${all.gzipped - core.gzipped} gzipped`);
