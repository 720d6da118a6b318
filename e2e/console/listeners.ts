// Clients that listen: long polls as Nacos' HTTP clients make them, and Nacos' own SDK for Go.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Key, type Server, pause } from "./server.ts";

const between = "\x02";
const end = "\x01";

/** Many clients that poll for a configuration, and read it when they are told that it changed. */
export class Polls {
  private readonly over = new AbortController();
  private readonly running: Promise<void>[] = [];
  /** While true, clients that were told of a change do not read it. */
  stuck = false;

  constructor(
    private readonly server: Server,
    private readonly key: Key,
    count: number,
    private readonly headers: Record<string, string> = {},
  ) {
    for (let i = 0; i < count; i++) this.running.push(this.poll(i));
  }

  async stop(): Promise<void> {
    this.over.abort();
    await Promise.all(this.running);
  }

  private async poll(i: number): Promise<void> {
    const { ns = "", group = "DEFAULT_GROUP", dataId } = this.key;
    const query = new URLSearchParams({ dataId, group, ...(ns && { tenant: ns }) });
    const { signal } = this.over;
    let md5 = "";
    while (!signal.aborted) {
      try {
        const content = await fetch(`${this.server.url}/nacos/v1/cs/configs?${query}`, { signal });
        const text = await content.text();
        md5 = content.ok ? createHash("md5").update(text).digest("hex") : "";
        for (let changed = false; !changed || this.stuck; ) {
          const answer = await fetch(`${this.server.url}/nacos/v1/cs/configs/listener`, {
            method: "POST",
            signal,
            headers: { "Long-Pulling-Timeout": "30000", "Client-AppName": `poll-${i % 3}`, "Client-Version": "Nacos-Java-Client:v1.4.8", "User-Agent": "Nacos-Java-Client:v1.4.8", ...this.headers },
            body: new URLSearchParams({ "Listening-Configs": [dataId, group, md5, ...(ns ? [ns] : [])].join(between) + end }),
          });
          changed = (await answer.text()) !== "";
          if (changed && this.stuck) await pause(200);
        }
      } catch {
        if (!signal.aborted) await pause(200); // the server is away
      }
    }
  }
}

/** A process with clients of Nacos' SDK for Go. */
export class SDK {
  private constructor(private readonly child: ChildProcess) {}

  /** Builds the program once, and says why it can't be built; undefined when it is there. */
  static unavailable(): string | undefined {
    const folder = join(import.meta.dirname, "../../.cache/sdk");
    try {
      mkdirSync(folder, { recursive: true });
      execFileSync("go", ["build", "-buildvcs=false", "-o", join(folder, "go-listen"), "./listen"], { cwd: join(import.meta.dirname, "../sdk/go"), stdio: "pipe", timeout: 120_000 });
      return undefined;
    } catch (error) {
      return `Nacos' SDK for Go can't be built here: ${String((error as { stderr?: Buffer }).stderr ?? error).slice(0, 300)}`;
    }
  }

  static async start(server: Server, { ns = "", group = "DEFAULT_GROUP", dataId }: Key, clients: number, app: string): Promise<SDK> {
    const child = spawn(join(import.meta.dirname, "../../.cache/sdk/go-listen"), [String(server.port), String(clients), app, ns, group, dataId], { stdio: ["pipe", "pipe", "inherit"] });
    const lines = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    let said = "";
    while (!said.includes("listening")) {
      const { done, value } = await lines.next();
      if (done) throw new Error(`the SDK ended: ${said}`);
      said += value;
    }
    child.stdout.resume();
    return new SDK(child);
  }

  freeze(stopped: boolean): void {
    this.child.kill(stopped ? "SIGSTOP" : "SIGCONT");
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await ended;
  }
}
