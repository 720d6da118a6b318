// Colours for a content that is only read. They come by the way: the text stands there without them, and stays as it is.
import { highlightCode } from "@lezer/highlight";
import { readerOf } from "./editor-language.ts";
import { colours } from "./editor-theme.ts";

/** Above this many characters a content stays plain. */
const most = 300_000;

/** Colours the lines of a content, each of which is an element of its own, by the type that data-language names. */
export async function highlight(box: HTMLElement): Promise<void> {
  const text = box.textContent;
  if (text.length > most) return;
  const language = await readerOf(box.dataset.language ?? "");
  if (!language) return;
  const lines = [...box.children];
  let at = 0;
  let pieces: Node[] = [];
  const end = (more: string) => {
    lines[at++]?.replaceChildren(...pieces, more);
    pieces = [];
  };
  highlightCode(
    text,
    language.parser.parse(text),
    colours,
    (code, classes) => {
      if (!classes) {
        pieces.push(document.createTextNode(code));
        return;
      }
      const piece = document.createElement("span");
      piece.className = classes;
      piece.textContent = code;
      pieces.push(piece);
    },
    () => end("\n"),
  );
  if (pieces.length > 0) end("");
}
