// What pages can do beyond being read and filled in. Without script everything here is merely absent.
import "htmx.org";
import { watchConnection } from "./connection.ts";
import { bindKeys } from "./keys.ts";
import { bindPalette } from "./palette.ts";
import { enhance } from "./enhance.ts";
import { watchLive } from "./live.ts";

document.documentElement.classList.add("script");
enhance(document);
bindKeys();
bindPalette();
watchConnection();
watchLive();

// What htmx put into the page is to be enhanced, too.
document.addEventListener("htmx:after:swap", () => enhance(document));
