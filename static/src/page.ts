// What all modules know of the page.

/** Reads a word that the server wrote into the body. */
export function word(name: string): string {
  return document.body.dataset[name] ?? "";
}

/** Reads a meta element that the server wrote. */
export function meta(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? "";
}

/** Tells a screen reader, politely. */
export function say(text: string): void {
  const said = document.getElementById("said");
  if (said) said.textContent = text;
}

const offset = Number(meta("server-ms")) - Date.now();

/** The server's time in ms: a viewer whose clock is off sees right ages all the same. */
export function serverNow(): number {
  return Date.now() + offset;
}

/** Sends a form of this page to the server, and returns the answer; throws when there is none. */
export function post(url: string, fields: Record<string, string>, init: RequestInit = {}): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRF-Token": meta("csrf") },
    body: new URLSearchParams(fields),
    ...init,
  });
}

/** Reads JSON from the server; undefined where it does not answer with any. */
export async function getJSON<T>(url: string, signal?: AbortSignal): Promise<T | undefined> {
  const answer = await fetch(url, { headers: { Accept: "application/json" }, signal });
  return answer.ok ? ((await answer.json()) as T) : undefined;
}

/** Says whether keys that are typed go into a field or an editor. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select"));
}
