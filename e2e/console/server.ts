import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "@playwright/test";

/** A configuration's name; without a namespace it is in the default one, without a group in DEFAULT_GROUP. */
export interface Key {
  ns?: string;
  group?: string;
  dataId: string;
}

/** What may be said of a configuration besides its content. */
export interface Attributes {
  type?: string;
  desc?: string;
  appName?: string;
  tags?: string[];
  gray?: { ips?: string; tag?: string };
  comment?: string;
  operator?: string;
}

export const user = "nacos";
export const password = "correct horse battery";

/** The cookies of somebody, as Playwright takes them. */
export type Session = Awaited<ReturnType<Awaited<ReturnType<typeof request.newContext>>["storageState"]>>;

/** A nacre of its own, on a free pair of ports, with a data folder that lasts until it is stopped. */
export class Server {
  url = "";
  port = 0;
  log = "";
  private child?: ChildProcess;
  private folder = "";
  private signedIn?: Promise<Session>;

  /** Settings are flags without their dashes; with setUp false it has no administrator. */
  constructor(
    private readonly settings: Record<string, string> = {},
    private readonly setUp = true,
  ) {}

  /** Starts bin/nacre and returns when it is ready. */
  async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), "nacre-e2e-"));
    this.port = await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    await this.run();
  }

  /** Ends the process and starts it again with the same data at the same address; in between, what is done meanwhile. */
  async restart(signal: "SIGTERM" | "SIGKILL" = "SIGTERM", meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    await this.end(signal);
    await meanwhile();
    await this.run();
  }

  /** Stops the process in its tracks, or lets it go on. */
  freeze(stopped: boolean): void {
    this.child?.kill(stopped ? "SIGSTOP" : "SIGCONT");
  }

  async stop(): Promise<void> {
    await this.end("SIGTERM");
    if (this.folder) await rm(this.folder, { recursive: true, force: true });
  }

  /** The one-time link that the log has. */
  get setUpLink(): string {
    return /url=(http:\S+\/console\/setup\/\S+)/.exec(this.log)?.[1] ?? "";
  }

  /** The session of the administrator, who signs in once. */
  session(): Promise<Session> {
    return (this.signedIn ??= this.signIn());
  }

  /** Signs the administrator in anew. */
  async signIn(): Promise<Session> {
    const context = await request.newContext({ baseURL: this.url, storageState: { cookies: [], origins: [] } });
    const form = await (await context.get("/console/login")).text();
    const entry = /name="entry" value="([^"]+)"/.exec(form)?.[1] ?? "";
    const answer = await context.post("/console/login", { form: { entry, username: user, password }, maxRedirects: 0 });
    if (answer.status() !== 303) throw new Error(`signing in: ${answer.status()}`);
    const session = await context.storageState();
    await context.dispose();
    return session;
  }

  /** Asks the API; throws unless it answers with a status below 400. */
  async api<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.url}/nacre/v1${path}`, {
      method,
      headers: { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  /** Publishes a configuration and returns its revision. */
  async publish(key: Key | string, content: string, { comment = "", operator = "", ...attributes }: Attributes = {}): Promise<number> {
    const at = query(key);
    if (comment) at.set("comment", comment);
    if (operator) at.set("operator", operator);
    return (await this.api<{ revision: number }>("PUT", `/config?${at}`, { content, ...attributes })).revision;
  }

  async remove(key: Key | string): Promise<void> {
    await this.api("DELETE", `/config?${query(key)}`);
  }

  async content(key: Key | string): Promise<string | undefined> {
    const answer = await fetch(`${this.url}/nacre/v1/config?${query(key)}`);
    if (answer.status === 404) return undefined;
    return ((await answer.json()) as { content: string }).content;
  }

  async addNamespace(id: string, name = id, desc = ""): Promise<void> {
    await this.api("POST", "/namespaces", { id, name, desc });
  }

  /** Publishes many configurations of a namespace, a thousand a request. */
  async seed(ns: string, count: number, make: (i: number) => { dataId: string; group: string; content: string; type?: string }): Promise<void> {
    const size = 1_000;
    let next = 0;
    const work = async () => {
      while (next < count) {
        const from = next;
        next += size;
        const configs = Array.from({ length: Math.min(size, count - from) }, (_, i) => make(from + i));
        await this.api("POST", `/imports?policy=overwrite&namespace=${ns}`, { configs });
      }
    };
    await Promise.all(Array.from({ length: 4 }, work));
  }

  private async run(): Promise<void> {
    const binary = process.env.NACRE ?? join(import.meta.dirname, "../../bin/nacre");
    if (!existsSync(binary)) throw new Error(`${binary} is not there (make build)`);
    const flags = { "http-addr": `127.0.0.1:${this.port}`, "data-dir": this.folder, "access-log": "off", ...this.settings };
    const env = { ...process.env, NACRE_ADMIN_PASSWORD: this.setUp ? password : "" };
    const child = spawn(binary, ["serve", ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)], { env, stdio: ["ignore", "ignore", "pipe"] });
    this.child = child;
    this.log = "";
    child.stderr.on("data", (chunk) => (this.log += chunk));
    for (const end = Date.now() + 30_000; ; await pause(25)) {
      if (this.log.includes("msg=serving") && (await fetch(`${this.url}/readyz`).then((answer) => answer.ok, () => false))) return;
      if (Date.now() > end || child.exitCode !== null) {
        child.kill("SIGKILL");
        throw new Error(`${binary} did not become ready:\n${this.log}`);
      }
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGCONT");
    child.kill(signal);
    await ended;
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** Key as the API's query has it. */
function query(key: Key | string): URLSearchParams {
  const { ns = "public", group = "DEFAULT_GROUP", dataId } = typeof key === "string" ? { dataId: key } : key;
  return new URLSearchParams({ namespace: ns, group, dataId });
}

/** Finds a port that is free, as is the one of gRPC, 1000 above. They are below those that connections are given. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 21_000);
    if ((await isFree(port)) && (await isFree(port + 1000))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}
