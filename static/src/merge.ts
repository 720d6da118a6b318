// What a three-way merge could not decide stands in the text between markers. The person decides by buttons:
//   <<<<<<< mine   ||||||| (what both came from)   =======   >>>>>>> theirs
import { type EditorState, type Extension, type Range, StateField, type Text, type Transaction } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";

/** One place to decide. All are positions; those of the markers are of the beginnings of their lines. */
interface Conflict {
  mine: number;
  base: number | undefined;
  middle: number;
  theirs: number;
  /** Behind the last marker's line, with its line break. */
  end: number;
}

const field = StateField.define<{ found: Conflict[]; shown: DecorationSet }>({
  create: (state) => read(state.doc),
  update: (held, step) => (step.docChanged && concerns(held.found, step) ? read(step.newDoc) : held),
  provide: (f) => EditorView.decorations.from(f, (value) => value.shown),
});

/** Shows conflicts and lets each be decided by buttons, or by F7 and them. */
export const conflicts: Extension = field;

export function conflictCount(state: EditorState): number {
  return state.field(field).found.length;
}

/** Scrolls to the next place to decide and puts the focus on its first button. */
export function nextConflict(view: EditorView): boolean {
  const { found } = view.state.field(field);
  const { head } = view.state.selection.main;
  const next = found.find((c) => c.mine > head) ?? found[0];
  if (!next) return false;
  view.dispatch({ selection: { anchor: next.mine }, effects: EditorView.scrollIntoView(next.mine, { y: "center" }) });
  // The lines around are drawn at the next measuring, at the latest.
  view.requestMeasure({
    read: () => undefined,
    write: () => view.dom.querySelector<HTMLElement>(`[data-conflict="${next.mine}"] button`)?.focus(),
  });
  return true;
}

/** Whether a step may make, move or end conflicts; else a long text need not be read anew. */
function concerns(held: Conflict[], step: Transaction): boolean {
  let does = held.length > 0;
  step.changes.iterChanges((_a, _b, from, to) => {
    does ||= step.newDoc.sliceString(step.newDoc.lineAt(from).from, to).includes("<<<<<<<");
  });
  return does;
}

function read(doc: Text): { found: Conflict[]; shown: DecorationSet } {
  const found: Conflict[] = [];
  let open: Partial<Conflict> | undefined;
  let at = 0;
  for (const line of doc.iterLines()) {
    if (line.startsWith("<<<<<<<")) open = { mine: at };
    else if (open && line.startsWith("|||||||")) open.base = at;
    else if (open && line === "=======") open.middle = at;
    else if (open?.middle !== undefined && line.startsWith(">>>>>>>")) {
      found.push({ ...(open as Conflict), theirs: at, end: Math.min(at + line.length + 1, doc.length) });
      open = undefined;
    }
    at += line.length + 1;
  }
  return { found, shown: Decoration.set(found.flatMap((c) => decorate(doc, c)), true) };
}

function decorate(doc: Text, c: Conflict): Range<Decoration>[] {
  const made: Range<Decoration>[] = [Decoration.widget({ widget: new Choices(c.mine), block: true, side: -1 }).range(c.mine)];
  const markers = [c.mine, c.base, c.middle, c.theirs];
  const kinds = [markers[1] === undefined ? ["mine"] : ["mine", "base"], ["theirs"]].flat();
  let kind = "";
  for (let at = c.mine; at <= c.theirs; ) {
    const line = doc.lineAt(at);
    const isMarker = markers.includes(at);
    if (isMarker) kind = kinds.shift() ?? "";
    made.push(Decoration.line({ class: isMarker ? "cm-mark" : `cm-${kind}` }).range(at));
    at = line.to + 1;
  }
  return made;
}

/** The buttons above a conflict. */
class Choices extends WidgetType {
  constructor(private readonly at: number) {
    super();
  }

  override eq(other: Choices): boolean {
    return other.at === this.at;
  }

  override ignoreEvent(): boolean {
    return true;
  }

  override toDOM(view: EditorView): HTMLElement {
    const dom = document.createElement("div");
    dom.className = "cm-take";
    dom.dataset.conflict = String(this.at);
    dom.setAttribute("role", "group");
    dom.setAttribute("aria-label", view.state.phrase("Both changed this part"));
    for (const [label, mine, theirs] of [["Take mine", true, false], ["Take theirs", false, true], ["Take both", true, true]] as const) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "cm-button";
      button.textContent = view.state.phrase(label);
      button.addEventListener("click", () => decide(view, view.posAtDOM(dom), mine, theirs));
      dom.append(button);
    }
    return dom;
  }
}

/** Puts the parts that were chosen in the place of the conflict at a position; the person can undo it. */
function decide(view: EditorView, at: number, mine: boolean, theirs: boolean): void {
  const { doc } = view.state;
  const c = view.state.field(field).found.find((each) => each.mine === at);
  if (!c || view.state.readOnly) return;
  const lines = (marker: number, to: number): string => doc.sliceString(doc.lineAt(marker).to + 1, to);
  let insert = (mine ? lines(c.mine, c.base ?? c.middle) : "") + (theirs ? lines(c.middle, c.theirs) : "");
  // Where the last marker ended the text without a line break, the text before it does so, too.
  if (doc.lineAt(c.theirs).to === doc.length) insert = insert.replace(/\n$/, "");
  view.dispatch({ changes: { from: c.mine, to: c.end, insert }, selection: { anchor: c.mine }, userEvent: "input.merge" });
  view.focus();
}
