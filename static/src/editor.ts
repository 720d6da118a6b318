// The editor of a configuration's content, in the place of a textarea.
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

/** Puts an editor over the textarea inside box. */
export function mountEditor(box: HTMLElement): EditorView {
  const area = box.querySelector("textarea")!;
  return new EditorView({ parent: box, state: EditorState.create({ doc: area.value }) });
}
