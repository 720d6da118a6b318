// The server's check of a text, while it is typed.
import { setDiagnostics, type Diagnostic } from "@codemirror/lint";
import type { EditorView } from "@codemirror/view";
import { post } from "./page.ts";

/** What the server found. Lines and columns count from 1, columns in UTF-16 units; endColumn is after the last. */
export interface Problem {
  line: number;
  column: number;
  endColumn: number;
  severity: "error" | "warning";
  text: string;
}

/**
 * The detail of the event nacre:checked. Without ok nothing is known: the server did not answer, or the text has
 * become too big to be checked without being asked for.
 */
export interface Checked {
  ok: boolean;
  type: string;
  problems: Problem[];
}

const pause = 150; // ms after the last key
const again = 5_000; // ms after the server did not answer

/** Asks the server what is wrong with a text and shows it. */
export class Checker {
  #timer = 0;
  #asking?: AbortController;
  #known = true; // whether what is shown is an answer

  constructor(
    private readonly box: HTMLElement,
    private readonly view: EditorView,
    private readonly type: () => string,
  ) {}

  /** The text is another, so an answer on its way is void. A big text is not checked of itself, and what was found goes. */
  changed(big: boolean): void {
    this.end();
    if (!this.box.dataset.check) return;
    if (big) {
      if (this.#known) queueMicrotask(() => this.#unknown());
    } else this.#plan(pause);
  }

  async check(): Promise<Problem[] | null> {
    const url = this.box.dataset.check;
    if (!url) return [];
    this.end();
    const { signal } = (this.#asking = new AbortController());
    try {
      const answer = await post(url, { type: this.type(), content: this.view.state.doc.toString() }, { signal });
      if (!answer.ok) throw new Error(answer.statusText);
      const { type, problems } = (await answer.json()) as Checked;
      if (signal.aborted) return null;
      this.#show(problems);
      this.#tell({ ok: true, type, problems });
      return problems;
    } catch {
      if (signal.aborted) return null;
      this.#unknown();
      this.#plan(again);
      return null;
    }
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  #plan(ms: number): void {
    this.#timer = window.setTimeout(() => void this.check(), ms);
  }

  #unknown(): void {
    this.#show([]);
    this.#tell({ ok: false, type: this.type(), problems: [] });
  }

  #tell(detail: Checked): void {
    this.#known = detail.ok;
    this.box.dispatchEvent(new CustomEvent<Checked>("nacre:checked", { bubbles: true, detail }));
  }

  #show(problems: Problem[]): void {
    const { doc } = this.view.state;
    const place = (p: Problem): Diagnostic => {
      const line = doc.line(Math.max(1, Math.min(p.line, doc.lines)));
      const from = Math.min(line.from + Math.max(p.column, 1) - 1, line.to);
      const to = Math.min(line.from + Math.max(p.endColumn, p.column, 1) - 1, line.to);
      // What has no width, as at the end of a line, is shown on the character before it.
      return { from: from === to ? Math.max(line.from, from - 1) : from, to, severity: p.severity, message: p.text };
    };
    this.view.dispatch(setDiagnostics(this.view.state, problems.map(place)));
  }
}
