import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A nacre of its own, on a free port, with an empty data folder. */
export class Server {
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    readonly url: string,
    readonly log: string[],
  ) {}

  /** Starts bin/nacre and returns when it is ready. */
  static async start(): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), "nacre-e2e-"));
    const binary = process.env.NACRE ?? join(import.meta.dirname, "../../bin/nacre");
    const child = spawn(binary, ["serve", "--http-addr", "127.0.0.1:0", "--data-dir", folder], { stdio: ["ignore", "ignore", "pipe"] });
    const log: string[] = [];
    child.stderr?.on("data", (chunk) => log.push(String(chunk)));
    for (const end = Date.now() + 15_000; ; await new Promise((done) => setTimeout(done, 50))) {
      // The log says which port was free.
      const url = /msg=serving url=(http:\/\/[^/\s]+)/.exec(log.join(""))?.[1];
      if (url && (await fetch(`${url}/readyz`).then((answer) => answer.ok, () => false))) return new Server(child, folder, url, log);
      if (Date.now() > end || child.exitCode !== null) {
        await new Server(child, folder, "", log).stop();
        throw new Error(`${binary} did not become ready:\n${log.join("")}`);
      }
    }
  }

  /** Publishes a configuration over the API that clients use. */
  async publish(dataId: string, content: string): Promise<void> {
    const answer = await fetch(`${this.url}/nacos/v1/cs/configs`, {
      method: "POST",
      body: new URLSearchParams({ dataId, group: "DEFAULT_GROUP", content }),
    });
    const text = await answer.text();
    if (text !== "true") throw new Error(`publishing ${dataId}: ${answer.status} ${text}`);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const ended = new Promise((done) => this.process.once("exit", done));
      this.process.kill("SIGTERM");
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}
