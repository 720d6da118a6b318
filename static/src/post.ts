// Requests that change or ask something of this server, with the token that shows they come from this page.

/** Posts fields as a form does. */
export function post(url: string, fields: Record<string, string>, init: RequestInit = {}): Promise<Response> {
  const csrf = document.querySelector<HTMLMetaElement>('meta[name="csrf"]')?.content ?? "";
  return fetch(url, { method: "POST", headers: { "X-CSRF-Token": csrf }, body: new URLSearchParams(fields), ...init });
}
