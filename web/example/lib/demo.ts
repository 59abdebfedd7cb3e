/** Somebody whom the demo knows. A real app has no such list: it has sessions. */
export interface DemoUser {
  id: string;
  name: string;
  role: "client" | "developer";
}

const users: Readonly<Record<string, DemoUser>> = {
  grace: { id: "42", name: "Grace", role: "client" },
  alan: { id: "43", name: "Alan", role: "client" },
  ada: { id: "ada", name: "Ada", role: "developer" },
  ken: { id: "ken", name: "Ken", role: "developer" },
};

const first = { client: "grace", developer: "ada" };

/** The names by which the demo's users can be asked for, of one role. */
export function demoNames(role: DemoUser["role"]): string[] {
  return Object.keys(users).filter((name) => users[name]?.role === role);
}

export type SearchParams = Promise<Record<string, string | string[] | undefined>>;

/** Whom a page was asked for with `?as=`, or else the first of that role. */
export function demoName(role: DemoUser["role"], asked: string | string[] | undefined): string {
  return demoNames(role).find((name) => name === asked) ?? first[role];
}

/** The demo's user of that name, if there is one. */
export function demoUser(name: unknown): DemoUser | undefined {
  return typeof name === "string" && Object.hasOwn(users, name) ? users[name] : undefined;
}

/** A secret with which the demo could sign somebody in. */
export type DemoSecret = "CHAT_JWT_SECRET" | "AUTH_SECRET";

/**
 * Whether the demo may sign somebody in with this secret as whom they say they are. That hands every conversation of whatever has the
 * same secret to whoever asks, in development too. So it takes DEMO, which is the name of the one secret, or true for both.
 * `devinbox dev` sets it for a secret that it has made itself, and for no other.
 */
export function demoAllowed(secret: DemoSecret): boolean {
  return process.env.DEMO === "true" || process.env.DEMO === secret;
}

/**
 * Whether a request is for this machine by a name of loopback, or one of DEMO_HOSTS. `devinbox dev` checks that as well, but Next.js has
 * a port of its own beside it, and to that a page of another site could have its own name lead (DNS rebinding). A build that is served in
 * production has names of its own.
 */
export function demoHost(host: string | null): boolean {
  if (process.env.NODE_ENV === "production") return true;
  if (!host || !URL.canParse(`http://${host}`)) return false;
  const name = new URL(`http://${host}`).hostname.replace(/\.$/, "");
  return (
    /^(.+\.)?localhost$|^127(\.\d+){3}$|^\[::1\]$/.test(name) ||
    (process.env.DEMO_HOSTS ?? "").toLowerCase().split(",").includes(name)
  );
}
