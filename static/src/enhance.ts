// Small improvements of what the server wrote: copying, times in the viewer's zone, filters, toasts, parts that load later.
import { bindSearch } from "./list.ts";
import { say, serverNow, word } from "./page.ts";

/** Improves all that is below root and was not improved before. */
export function enhance(root: ParentNode): void {
  for (const button of fresh<HTMLButtonElement>(root, "[data-copy-text], [data-copies]")) bindCopy(button);
  for (const input of fresh<HTMLInputElement>(root, "input[data-filter]")) bindFilter(input);
  for (const input of fresh<HTMLInputElement>(root, "input[type=file][data-max]")) bindFile(input);
  for (const toast of fresh<HTMLElement>(root, ".toast")) bindToast(toast);
  for (const form of fresh<HTMLFormElement>(root, "form[method=post]")) bindOnce(form);
  for (const box of fresh<HTMLElement>(root, "[data-select-all]")) bindSelection(box);
  for (const form of fresh<HTMLFormElement>(root, "form[data-live-search]")) bindSearch(form);
  for (const menu of fresh<HTMLDetailsElement>(root, "details.switcher, details.sure, details.menu")) bindMenu(menu);
  for (const box of fresh<HTMLElement>(root, "[data-editor]")) void import("./editor.ts").then((m) => m.mountEditor(box), () => box.classList.add("plain"));
  for (const part of fresh<HTMLElement>(root, "[data-edit]")) void import("./edit.ts").then((m) => m.bindEdit(part));
  // The editor's text has such an attribute, too.
  for (const box of fresh<HTMLElement>(root, "pre[data-language]")) setTimeout(() => void import("./highlight.ts").then((m) => m.highlight(box)));
  for (const figure of fresh<HTMLElement>(root, "[data-chart]")) void import("./chart.ts").then((m) => m.mountChart(figure));
  for (const box of fresh<HTMLElement>(root, "[data-feed]")) void import("./feed.ts").then((m) => m.mountFeed(box));
  localTimes(root);
}

const seen = new WeakSet<Element>();

function* fresh<E extends HTMLElement>(root: ParentNode, selector: string): Generator<E> {
  for (const element of root.querySelectorAll<E>(selector)) {
    if (seen.has(element)) continue;
    seen.add(element);
    yield element;
  }
}

/** Copies a text that stands in data-copy-text, or the text of the element that data-copies selects. */
function bindCopy(button: HTMLButtonElement): void {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const of = document.querySelector<HTMLElement>(button.dataset.copies || "none");
    if (!(await copy(button.dataset.copyText ?? of?.textContent ?? "", of))) return;
    button.textContent = word("copied");
    say(word("copied"));
    setTimeout(() => {
      button.textContent = label;
      say("");
    }, 1600);
  });
}

/** Copies a text. Plain http on another host than localhost has no clipboard: then by way of a selection. */
export async function copy(text: string, shown?: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done && shown) getSelection()?.selectAllChildren(shown); // the person copies what is selected
    return done;
  }
}

/** Hides the entries of a list that do not hold what is typed. */
function bindFilter(input: HTMLInputElement): void {
  const list = document.querySelector(input.dataset.filter ?? "");
  const apply = () => {
    const text = input.value.trim().toLowerCase();
    for (const item of list?.querySelectorAll<HTMLElement>("[data-name]") ?? []) {
      item.hidden = !item.dataset.name?.toLowerCase().includes(text);
    }
  };
  input.addEventListener("input", apply);
  input.addEventListener("keydown", (event) => {
    const links = [...(list?.querySelectorAll<HTMLAnchorElement>("[data-name]:not([hidden]) a") ?? [])];
    if (event.key === "Enter" && links.length > 0) {
      event.preventDefault();
      links[0]?.click();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      links[0]?.focus();
    }
  });
}

/** Says that a file is too large before it is sent; the server would not read it to its end. */
function bindFile(input: HTMLInputElement): void {
  input.addEventListener("change", () => {
    const size = input.files?.[0]?.size ?? 0;
    input.setCustomValidity(size > Number(input.dataset.max) ? (input.dataset.tooLarge ?? "") : "");
    input.reportValidity();
  });
}

/** Takes a toast away after ten seconds, unless somebody is about to use it. */
function bindToast(toast: HTMLElement): void {
  const close = document.createElement("button");
  close.type = "button";
  close.className = "icon-button";
  close.setAttribute("aria-label", word("close"));
  close.textContent = "×";
  close.addEventListener("click", () => toast.remove());
  toast.append(close);
  let timer = setTimeout(() => toast.remove(), 10_000);
  const hold = () => clearTimeout(timer);
  const release = () => {
    hold();
    timer = setTimeout(() => toast.remove(), 10_000);
  };
  toast.addEventListener("pointerenter", hold);
  toast.addEventListener("pointerleave", release);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("focusout", release);
}

/** A form is sent once, however often its button is pressed. Going back makes it ready again. */
function bindOnce(form: HTMLFormElement): void {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.submitter?.hasAttribute("data-download")) return; // after a download the page stays
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
    event.submitter?.setAttribute("aria-busy", "true");
  });
}

addEventListener("pageshow", () => {
  for (const busy of document.querySelectorAll("[aria-busy=true]")) busy.removeAttribute("aria-busy");
});

/** Selection of rows: the bar with what can be done with them counts them; Shift selects a range. */
function bindSelection(box: HTMLElement): void {
  const boxes = () => [...box.querySelectorAll<HTMLInputElement>("input[type=checkbox][name=row]")];
  const bar = box.querySelector<HTMLElement>(".bulk");
  const count = () => {
    const chosen = boxes().filter((b) => b.checked).length;
    if (bar) bar.hidden = chosen === 0;
    const text = box.querySelector("[data-selected]");
    if (text instanceof HTMLElement) text.textContent = (text.dataset.selected ?? "").replace("%s", String(chosen));
  };
  let last = -1;
  box.addEventListener("click", (event) => {
    if (!(event.target instanceof HTMLInputElement) || event.target.name !== "row") return;
    const all = boxes();
    const at = all.indexOf(event.target);
    if (event.shiftKey && last >= 0) {
      for (const b of all.slice(Math.min(last, at), Math.max(last, at) + 1)) b.checked = event.target.checked;
    }
    last = at;
    count();
  });
  box.addEventListener("change", count);
  const every = box.querySelector<HTMLInputElement>("[data-every]");
  every?.addEventListener("change", () => {
    for (const b of boxes()) b.checked = every.checked;
    count();
  });
  count();
}

/** Closes a menu by Escape or a click elsewhere, and puts the focus into its first field when it opens. */
function bindMenu(menu: HTMLDetailsElement): void {
  menu.addEventListener("toggle", () => {
    if (menu.open) menu.querySelector<HTMLInputElement>("input:not([type=hidden])")?.focus();
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
    event.stopPropagation();
  });
  document.addEventListener("click", (event) => {
    if (menu.open && event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
  });
}

const moment = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeStyle: "long" });

/** Shows the moment in the viewer's own zone, named, when the pointer rests on a time. */
function localTimes(root: ParentNode): void {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = moment.format(at);
    if (time.dataset.clock !== undefined) time.textContent = ofDay.format(at);
  }
}

const ofDay = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "medium", hourCycle: "h23" });

const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });

/** Says how long ago a moment in ms was, by the server's clock. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round((serverNow() - ms) / 1000));
  if (seconds < 60) return relative.format(-seconds, "second");
  if (seconds < 3600) return relative.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return relative.format(-Math.floor(seconds / 3600), "hour");
  return relative.format(-Math.floor(seconds / 86_400), "day");
}
