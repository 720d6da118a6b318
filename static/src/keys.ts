// Keyboard verbs. They are single letters, as typing into a field never comes here; `?` shows them.
import { isTyping } from "./page.ts";

/** Binds the keys that work on every page. */
export function bindKeys(): void {
  const help = document.getElementById("keys");
  if (/Mac|iP(hone|ad)/.test(navigator.platform)) {
    for (const key of document.querySelectorAll("kbd")) key.textContent = (key.textContent ?? "").replace("Ctrl", "⌘");
  }
  document.getElementById("keys-open")?.addEventListener("click", () => open(help));
  let going = 0; // until when the letter after G counts
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.altKey && !event.ctrlKey && !event.metaKey && event.code === "KeyN") {
      const switcher = document.querySelector<HTMLDetailsElement>("details.switcher");
      if (!switcher) return;
      event.preventDefault();
      location.hash === "#menu" || switcher.checkVisibility({ visibilityProperty: true }) || (location.hash = "menu");
      switcher.open = !switcher.open;
      if (switcher.open) switcher.querySelector("input")?.focus(); // at once: letters that follow are of the filter
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (performance.now() < going) {
      going = 0;
      const link = document.querySelector<HTMLAnchorElement>(`nav [data-go="${CSS.escape(key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
        return;
      }
    }
    switch (event.key) {
      case "?":
        open(help);
        break;
      case "g":
        going = performance.now() + 1_500;
        break;
      case "/":
        focus(document.querySelector<HTMLElement>("main input[type=search]") ?? document.getElementById("palette-open"));
        break;
      case "j":
      case "k":
        step(key === "j" ? 1 : -1);
        break;
      case "x":
      case "X":
        row()?.querySelector<HTMLInputElement>("input[name=row]")?.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: event.shiftKey }));
        break;
      case "Enter": {
        // A link or a button that has the focus does what it does.
        if (event.target instanceof HTMLElement && event.target.closest("a, button, summary, input, [tabindex='0']")) return;
        const link = row()?.querySelector<HTMLAnchorElement>("th a, a");
        if (!link) return;
        link.click();
        break;
      }
      default: {
        const link = document.querySelector<HTMLElement>(`main [data-key="${CSS.escape(key)}"], main [data-verb="${CSS.escape(key)}"]`);
        if (!link) return;
        link.click();
      }
    }
    event.preventDefault();
  });
}

function open(dialog: HTMLElement | null): void {
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

function focus(element: HTMLElement | null): void {
  element?.focus();
  if (element instanceof HTMLInputElement) element.select();
}

function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("main .table tbody tr")];
}

function row(): HTMLElement | undefined {
  return document.querySelector<HTMLElement>("main .table tbody tr[data-here]") ?? document.activeElement?.closest<HTMLElement>("main .table tbody tr") ?? undefined;
}

/** Moves the row that keys work on, and the focus with it. */
function step(by: number): void {
  const all = rows();
  const here = row();
  const at = here ? all.indexOf(here) + by : by > 0 ? 0 : all.length - 1;
  const next = all[Math.min(Math.max(at, 0), all.length - 1)];
  if (!next) return;
  here?.removeAttribute("data-here");
  next.setAttribute("data-here", "");
  (next.querySelector<HTMLElement>("th a, a") ?? next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}
