// The palette: one input that leads to every page, configuration, namespace, client and action.
import { getJSON, word } from "./page.ts";

interface Entry {
  text: string;
  where?: string;
  href: string;
}

interface Group {
  title: string;
  entries: Entry[];
}

const recentKey = "nacre-recent";
const most = 8;

/** Binds Ctrl+K and ⌘K, and the search on top of the page. */
export function bindPalette(): void {
  const dialog = document.getElementById("palette");
  if (!(dialog instanceof HTMLDialogElement)) return;
  const input = dialog.querySelector("input");
  const list = dialog.querySelector<HTMLElement>("[role=listbox]");
  if (!input || !list) return;
  let chosen = 0;
  let asked: AbortController | undefined;

  const options = () => [...list.querySelectorAll<HTMLElement>("[role=option]")];
  const mark = (at: number) => {
    const all = options();
    chosen = all.length === 0 ? 0 : (at + all.length) % all.length;
    for (const [i, option] of all.entries()) option.setAttribute("aria-selected", String(i === chosen));
    const now = all[chosen];
    input.setAttribute("aria-activedescendant", now?.id ?? "");
    now?.scrollIntoView({ block: "nearest" });
  };
  /** Shows groups; what leads to keep stays chosen. */
  const show = (groups: Group[], keep = "") => {
    const filled = groups.filter((g) => g.entries.length > 0);
    list.replaceChildren(...filled.map((g, i) => groupOf(g, i)));
    if (filled.length === 0) {
      const none = document.createElement("p");
      none.textContent = dialog.dataset.none ?? "";
      list.append(none);
    }
    mark(Math.max(0, options().findIndex((o) => address(o.dataset.href) === keep)));
  };
  const go = (option: HTMLElement | undefined) => {
    const href = option?.dataset.href;
    if (!href || new URL(href, location.href).origin !== location.origin) return;
    remember({ text: option.dataset.text ?? "", where: option.dataset.where, href });
    dialog.close();
    location.assign(href);
  };
  const search = async () => {
    asked?.abort();
    const text = input.value.trim();
    const { first, rest } = localGroups(dialog, text);
    show([...first, ...rest]);
    if (text.length < 2) return;
    asked = new AbortController();
    try {
      const remote = await getJSON<{ groups: { kind: string; entries: Entry[] }[] }>(
        `/console/find?${new URLSearchParams({ q: text, ns: word("ns") })}`,
        asked.signal,
      );
      if (!remote) return;
      const keep = chosen > 0 ? address(options()[chosen]?.dataset.href) : ""; // the person has moved meanwhile
      const found = remote.groups.map((g) => ({ title: dialog.dataset[g.kind] ?? "", entries: g.entries }));
      const there = new Set(found.flatMap((g) => g.entries.map((e) => address(e.href))));
      const others = rest.map((g) => ({ ...g, entries: g.entries.filter((e) => !there.has(address(e.href))) }));
      show([...first, ...found, ...others], keep);
    } catch {
      // The next letter has asked anew, or the server is away; what is known here stays.
    }
  };
  const open = () => {
    if (dialog.open) return;
    input.value = "";
    dialog.showModal();
    void search();
  };

  input.addEventListener("input", (event) => {
    if (!(event instanceof InputEvent && event.isComposing)) void search();
  });
  input.addEventListener("compositionend", () => void search());
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(options()[chosen]);
    }
  });
  list.addEventListener("click", (event) => {
    if (event.target instanceof Element) go(event.target.closest<HTMLElement>("[role=option]") ?? undefined);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.getElementById("palette-open")?.addEventListener("click", (event) => {
    event.preventDefault();
    open();
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
}

function groupOf(group: Group, index: number): HTMLElement {
  const box = document.createElement("div");
  box.setAttribute("role", "group");
  const title = document.createElement("span");
  title.textContent = group.title;
  title.id = `palette-group-${index}`;
  box.setAttribute("aria-labelledby", title.id);
  box.append(title);
  for (const [i, entry] of group.entries.entries()) {
    const option = document.createElement("div");
    option.setAttribute("role", "option");
    option.id = `palette-${index}-${i}`;
    option.dataset.href = entry.href;
    option.dataset.text = entry.text;
    if (entry.where) option.dataset.where = entry.where;
    const text = document.createElement("bdi");
    text.textContent = entry.text;
    option.append(text);
    if (entry.where) {
      const where = document.createElement("span");
      where.className = "where";
      where.textContent = entry.where;
      option.append(where);
    }
    box.append(option);
  }
  return box;
}

/** What the page itself knows: where one was, pages, namespaces, actions. First is what the text begins, as it was most likely meant. */
function localGroups(dialog: HTMLElement, text: string): { first: Group[]; rest: Group[] } {
  const data = dialog.dataset;
  const links = (selector: string) =>
    [...document.querySelectorAll<HTMLAnchorElement>(selector)].map((a) => ({ text: (a.querySelector(".switcher-name, span:not(.dot)") ?? a).textContent?.trim() ?? "", href: a.href }));
  const named = (selector: string, format = "%s") =>
    [...document.querySelectorAll<HTMLAnchorElement>(selector)].map((a) => ({ text: format.replace("%s", a.getAttribute("aria-label") ?? a.textContent ?? ""), href: a.href }));
  const actions = [
    { text: data.new ?? "", href: `/console/config/new?${new URLSearchParams({ ns: word("ns") })}` },
    ...named(".side [data-theme-choice]", data.themeWord),
    ...named(".side [hreflang]", data.languageWord),
  ];
  const match = (entries: Entry[], always = false) => {
    const found = text === "" ? (always ? entries : []) : entries.filter((e) => fuzzy(e.text.toLowerCase(), text.toLowerCase()));
    return found.slice(0, most);
  };
  const pages = match(links("nav .nav a"), true);
  const begun = (entry: Entry) => text === "" || entry.text.toLowerCase().startsWith(text.toLowerCase());
  return {
    first: [
      { title: data.recent ?? "", entries: text === "" ? recent() : [] },
      { title: data.pages ?? "", entries: pages.filter(begun) },
    ],
    rest: [
      { title: data.pages ?? "", entries: pages.filter((entry) => !begun(entry)) },
      { title: data.namespaces ?? "", entries: match(links("#namespace-list a")) },
      { title: data.actions ?? "", entries: match(actions, true) },
    ],
  };
}

function address(href = ""): string {
  return new URL(href, location.href).href;
}

/** Says whether the letters of short stand in long in this order. */
function fuzzy(long: string, short: string): boolean {
  let at = 0;
  for (const letter of short) {
    if (letter === " ") continue;
    at = long.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

function recent(): Entry[] {
  try {
    const held: unknown = JSON.parse(localStorage.getItem(recentKey) ?? "[]");
    return Array.isArray(held) ? held.filter((e): e is Entry => typeof e?.href === "string" && typeof e?.text === "string").slice(0, 5) : [];
  } catch {
    return [];
  }
}

function remember(entry: Entry): void {
  try {
    localStorage.setItem(recentKey, JSON.stringify([entry, ...recent().filter((e) => e.href !== entry.href)].slice(0, 5)));
  } catch {
    // A browser that stores nothing has no recent entries.
  }
}
