// Serves the route of route.mjs over HTTP, as Next.js does: with a Request in and a Response out. Beside it an SMTP server
// takes its mails. Prints a line of JSON when both listen, and one for each mail. Ends with its input.
import { createServer } from "node:http";
import { SMTPServer } from "smtp-server";

const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");

let refuse = false;
const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ["STARTTLS"], // it has no certificate that anybody would believe
  onMailFrom: (address, session, done) => done(refuse ? new Error("not now") : null),
  onData(stream, session, done) {
    const parts = [];
    stream.on("data", (part) => parts.push(part));
    stream.on("end", () => {
      const { mailFrom, rcptTo } = session.envelope;
      print({ mail: { from: mailFrom.address, to: rcptTo.map(({ address }) => address), text: Buffer.concat(parts).toString() } });
      done();
    });
  },
});
await new Promise((resolve) => smtp.listen(0, "127.0.0.1", resolve));
process.env.SMTP_URL = `smtp://127.0.0.1:${smtp.server.address().port}`;

const { POST } = await import("./route.mjs");
const http = createServer(async (incoming, outgoing) => {
  const parts = [];
  for await (const part of incoming) parts.push(part);
  let response;
  try {
    response = await POST(new Request(`http://${incoming.headers.host}${incoming.url}`, {
      method: incoming.method, headers: incoming.headers, body: Buffer.concat(parts),
    }));
  } catch (error) {
    console.error(error);
    response = new Response(null, { status: 500 }); // as Next.js does
  }
  outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(Buffer.from(await response.arrayBuffer()));
});
await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
print({ url: `http://127.0.0.1:${http.address().port}` });

process.stdin.on("data", (command) => {
  refuse = String(command).trim() === "refuse";
  print({ done: true });
});
process.stdin.on("end", () => process.exit());
