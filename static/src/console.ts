// What pages can do beyond being read. Without script everything here is merely absent.

const said = document.getElementById("said");

/** Puts a button beside each command that copies it. */
function addCopyButtons(): void {
  const label = document.body.dataset.copy ?? "Copy";
  const done = document.body.dataset.copied ?? "Copied";
  for (const head of document.querySelectorAll<HTMLElement>("[data-copies]")) {
    const command = document.querySelector<HTMLElement>(head.dataset.copies ?? "");
    if (!command) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-label", `${label}: ${head.dataset.title ?? ""}`);
    button.addEventListener("click", async () => {
      if (!(await copy(command))) return;
      button.textContent = done;
      if (said) said.textContent = done;
      setTimeout(() => {
        button.textContent = label;
        if (said) said.textContent = "";
      }, 1600);
    });
    head.append(button);
  }
}

/** Copies the text of an element; selects it where the browser does not allow more. */
async function copy(of: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(of.textContent ?? "");
    return true;
  } catch {
    // Plain http on another host than localhost has no clipboard: the person copies what is selected.
    getSelection()?.selectAllChildren(of);
    return false;
  }
}

/** Shows the moment in the reader's own zone when the pointer rests on a time. */
function localTimes(): void {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeStyle: "long" });
  for (const time of document.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.title = format.format(at);
  }
}

addCopyButtons();
localTimes();
