import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Session, SessionIdentity } from "../../src/index.js";

const project = fileURLToPath(new URL("../../../..", import.meta.url));

/** The real thing: `devinbox dev` with a Postgres and a Pusher-protocol server of its own. */
export class Devinbox {
  private readonly folder: string;
  private readonly program: string;
  private readonly secret = randomBytes(32).toString("hex");
  private process: ChildProcess | undefined;
  private built: Promise<void> | undefined;
  private port = 0;

  constructor() {
    // Postgres runs as another user where we are root, and has to get there.
    const parent = process.getuid?.() === 0 && process.platform === "linux" ? "/var/lib" : tmpdir();
    this.folder = mkdtempSync(join(parent, "devinbox-client-"));
    chmodSync(this.folder, 0o711);
    this.program = join(this.folder, "devinbox");
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Builds it, not in the way of vitest, which wants to hear of its workers. Without what is for debuggers it links in a third of the time. */
  private async build() {
    const build = ["build", "-ldflags=-s -w", "-o", this.program, "./cmd/devinbox"];
    await promisify(execFile)("go", build, { cwd: project });
  }

  /** Builds it if that was not done yet, and starts it, on the same port and with the same data as before. */
  async start(environment: Record<string, string> = {}) {
    await (this.built ??= this.build());
    this.port ||= await freePort();
    const started = spawn(
      this.program,
      ["dev", "--no-web", "--port", `${this.port}`, "--data", join(this.folder, "data")],
      {
        cwd: project,
        env: { ...process.env, CHAT_JWT_SECRET: this.secret, CHAT_GUESTS: "true", ...environment },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.process = started;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      started.stdout.on("data", (text: Buffer) => {
        said += text.toString();
        if (said.includes("Ctrl-C")) resolve();
      });
      started.stderr.on("data", (text: Buffer) => (said += text.toString()));
      started.on("exit", (code) => reject(new Error(`devinbox ended with ${code}:\n${said}`)));
    });
  }

  async stop() {
    const running = this.process;
    this.process = undefined;
    if (!running || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.on("exit", resolve));
    running.kill("SIGINT");
    await ended;
  }

  async remove() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Cuts somebody's connections to Pusher. */
  async disconnect({ id, role }: SessionIdentity) {
    const { realtime } = (await (
      await fetch(`${this.url}/api/session`, {
        headers: { Authorization: `Bearer ${this.token({ id, role, name: null })}` },
      })
    ).json()) as Session;
    const secrets = Object.fromEntries(
      readFileSync(join(this.folder, "data", "secrets.env"), "utf8")
        .split("\n")
        .filter((line) => line.startsWith("PUSHER_") || line.startsWith("NEXT_PUBLIC_"))
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1).replaceAll('"', "")]),
    );
    execFileSync(this.program, ["disconnect", "--sub", id, "--role", role], {
      cwd: project,
      env: {
        ...process.env,
        ...secrets,
        NEXT_PUBLIC_PUSHER_CLUSTER: realtime.cluster,
        PUSHER_HOST: realtime.wsHost ?? "",
        PUSHER_PORT: `${realtime.wsPort}`,
        PUSHER_USE_TLS: "false",
      },
    });
  }

  /** A token as an app's backend would sign it. */
  token({ id, role, name }: SessionIdentity): string {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const seconds = Math.floor(Date.now() / 1000);
    const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: id, role, ...(name && { name }), iat: seconds, exp: seconds + 900 })}`;
    return `${signed}.${createHmac("sha256", this.secret).update(signed).digest("base64url")}`;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
