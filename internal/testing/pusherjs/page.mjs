// Runs the script of a page in Node, over as much of a document as a small page needs: node page.mjs SCRIPT ORIGIN
//
// In:  {"submit":"form","values":{"text":"Hello"}}: somebody fills in a form and sends it.
// Out: {"id":"messages","text":"…"} each time that the text of an element changes; {"ready":true} when the script has run.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [script, origin] = process.argv.slice(2);
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

class Element {
  #lines = [];
  #submit = () => {};
  elements = {};

  constructor(id) {
    this.id = id;
  }

  get textContent() {
    return this.#lines.map((line) => (typeof line === "string" ? line : line.textContent)).join("\n");
  }

  set textContent(text) {
    this.#lines = [text];
    this.#changed();
  }

  append(...children) {
    this.#lines.push(...children);
    this.#changed();
  }

  addEventListener(name, listener) {
    if (name !== "submit") throw new Error(`there is no event ${name} here`);
    this.#submit = listener;
  }

  submit(values) {
    this.elements = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
    return this.#submit({ preventDefault() {} });
  }

  reset() {}

  #changed() {
    if (this.id) say({ id: this.id, text: this.textContent });
  }
}

const elements = new Map();
globalThis.document = {
  createElement: () => new Element(),
  getElementById(id) {
    if (!elements.has(id)) elements.set(id, new Element(id));
    return elements.get(id);
  },
};

// A browser resolves addresses against the page's own. pusher-js does so too, with the one that the session names.
const ask = globalThis.fetch;
globalThis.fetch = async (address, options) => {
  const response = await ask(new URL(address, origin), options);
  if (address !== "/api/session") return response;
  const session = await response.json();
  session.realtime.authEndpoint = new URL(session.realtime.authEndpoint, origin).href;
  return Response.json(session, { status: response.status });
};

process.on("unhandledRejection", (error) => {
  console.error(error);
  process.exit(1);
});
await import(pathToFileURL(script));
say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const { submit, values } = JSON.parse(line);
  await document.getElementById(submit).submit(values);
}
process.exit(0);
