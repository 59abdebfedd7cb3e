import { createHmac } from "node:crypto";

const stage = process.env["STAGE"];
/** What the stage signs with. */
const secret = "a secret of the tests, of thirty-two bytes or more";

export interface Person {
  id: string;
  role: "client" | "developer";
  name: string;
}

// Those whom the example knows.
export const grace: Person = { id: "42", role: "client", name: "Grace" };
export const alan: Person = { id: "43", role: "client", name: "Alan" };
export const ada: Person = { id: "ada", role: "developer", name: "Ada" };
export const ken: Person = { id: "ken", role: "developer", name: "Ken" };

/** A message as the functions answer it, as far as the scenarios look. */
export interface Stored {
  attachments: { fileName: string }[];
  id: string;
  seq: number;
  body: string;
  sender: { id: string; name: string | null };
  deletedAt: string | null;
}

/** The functions with a database and a Pusher of their own, and the example at the same origin. Parts of it fail on demand. */
export class Deployment {
  private constructor(
    private readonly id: string,
    readonly url: string,
  ) {}

  /** Starts one. `settings` are of its environment. */
  static async start(settings: Record<string, string> = {}): Promise<Deployment> {
    const response = await fetch(`${stage}/deployments`, { method: "POST", body: JSON.stringify(settings) });
    if (!response.ok) throw new Error(await response.text());
    const { id, url } = (await response.json()) as { id: string; url: string };
    return new Deployment(id, url);
  }

  functionsOff = () => this.tell("POST", "/functions/off");
  functionsOn = () => this.tell("POST", "/functions/on");
  pusherOff = () => this.tell("POST", "/pusher/off");
  pusherOn = () => this.tell("POST", "/pusher/on");
  end = () => this.tell("DELETE", "");

  /** Runs a statement past the functions. Where it fails, so does the whole test. */
  sql = (statement: string) => this.tell("POST", "/sql", statement);

  private async tell(method: string, path: string, body?: string): Promise<void> {
    const response = await fetch(`${stage}/deployments/${this.id}${path}`, { method, ...(body ? { body } : {}) });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
  }

  /** Calls a function as somebody, past the browser. */
  async call<T>(who: Person, method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(this.url + path, {
      method,
      headers: { Authorization: `Bearer ${token(who)}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** Sends a message into the conversation of a client, which is the sender where none is given. */
  async send(who: Person, body: string, client: Person = who): Promise<Stored> {
    const draft = { clientId: client.id, body, ...(who.role === "developer" ? { create: true } : {}) };
    return (await this.call<{ message: Stored }>(who, "POST", "/api/messages/send", draft)).message;
  }

  /** All messages of a client's conversation, as they are stored. */
  async stored(client: Person): Promise<Stored[]> {
    const all: Stored[] = [];
    for (;;) {
      const after = all.at(-1)?.seq ?? 0;
      const page = await this.call<{ messages: Stored[]; hasMore: boolean }>(
        ada,
        "GET",
        `/api/messages/list?clientId=${encodeURIComponent(client.id)}&limit=100&after=${after}`,
      );
      all.push(...page.messages);
      if (!page.hasMore) return all;
    }
  }
}

/** A token for somebody, good for an hour. */
export function token({ id, role, name }: Person): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: id, role, name, exp: Math.floor(Date.now() / 1000) + 3600 })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
