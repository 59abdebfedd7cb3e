// A page without a browser: the built @devinbox/client, in Node, through what its README documents and nothing else.
//
// Its argument is {"web","baseUrl","wsHost","wsPort","token","clientId","developer","conversations","pace"} in JSON. It
// listens to the conversations (a client: to its own), and sends to the first one, every pace milliseconds, until it gets
// "stop" on stdin. To "report" it answers what it shows, in a line of JSON on stdout. It ends with its input.
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const o = JSON.parse(process.argv[2]);
const Pusher = createRequire(join(o.web, "client", "package.json"))("pusher-js");
const { createChat } = await import(pathToFileURL(join(o.web, "client", "dist", "index.js")).href);

// The functions and the pages reach Pusher by different ways here, so the address of the session is not for the page.
class Direct extends Pusher {
  constructor(key, options) {
    super(key, { ...options, wsHost: o.wsHost, wsPort: o.wsPort });
  }
}

const chat = createChat({
  baseUrl: o.baseUrl,
  getToken: async () => o.token,
  storage: null,
  loadPusher: async () => Direct,
});
const stores = o.developer ? o.conversations.map((id) => chat.conversation(id)) : [chat.conversation()];
const inbox = o.developer ? chat.inbox({ status: "all" }) : null;
for (const store of inbox ? [...stores, inbox] : stores) store.subscribe(() => {});

const sent = new Map(); // from the key to the text
let number = 0;
const sending = setInterval(() => {
  const body = `page ${o.clientId} ${++number}`;
  sent.set(stores[0].send(body, { create: o.developer }), body);
}, o.pace);

/** Everything of a conversation, also what lies before its newest page. */
async function whole(store) {
  for (let tries = 0; store.getSnapshot().hasOlder && tries < 1_000; tries++) await store.loadOlder();
  return store.getSnapshot();
}

async function report() {
  const conversations = [];
  for (const store of stores) {
    const { conversation, messages, hasOlder, connection } = await whole(store);
    if (conversation) conversations.push({ conversation, messages, hasOlder, connection });
  }
  while (inbox?.getSnapshot().hasMore) await inbox.loadMore();
  return { conversations, inbox: inbox?.getSnapshot().conversations ?? null, sent: [...sent] };
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "stop") clearInterval(sending);
  if (line === "report") process.stdout.write(JSON.stringify(await report()) + "\n");
}
process.exit(0);
