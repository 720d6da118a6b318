// Drafts: what is typed is kept on the server, soon after each pause.
import type { Text } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { post } from "./page.ts";

/** The detail of the event nacre:draft. After a conflict nothing is saved until the page says which draft is to stay. */
export interface DraftEvent {
  state: "saving" | "saved" | "failed" | "conflict";
  /** The version held by the server, as far as it is known. */
  version: number;
  /** The status of a failed answer; 0 when there was none. */
  status: number;
}

/** What was kept: the text, its type, and the other fields as JSON. */
interface Kept {
  doc: Text;
  type: string;
  more: string;
}

const pause = 1_000; // ms after the last key
const bigPause = 10_000; // for texts above 1 MiB
const longestPause = 30_000; // between tries when the server does not take it
const parting = 60_000; // bytes that a page which goes away may still send

/** Keeps the text of an editor, with the fields that data-draft-with names, as a draft, and the page from being left while some of it is not kept. */
export class Drafts {
  #saved: Kept;
  #version: number;
  #timer = 0;
  #failures = 0;
  #saving?: Promise<void>;
  #stopped = false;
  #leaving = false;
  readonly #ending = new AbortController();

  constructor(
    private readonly box: HTMLElement,
    private readonly view: EditorView,
    private readonly type: () => string,
    private readonly toArea: () => void,
  ) {
    this.#saved = this.#now();
    this.#version = Number(box.dataset.draftVersion ?? 0);
    const { signal } = this.#ending;
    addEventListener("beforeunload", (e) => this.box.isConnected && this.unsaved && !this.#leaving && e.preventDefault(), { signal });
    addEventListener("pagehide", () => this.#part(), { signal });
    addEventListener("online", () => this.#failures && void this.save(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden && void this.save(), { signal });
    box.closest("form")?.addEventListener("input", (e) => {
      if (e.target instanceof HTMLInputElement && this.#names().includes(e.target.name)) this.changed();
    }, { signal });
    // The window hears of a submit last: what no script took over leaves the page, with the text in it.
    addEventListener("submit", (e) => {
      this.#leaving = e.target === box.closest("form") && !e.defaultPrevented;
    }, { signal });
  }

  get unsaved(): boolean {
    const now = this.#now();
    return !now.doc.eq(this.#saved.doc) || now.type !== this.#saved.type || now.more !== this.#saved.more;
  }

  changed(): void {
    this.#leaving = false;
    if (!this.#failures) this.#plan(this.view.state.doc.length > 1 << 20 ? bigPause : pause);
  }

  /** Saves what is not saved yet. It does not fail: the event says what became of it. */
  async save(): Promise<void> {
    while (this.#saving) await this.#saving;
    const url = this.box.dataset.draft;
    if (!url || this.#stopped || !this.unsaved) return;
    clearTimeout(this.#timer);
    this.#saving = this.#send(url).finally(() => (this.#saving = undefined));
    await this.#saving;
  }

  over(version: number): void {
    this.#version = version;
    this.#stopped = false;
    void this.save();
  }

  /** Another place to keep drafts in: all of the text is to be saved there. */
  moved(): void {
    this.#version = 0;
    this.#stopped = false;
    this.#saved = { ...this.#saved, more: "" };
    this.changed();
  }

  settled(version: number): void {
    clearTimeout(this.#timer);
    this.#version = version;
    this.#stopped = false;
    this.#saved = this.#now();
    this.#failures = 0;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#stopped = true;
    this.#ending.abort();
  }

  #plan(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped && this.box.dataset.draft) this.#timer = window.setTimeout(() => void this.save(), ms);
  }

  async #send(url: string): Promise<void> {
    const sent = this.#now();
    this.#tell("saving");
    const answer = await post(url, this.#fields(), { signal: this.#ending.signal }).catch(() => undefined);
    const body = (await answer?.json().catch(() => undefined)) as { version?: number } | undefined;
    if (this.#ending.signal.aborted) return;
    if (answer?.status === 409) {
      this.#stopped = true;
      this.#tell("conflict", 409, body?.version);
    } else if (answer?.ok && body?.version !== undefined) {
      this.#version = body.version;
      this.#saved = sent;
      this.#failures = 0;
      this.#tell("saved");
      if (this.unsaved) this.changed();
    } else {
      this.#failures++;
      this.#tell("failed", answer?.status);
      this.#plan(Math.min(pause * 2 ** (this.#failures - 1), longestPause));
    }
  }

  #fields(): Record<string, string> {
    return { ...this.#more(), content: this.view.state.doc.toString(), type: this.type(), version: String(this.#version) };
  }

  #now(): Kept {
    return { doc: this.view.state.doc, type: this.type(), more: JSON.stringify(this.#more()) };
  }

  #names(): string[] {
    return this.box.dataset.draftWith?.split(" ") ?? [];
  }

  /** The other fields of the form that are kept with the text. */
  #more(): Record<string, string> {
    const fields = this.box.closest("form")?.elements;
    const value = (name: string): string => (fields?.namedItem(name) as HTMLInputElement | null)?.value ?? "";
    return Object.fromEntries(this.#names().map((name) => [name, value(name)]));
  }

  /** Sends what is small enough as the page goes away, and keeps it in the field for a page that comes back. */
  #part(): void {
    const url = this.box.dataset.draft;
    if (!url || this.#stopped || this.#leaving || !this.unsaved || this.view.state.doc.length > parting) return;
    this.toArea();
    const fields = this.#fields();
    if (new URLSearchParams(fields).toString().length <= parting) post(url, fields, { keepalive: true }).catch(() => undefined);
  }

  #tell(state: DraftEvent["state"], status = 0, version = this.#version): void {
    this.box.dispatchEvent(new CustomEvent<DraftEvent>("nacre:draft", { bubbles: true, detail: { state, version, status } }));
  }
}
