// The look of the editor, by the console's custom properties; those of the colours of code are in editor.css.
import { syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tagHighlighter, tags } from "@lezer/highlight";

/** The classes of the parts of code; editor.css has their colours. */
export const colours = tagHighlighter([
  { tag: [tags.comment, tags.processingInstruction, tags.documentMeta], class: "code-comment" },
  { tag: [tags.propertyName, tags.attributeName, tags.tagName, tags.heading, tags.definition(tags.variableName)], class: "code-key" },
  { tag: [tags.string, tags.attributeValue, tags.special(tags.string)], class: "code-string" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.unit, tags.literal], class: "code-number" },
  { tag: [tags.keyword, tags.typeName, tags.labelName, tags.meta, tags.escape], class: "code-word" },
  { tag: [tags.punctuation, tags.separator, tags.bracket, tags.operator], class: "code-sign" },
  { tag: tags.invalid, class: "code-wrong" },
]);

const look = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--surface)", color: "var(--ink)", fontSize: "0.8125rem" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--soft)", borderColor: "var(--line)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 6%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--accent-soft)", color: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "var(--code-selected)",
  },
  ".cm-selectionMatch, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--bad-soft)" },
  ".cm-searchMatch": { backgroundColor: "var(--code-found)", outline: "1px solid var(--wait)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--accent-soft)", outline: "2px solid var(--accent)" },
  ".cm-specialChar": { color: "var(--bad)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sunken)", border: "1px solid var(--line)", color: "var(--soft)", padding: "0 0.4em" },
  ".cm-foldGutter span": { color: "var(--soft)" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--ink)" },
  ".cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "0.4rem 2.25rem 0.4rem 0.5rem", fontFamily: "var(--sans)", fontSize: "0.8125rem" },
  ".cm-panel.cm-search label": {
    display: "inline-flex", alignItems: "center", gap: "0.25rem", minHeight: "1.75rem", fontSize: "inherit", fontWeight: "normal",
  },
  ".cm-textfield": {
    width: "min(20rem, 100%)", minHeight: "1.75rem", padding: "0 0.4rem",
    backgroundColor: "var(--surface)", border: "1px solid var(--edge)", borderRadius: "4px", color: "var(--ink)", fontSize: "inherit",
  },
  ".cm-button": {
    minHeight: "1.75rem", padding: "0 0.6rem", background: "var(--surface)", border: "1px solid var(--line)", borderRadius: "4px",
    color: "var(--ink)", fontSize: "inherit", fontWeight: "normal",
  },
  ".cm-button:active": { background: "var(--accent-soft)" },
  ".cm-panel.cm-search [name=close], .cm-panel.cm-panel-lint [name=close]": {
    top: "0.3rem", right: "0.3rem", width: "1.75rem", height: "1.75rem", color: "var(--soft)", fontSize: "1.1rem", cursor: "pointer",
  },
  ".cm-tooltip": {
    maxWidth: "min(36rem, 90vw)", backgroundColor: "var(--raised)", border: "1px solid var(--line)", borderRadius: "6px",
    boxShadow: "var(--lift)", fontFamily: "var(--sans)",
  },
  ".cm-diagnostic": { padding: "0.35rem 0.6rem", whiteSpace: "pre-wrap" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--wait)" },
  ".cm-lintRange-error, .cm-lintRange-warning": {
    backgroundImage: "none", textDecoration: "underline wavy var(--bad)", textUnderlineOffset: "0.2em", textDecorationSkipInk: "none",
  },
  ".cm-lintRange-warning": { textDecorationColor: "var(--wait)" },
  ".cm-lintRange-active": { backgroundColor: "var(--bad-soft)" },
  ".cm-lint-marker": { width: "0.7em", height: "0.7em", margin: "0.45em auto" },
  ".cm-lint-marker-error": { content: "none", borderRadius: "50%", backgroundColor: "var(--bad)" },
  ".cm-lint-marker-warning": { content: "none", clipPath: "polygon(50% 0, 100% 100%, 0 100%)", backgroundColor: "var(--wait)" },
  ".cm-panel.cm-panel-lint ul": { maxHeight: "9rem" },
  ".cm-panel.cm-panel-lint ul [aria-selected], .cm-panel.cm-panel-lint ul:focus [aria-selected]": {
    backgroundColor: "var(--accent-soft)", color: "var(--ink)",
  },
  ".cm-mark, .cm-mark *": { color: "var(--soft)" },
  ".cm-mine": { backgroundColor: "var(--plus-soft)" },
  ".cm-theirs": { backgroundColor: "var(--accent-soft)" },
  ".cm-base": { color: "var(--soft)" },
  ".cm-take": { display: "flex", flexWrap: "wrap", gap: "0.35rem", padding: "0.3rem 0.4rem", fontFamily: "var(--sans)" },
});

export const theme = [look, syntaxHighlighting(colours)];
