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

/** The names by which the demo's users can be asked for, of one role. */
export function demoNames(role: DemoUser["role"]): string[] {
  return Object.keys(users).filter((name) => users[name]?.role === role);
}

export type SearchParams = Promise<Record<string, string | string[] | undefined>>;

/** Whom a page was asked for with `?as=`, or else the first of that role. */
export function demoName(role: DemoUser["role"], asked: string | string[] | undefined): string {
  const names = demoNames(role);
  return names.find((name) => name === asked) ?? names[0]!;
}

/** The demo's user of that name, if there is one. */
export function demoUser(name: unknown): DemoUser | undefined {
  return typeof name === "string" && Object.hasOwn(users, name) ? users[name] : undefined;
}

/**
 * Whether somebody may be whoever they say they are. In production that would hand every conversation to every passer-by, so it takes
 * a DEMO=true that nobody sets by accident.
 */
export function demoAllowed(): boolean {
  return process.env.NODE_ENV !== "production" || process.env.DEMO === "true";
}
