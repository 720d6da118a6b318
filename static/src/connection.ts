// Whether the server answers: a banner while it does not, and a word when it does again.
import { word } from "./page.ts";

const every = 4_000;

/** Looks whether the server answers while the page is seen. */
export function watchConnection(): void {
  const banner = document.getElementById("connection");
  if (!banner || !document.body.classList.contains("app")) return;
  let lost = false;
  const look = async () => {
    if (document.hidden) return;
    let answers = true;
    try {
      answers = (await fetch("/livez", { cache: "no-store", signal: AbortSignal.timeout(3_000) })).ok;
    } catch {
      answers = false;
    }
    if (answers === !lost) return;
    lost = !answers;
    banner.hidden = false;
    banner.classList.toggle("good", answers);
    banner.textContent = word(answers ? "back" : "offline");
    document.dispatchEvent(new CustomEvent(answers ? "nacre:back" : "nacre:lost"));
    if (answers) setTimeout(() => (banner.hidden = !lost), 4_000);
  };
  setInterval(look, every);
  addEventListener("online", look);
  document.addEventListener("visibilitychange", look);
}
