// Prints what this package adds to a page, in bytes: minified and gzipped, without pusher-js and React.
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const { outputFiles } = await build({
  stdin: {
    contents: 'export * from "./src/index.ts"; export * from "./src/react.ts";',
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
console.log(`${contents.length} minified, ${gzipSync(contents, { level: 9 }).length} gzipped`);
