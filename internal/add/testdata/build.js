// Builds functions as Vercel does: node build.js PROJECT FUNCTION …
// The project is built in place. The last line of the output has, for each function, the program that Vercel would run.
const { build } = require("@vercel/go");

const [project, ...functions] = process.argv.slice(2);

async function main() {
  const programs = {};
  for (const entrypoint of functions) {
    const result = await build({
      files: {}, entrypoint, workPath: project, repoRootPath: project, config: { zeroConfig: true }, meta: { skipDownload: true },
    });
    const { files, handler } = (result.result ?? result).output;
    programs[entrypoint] = files[handler].fsPath;
  }
  console.log(JSON.stringify(programs));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
