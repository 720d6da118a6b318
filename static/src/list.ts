// The list of configurations: it searches as one types, and coming back to it finds what was selected before.

/** Searches while one types into a form; htmx does it, by the event "go". Letters that an input method still composes wait. */
export function bindSearch(form: HTMLFormElement): void {
  const list = () => document.querySelector<HTMLElement>(form.dataset.liveSearch ?? "");
  const input = form.querySelector<HTMLInputElement>("input[type=search]");
  let timer = 0;
  const go = (delay: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => form.dispatchEvent(new Event("go")), delay);
  };
  form.addEventListener("input", (event) => {
    if (!(event instanceof InputEvent && event.isComposing)) go(60);
  });
  form.addEventListener("compositionend", () => go(0));
  form.addEventListener("submit", () => clearTimeout(timer));

  // A row that stays keeps its tick, and a tick never passes to another row.
  let kept = new Set<string>();
  document.addEventListener("htmx:before:swap", () => (kept = ticked(list())));
  document.addEventListener("htmx:after:swap", () => {
    tick(list(), kept);
    input?.setAttribute("aria-invalid", String((document.getElementById("q-error")?.textContent ?? "").trim() !== ""));
  });

  const before: unknown = history.state?.list;
  if (isMemory(before)) {
    tick(list(), new Set(before.ticked));
    const row = document.getElementById(before.row);
    row?.setAttribute("data-here", "");
    row?.querySelector<HTMLElement>("th a")?.focus({ preventScroll: true });
  }
  addEventListener("pagehide", () => {
    const row = document.activeElement?.closest("tr") ?? list()?.querySelector("tr[data-here]");
    const memory: Memory = { ticked: [...ticked(list())], row: row?.id ?? "" };
    history.replaceState({ ...history.state, list: memory }, "");
  });
}

interface Memory {
  ticked: string[];
  row: string;
}

function isMemory(state: unknown): state is Memory {
  return typeof state === "object" && state !== null && "ticked" in state && Array.isArray(state.ticked) && "row" in state && typeof state.row === "string";
}

function boxes(list: HTMLElement | null): HTMLInputElement[] {
  return [...(list?.querySelectorAll<HTMLInputElement>("input[name=row]") ?? [])];
}

function ticked(list: HTMLElement | null): Set<string> {
  return new Set(boxes(list).flatMap((b) => (b.checked ? [b.value] : [])));
}

function tick(list: HTMLElement | null, values: Set<string>): void {
  for (const box of boxes(list)) box.checked = values.has(box.value);
  list?.querySelector("[data-select-all]")?.dispatchEvent(new Event("change"));
}
