// The editor of a configuration's content: it takes the place of a textarea, which stays the form's field.
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from "@codemirror/language";
import { lintGutter, lintKeymap, nextDiagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension, type Text } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers,
} from "@codemirror/view";
import { Checker, type Problem } from "./editor-check.ts";
import { Drafts } from "./editor-draft.ts";
import { languageOf } from "./editor-language.ts";
import { theme } from "./editor-theme.ts";
import { conflictCount, conflicts, nextConflict } from "./merge.ts";
import { meta } from "./page.ts";

/** Above this many UTF-16 units a text is neither highlighted nor wrapped, and is checked only when asked for. */
const big = 2 << 20;

/** What a page can do with an editor. */
export interface Editor {
  readonly view: EditorView;
  /** The text, with "\n" at the end of lines. */
  text(): string;
  /** Puts another text in the place of all; the person can undo it. */
  replace(text: string): void;
  setType(type: string): void;
  /** Moves the cursor to a 1-based line and column (UTF-16 units), and the focus into the editor. */
  goTo(line: number, column?: number): void;
  /** Lets the server check the text now, however large it is; null when it did not answer. */
  check(): Promise<Problem[] | null>;
  /** How many places still have the markers of a merge. */
  conflicts(): number;
  /** Saves the draft now. */
  saveDraft(): Promise<void>;
  /** Says that data-draft is another address, where nothing is kept yet. */
  draftMoved(): void;
  /** Goes on saving after a conflict, over the draft that has this version. */
  draftOver(version: number): void;
  /** Says that nothing is left to save, as the text was published or its draft dropped; version is the draft's that is still held. */
  settled(version?: number): void;
  destroy(): void;
}

const mounted = new WeakMap<Element, Editor>();

/** The editor that was mounted in box. */
export function editorOf(box: Element): Editor | undefined {
  return mounted.get(box);
}

/** Puts an editor over the textarea inside box; once, however often it is called. */
export function mountEditor(box: HTMLElement): Editor {
  const held = mounted.get(box);
  if (held) return held;
  const area = box.querySelector("textarea");
  if (!area) throw new Error("an editor needs a textarea");
  const editor = make(box, area);
  mounted.set(box, editor);
  return editor;
}

function make(box: HTMLElement, area: HTMLTextAreaElement): Editor {
  const ending = new AbortController();
  const language = new Compartment();
  const wrapping = new Compartment();
  const phrases = JSON.parse(box.dataset.phrases || "{}") as Record<string, string>;
  const isBig = (doc: Text): boolean => doc.length > big;
  let type = box.dataset.type ?? "text";
  let wraps = localStorage.getItem("wrap") !== "no";

  // A text that becomes big is made plain in the same step: a paste of 10 MB is never highlighted.
  const plainWhenBig = EditorState.transactionExtender.of((step) => {
    if (!step.docChanged || isBig(step.newDoc) === isBig(step.startState.doc)) return null;
    return { effects: looks(step.newDoc) };
  });
  const wrapsIn = (doc: Text): Extension => (wraps && !isBig(doc) ? EditorView.lineWrapping : []);
  const speaks = (doc: Text): Extension => (isBig(doc) ? [] : languageOf(type, again));
  const looks = (doc: Text) => [language.reconfigure(speaks(doc)), wrapping.reconfigure(wrapsIn(doc))];
  const again = (): void => view.dispatch({ effects: looks(view.state.doc) });

  const doc = EditorState.create({ doc: area.value }).doc;
  const view = new EditorView({
    state: EditorState.create({
      doc,
      extensions: [
        EditorView.cspNonce.of(meta("csp-nonce")),
        EditorState.phrases.of(phrases),
        EditorState.readOnly.of(area.readOnly),
        EditorState.tabSize.of(4),
        EditorView.contentAttributes.of(named(area)),
        lineNumbers(), lintGutter(), foldGutter(), highlightSpecialChars(), history(), drawSelection(), indentOnInput(),
        bracketMatching(), closeBrackets(), highlightActiveLine(), highlightActiveLineGutter(),
        highlightSelectionMatches({ minSelectionLength: 2 }), search({ top: true }),
        keymap.of([
          { key: "Mod-s", run: () => (void drafts.save(), true) },
          { key: "Mod-Enter", run: () => (area.form?.requestSubmit(), true) },
          { key: "F7", run: nextConflict },
          ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap, indentWithTab,
        ]),
        theme, conflicts, plainWhenBig, typedOver,
        language.of(speaks(doc)),
        wrapping.of(wrapsIn(doc)),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) {
            drafts.changed();
            checker.changed(isBig(update.state.doc));
          }
          if (update.docChanged || update.selectionSet) bar.show();
        }),
      ],
    }),
  });

  const text = (): string => view.state.doc.toString();
  const toArea = (): void => {
    area.value = text();
  };
  const checker = new Checker(box, view, () => type);
  const drafts = new Drafts(box, view, () => type, toArea);
  const bar = makeBar(view, {
    wraps: () => wraps,
    setWraps(wanted) {
      wraps = wanted;
      localStorage.setItem("wrap", wraps ? "yes" : "no");
      again();
    },
    check: () => void checker.check(),
    checksItself: () => !box.dataset.check || !isBig(view.state.doc),
  });

  area.hidden = true;
  area.autocomplete = "off"; // a page loaded anew shows the draft, not what a browser remembers of the field
  area.required = false; // the browser cannot put its message at a hidden field
  box.append(view.dom, bar.dom);
  const { signal } = ending;
  for (const label of area.labels) label.addEventListener("click", () => view.focus(), { signal });
  view.contentDOM.addEventListener("blur", () => isBig(view.state.doc) || toArea(), { signal });
  area.form?.addEventListener("submit", toArea, { signal, capture: true });
  area.form?.addEventListener("formdata", (e) => e.formData.set(area.name, text()), { signal });
  box.addEventListener("nacre:checked", bar.show, { signal });
  if (!isBig(doc)) checker.changed(false);
  bar.show();

  return {
    view,
    text,
    replace: (insert) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert }, userEvent: "input" }),
    setType(wanted) {
      if (wanted === type) return;
      type = wanted;
      again();
      drafts.changed();
      checker.changed(isBig(view.state.doc));
    },
    goTo(line, column = 1) {
      const at = view.state.doc.line(Math.max(1, Math.min(line, view.state.doc.lines)));
      const anchor = Math.min(at.from + column - 1, at.to);
      view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
      view.focus();
    },
    check: () => checker.check(),
    conflicts: () => conflictCount(view.state),
    saveDraft: () => drafts.save(),
    draftMoved: () => drafts.moved(),
    draftOver: (version) => drafts.over(version),
    settled: (version = 0) => drafts.settled(version),
    destroy() {
      toArea();
      ending.abort();
      checker.end();
      drafts.end();
      mounted.delete(box);
      view.destroy();
      bar.dom.remove();
      area.hidden = false;
    },
  };
}

/**
 * What is typed over a selection. A browser keeps the look of what it replaces by inline styles, which the page's policy
 * forbids, so it is done here.
 */
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main } = view.state.selection;
    const { data } = event;
    if (event.inputType !== "insertText" || event.isComposing || main.empty || !data) return false;
    const insert = () => view.state.update(view.state.replaceSelection(data), { userEvent: "input.type", scrollIntoView: true });
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, main.from, main.to, data, insert))) view.dispatch(insert());
    return true;
  },
});

/** The attributes that name and describe the editor as the textarea was. */
function named(area: HTMLTextAreaElement): Record<string, string> {
  const label = area.getAttribute("aria-label") ?? area.labels[0]?.textContent?.trim() ?? area.name;
  const described = area.getAttribute("aria-describedby");
  return { "aria-label": label, dir: "ltr", tabindex: "0", ...(described && { "aria-describedby": described }) };
}

/** The line under the text: what was found, where the cursor is, find and wrap. */
function makeBar(view: EditorView, of: { wraps(): boolean; setWraps(wanted: boolean): void; check(): void; checksItself(): boolean }) {
  const word = (phrase: string, ...values: unknown[]): string => view.state.phrase(phrase, ...values);
  const dom = document.createElement("div");
  dom.className = "editor-bar";
  const button = (label: string, run: () => void): HTMLButtonElement => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", run);
    return made;
  };
  const found = document.createElement("span");
  found.setAttribute("role", "status");
  const problems = button("", () => (view.focus(), nextDiagnostic(view)));
  const merges = button("", () => void nextConflict(view));
  found.append(merges, problems);
  const at = document.createElement("span");
  at.className = "editor-at";
  const wrap = button(word("Wrap lines"), () => {
    of.setWraps(!of.wraps());
    wrap.setAttribute("aria-pressed", String(of.wraps()));
  });
  wrap.setAttribute("aria-pressed", String(of.wraps()));
  const find = button(word("Find and replace"), () => void openSearchPanel(view));
  const help = document.createElement("span");
  help.className = "editor-help";
  help.textContent = word("Esc, then Tab leaves the editor");
  const check = button(word("Check now"), of.check);
  dom.append(found, at, help, check, find, wrap);
  let last: Problem[] = [];
  return {
    dom,
    show(e?: Event) {
      if (e instanceof CustomEvent) last = e.detail.problems;
      problems.classList.toggle("mild", last.every((p) => p.severity !== "error"));
      check.hidden = of.checksItself();
      setText(problems, last.length ? word(last.length === 1 ? "1 problem" : "$ problems", last.length) : "");
      const left = conflictCount(view.state);
      setText(merges, left ? word(left === 1 ? "1 conflict" : "$ conflicts", left) : "");
      const { head } = view.state.selection.main;
      const line = view.state.doc.lineAt(head);
      at.textContent = word("Line $1, column $2", line.number, head - line.from + 1);
    },
  };
}

/** Sets a text only when it is another, as a status is spoken each time; nothing to say, nothing shown. */
function setText(of: HTMLElement, text: string): void {
  of.hidden = !text;
  if (of.textContent !== text) of.textContent = text;
}
