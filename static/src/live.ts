// Parts of a page that the server keeps up to date, read anew by htmx: how often, and when not.
import { word } from "./page.ts";

interface Detail {
  ctx: { response?: { raw: Response } };
  tasks?: { fragment: DocumentFragment }[];
}

const last = new WeakMap<Element, number>();

/** Lets a region be read anew each data-pace ms while the page is seen, and keeps it where an answer has none. */
export function watchLive(): void {
  document.addEventListener("htmx:before:request", (event) => {
    const region = event.target;
    if (!(region instanceof HTMLElement) || !region.dataset.pace) return;
    const now = performance.now();
    const early = now - (last.get(region) ?? 0) < Number(region.dataset.pace) - 50;
    const held = region.querySelector("input[name=row]:checked, details.sure[open]"); // a person chooses among the rows, or is asked
    if (document.hidden || early || held) event.preventDefault();
    else last.set(region, now);
  });
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx, tasks } = (event as CustomEvent<Detail>).detail;
    if (tasks?.some((task) => task.fragment.childNodes.length > 0)) return;
    event.preventDefault(); // an error, or the login page
    const banner = document.getElementById("connection");
    if (!banner || !ctx.response || new URL(ctx.response.raw.url).pathname !== "/console/login") return;
    banner.textContent = word("ended");
    banner.classList.remove("good");
    banner.hidden = false;
  });
}
