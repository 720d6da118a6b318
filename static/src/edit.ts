// The page on which a configuration is written: what the server finds, the draft, the type, the names of what is new.
import type { Checked, Problem } from "./editor-check.ts";
import type { DraftEvent } from "./editor-draft.ts";
import { type Editor, mountEditor } from "./editor.ts";
import { post } from "./page.ts";

/** Above this many UTF-16 units the editor is not checked of itself. */
const big = 2 << 20;

interface Page {
  form: HTMLFormElement;
  box: HTMLElement;
  editor: Editor;
  words: Record<string, string>;
  /** Says something beside the buttons. */
  tell(text: string): void;
}

/** Binds the form of the editor, which data-edit of a page's part selects. */
export function bindEdit(part: HTMLElement): void {
  const form = part.querySelector<HTMLFormElement>(part.dataset.edit || "form");
  const box = form?.querySelector<HTMLElement>("[data-editor]");
  if (!form || !box) return;
  const state = form.querySelector<HTMLElement>("[data-draft-state]");
  const page: Page = {
    form,
    box,
    editor: mountEditor(box),
    words: JSON.parse(form.dataset.says || "{}") as Record<string, string>,
    tell(text) {
      if (state && state.textContent !== text) state.textContent = text;
    },
  };
  bindDraft(page);
  bindProblems(page);
  bindType(page);
  bindNames(page);
  bindLayOut(page);
}

function input(form: HTMLFormElement, name: string): HTMLInputElement | undefined {
  const element = form.elements.namedItem(name);
  return element instanceof HTMLInputElement ? element : undefined;
}

/** Says how the draft stands, and lets the person choose when two tabs have changed it. */
function bindDraft({ form, box, editor, words, tell }: Page): void {
  const elsewhere = form.querySelector<HTMLElement>("[data-elsewhere]");
  let held = 0;
  let saving = false;
  box.addEventListener("nacre:draft", (event) => {
    const { state, version } = (event as CustomEvent<DraftEvent>).detail;
    saving = state === "saving";
    held = version;
    tell((state === "conflict" ? "" : words[state]) ?? "");
    if (elsewhere) elsewhere.hidden = state !== "conflict";
    const field = input(form, "draft");
    if (state === "saved" && field) field.value = String(version);
    // Who reloads, or comes back from the review, gets the draft.
    if (state === "saved" && version > 0 && form.dataset.again) history.replaceState(history.state, "", form.dataset.again);
  });
  form.querySelector("[data-mine]")?.addEventListener("click", () => {
    if (elsewhere) elsewhere.hidden = true;
    editor.draftOver(held);
    editor.view.focus();
  });
  form.querySelector("[data-other]")?.addEventListener("click", () => {
    editor.settled();
    location.assign(form.dataset.again ?? "");
  });
  // A review begins with the draft that the server has then.
  form.addEventListener("submit", (event) => {
    if (!saving) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter } = event;
    void editor.saveDraft().then(() => form.requestSubmit(submitter));
  }, { capture: true });
  document.getElementById("draft")?.addEventListener("submit", () => editor.settled());
}

/** Lists what the server finds wrong; each leads to its place. */
function bindProblems({ box, editor, words }: Page): void {
  const list = document.querySelector("#problems ul");
  if (!list) return;
  const tell = (text = "") => {
    const item = document.createElement("li");
    item.className = "soft";
    item.textContent = text;
    list.replaceChildren(item);
  };
  const icon = list.querySelector(".icon") ?? document.querySelector(".icon-warning");
  const show = (problem: Problem): HTMLElement => {
    const item = document.createElement("li");
    item.className = `problem-${problem.severity}`;
    const place = document.createElement("button");
    place.type = "button";
    place.className = "problem-place";
    place.textContent = (words.place ?? "").replace("%s", String(problem.line)).replace("%s", String(problem.column));
    place.addEventListener("click", () => editor.goTo(problem.line, problem.column));
    const kind = document.createElement("span");
    kind.className = "unseen";
    kind.textContent = words[problem.severity] ?? "";
    const text = document.createElement("span");
    text.textContent = problem.text;
    item.append(...(icon ? [icon.cloneNode(true)] : []), kind, place, text);
    return item;
  };
  box.addEventListener("nacre:checked", (event) => {
    const { ok, problems } = (event as CustomEvent<Checked>).detail;
    if (!ok) tell(words.notChecked);
    else if (problems.length === 0) tell(words.none);
    else list.replaceChildren(...problems.map(show));
  });
  if (editor.view.state.doc.length > big) tell(words.big);
}

/** Changes how the text is read. Without a choice it is read as what it looks like. */
function bindType({ form, box, editor, words }: Page): void {
  const select = form.elements.namedItem("type");
  if (!(select instanceof HTMLSelectElement)) return;
  const options = [...select.options];
  const auto = options.find((o) => o.value === "");
  const address = () => {
    const query = new URLSearchParams({ dataId: input(form, "dataId")?.value ?? "" });
    if (!select.value) query.set("auto", "1");
    box.dataset.check = `${box.dataset.check?.split("?")[0]}?${query}`;
  };
  select.addEventListener("change", () => {
    address();
    if (select.value) editor.setType(select.value);
    else void editor.check();
  });
  input(form, "dataId")?.addEventListener("change", () => {
    address();
    if (!select.value) void editor.check();
  });
  box.addEventListener("nacre:checked", (event) => {
    const { ok, type } = (event as CustomEvent<Checked>).detail;
    if (!ok || select.value || !auto) return;
    auto.textContent = (words.auto ?? "").replace("%s", options.find((o) => o.value === type)?.text ?? type);
    editor.setType(type);
  });
  address();
}

/** Keeps the draft of what is new under the names that it has now. */
function bindNames({ form, box, editor }: Page): void {
  const dataId = input(form, "dataId");
  const group = input(form, "group");
  const draft = input(form, "draft");
  if (!dataId || !group || !draft || dataId.type === "hidden") return;
  const rename = () => {
    const named = dataId.value.trim() && group.value.trim() && dataId.checkValidity() && group.checkValidity();
    const before = box.dataset.draft ?? "";
    const key = new URLSearchParams({ ns: input(form, "ns")?.value ?? "", group: group.value.trim(), dataId: dataId.value.trim() });
    const now = named ? `${form.dataset.drafts}?${key}` : "";
    if (now === before) return;
    box.dataset.draft = now;
    form.dataset.again = `${form.dataset.again?.split("?")[0]}?${key}`;
    if (before && draft.value !== "0") void post(before.replace("?", "/drop?"), {}).catch(() => undefined);
    draft.value = "0";
    editor.draftMoved();
  };
  dataId.addEventListener("input", rename);
  group.addEventListener("input", rename);
  if (!box.dataset.draft) rename(); // a name that was typed before this was loaded
}

/** Lays the text out anew as a change that can be undone. */
function bindLayOut({ form, box, editor, tell }: Page): void {
  const select = form.elements.namedItem("type") as HTMLSelectElement | null;
  let type = box.dataset.type ?? "";
  box.addEventListener("nacre:checked", (event) => {
    type = (event as CustomEvent<Checked>).detail.type;
  });
  form.querySelector("[data-lay]")?.addEventListener("click", async (event) => {
    event.preventDefault();
    const answer = await post(form.dataset.layOut ?? "", { type: select?.value || type, content: editor.text() }).catch(() => undefined);
    const body = (await answer?.json().catch(() => undefined)) as { content?: string; error?: string } | undefined;
    if (body?.content !== undefined && body.content !== editor.text()) editor.replace(body.content);
    tell(body?.error ?? "");
    editor.view.focus();
  });
}
