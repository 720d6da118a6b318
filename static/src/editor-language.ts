// The language of a text, by Nacos' name of its type.
import { json } from "@codemirror/lang-json";
import { xml } from "@codemirror/lang-xml";
import { yaml } from "@codemirror/lang-yaml";
import { indentUnit, type Language, type LanguageSupport, StreamLanguage } from "@codemirror/language";
import { properties } from "@codemirror/legacy-modes/mode/properties";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import type { Extension } from "@codemirror/state";

const languages: Record<string, () => LanguageSupport | Language> = {
  yaml,
  json,
  xml,
  toml: () => StreamLanguage.define(toml),
  properties: () => StreamLanguage.define(properties),
};
const held = new Map<string, Extension>();

/**
 * How a text of this type is coloured and indented; nothing for plain text. HTML, with the scripts and
 * styles in it, is large and rare, so it is loaded when the first such text is opened, then calls ready.
 */
export function languageOf(type: string, ready: () => void): Extension {
  const known = held.get(type);
  if (known) return known;
  if (type === "html") {
    void import("@codemirror/lang-html").then(({ html }) => {
      held.set(type, [html(), indentUnit.of("  ")]);
      ready();
    }, () => undefined); // the text stays plain
    return [];
  }
  const language = languages[type];
  if (!language) return [];
  const made = [language(), indentUnit.of("  ")];
  held.set(type, made);
  return made;
}

/** The language of a text that is only read; undefined for plain text. */
export async function readerOf(type: string): Promise<Language | undefined> {
  const language = type === "html" ? (await import("@codemirror/lang-html")).html() : languages[type]?.();
  return language && "language" in language ? language.language : language;
}
