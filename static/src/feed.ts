// The live feed: goes on over a WebSocket from the number up to which the server wrote the page.
import { serverNow } from "./page.ts";

interface Event {
  seq: number;
  atMs: number;
  kind: string;
  namespace?: string;
  group?: string;
  dataId?: string;
  revision?: number;
  gray?: string;
  user?: string;
  ip?: string;
  clientId?: string;
  clientIp?: string;
  app?: string;
  sdk?: string;
  listeners?: number;
  service?: string;
  instance?: string;
  cluster?: string;
  node?: string;
  text?: string;
}

interface Message {
  type: "hello" | "events" | "gap" | "at" | "held";
  epoch?: number;
  last?: number;
  events?: Event[];
  next?: number;
  missed?: number;
  count?: number;
  more?: boolean;
}

interface Kind {
  says: string;
  name: string;
  tone?: string;
  part?: string;
}

type Phrase =
  | "from" | "unknown" | "revision" | "group" | "gap" | "restarted" | "older" | "new" | "newMany"
  | "live" | "paused" | "connecting" | "lost" | "ended" | "pause" | "resume";

type Phrases = Record<Phrase, string> & { kinds: Record<string, Kind>; states: Record<string, string> };

/** How many rows stand in the page, and how many of what happens now are added in a second before they are grouped. */
const mostRows = 1_000;
const mostPerSecond = 20;
/** How many events the server sends at once at the most. */
const batch = 200;
/** The close code of a session that has ended. */
const ended = 4001;

const number = new Intl.NumberFormat("en");
const fill = (text: string, ...values: string[]) => values.reduce((t, value) => t.replace("%s", () => value), text);

/** Keeps the feed in box up to date for as long as it is in the page. */
export function mountFeed(box: HTMLElement): void {
  if (!box.dataset.feed) return; // the filter is wrong
  const words = JSON.parse(box.dataset.phrases ?? "") as Phrases;
  const rows = box.querySelector<HTMLElement>("[data-rows]")!;
  const state = box.querySelector<HTMLElement>("[data-state]")!;
  const pill = box.querySelector<HTMLButtonElement>("[data-new]")!;
  const pause = box.querySelector<HTMLButtonElement>("[data-pause]")!;
  const empty = box.querySelector<HTMLElement>("[data-empty]")!;
  const over = new AbortController();
  let next = box.dataset.next!;
  let epoch = 0;
  let restarted = false;
  let socket: WebSocket | undefined;
  let paused = false;
  let behind = true; // what comes happened before, while nobody was told here
  let failures = 0;
  let timer = 0;
  let second = 0;
  let added = 0;
  const groups = new Map<string, HTMLElement>();

  function connect(): void {
    clearTimeout(timer);
    if (socket || paused || document.hidden || over.signal.aborted) return;
    show(words.connecting);
    const url = new URL(`${box.dataset.feed}?${box.dataset.filter}`, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("since", next);
    const mine = new WebSocket(url);
    socket = mine;
    mine.addEventListener("message", (message) => take(JSON.parse(message.data as string) as Message));
    mine.addEventListener("close", (close) => {
      if (socket !== mine) return;
      socket = undefined;
      if (close.code === ended) return show(words.ended, "bad");
      if (!paused) show(words.lost, "bad");
      timer = setTimeout(connect, Math.min(500 * 2 ** failures++, 10_000) * (0.75 + Math.random() / 2));
    });
  }

  function leave(): void {
    const mine = socket;
    socket = undefined;
    clearTimeout(timer);
    mine?.close();
  }

  function take(m: Message): void {
    if (m.type === "hello") {
      failures = 0;
      restarted = epoch !== 0 && m.epoch !== epoch;
      epoch = m.epoch ?? 0;
      behind = (m.last ?? 0) > (m.next ?? 0);
      hold();
    } else if (m.type === "held") {
      behind = true;
      pill.textContent = fill(m.more ? words.newMany : words.new, number.format(m.count ?? 0));
      pill.hidden = !paused;
    } else if (m.type === "gap") {
      add([line("feed-note", restarted ? words.restarted : fill(words.gap, number.format(m.missed ?? 0)))]);
    } else if (m.events) {
      add(m.events.map(rowOf).filter((row) => row !== undefined));
      behind &&= m.events.length === batch;
    }
    if (m.next !== undefined) next = String(m.next);
  }

  /** Tells the server whether to hold back what happens: it does while the page is paused or not seen, so nothing grows here. */
  function hold(): void {
    const held = paused || document.hidden;
    if (!held) pill.hidden = true;
    if (paused) show(words.paused, "wait");
    else if (!socket) connect();
    else if (socket.readyState === WebSocket.OPEN) show(words.live, "good");
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: held ? "pause" : "resume" }));
  }

  function show(text: string, tone = ""): void {
    if (state.textContent !== text) state.textContent = text;
    state.dataset.tone = tone;
  }

  function add(list: HTMLElement[]): void {
    rows.prepend(...list.reverse());
    empty.hidden ||= rows.childElementCount > 0;
    if (rows.childElementCount <= mostRows) return;
    while (rows.childElementCount >= mostRows) rows.lastElementChild?.remove();
    rows.append(line("feed-note", words.older));
  }

  /** Makes a row of an event; undefined when too many happen and it was counted in a group. */
  function rowOf(e: Event): HTMLElement | undefined {
    const now = performance.now();
    if (behind) return row(e, words);
    if (now - second > 1_000) {
      second = now;
      added = 0;
      groups.clear();
    }
    return ++added > mostPerSecond ? grouped(e) : row(e, words);
  }

  function grouped(e: Event): HTMLElement | undefined {
    const name = words.kinds[e.kind]?.name ?? e.kind;
    let group = groups.get(e.kind);
    const made = !group;
    group ??= shell(e, words.kinds[e.kind]);
    groups.set(e.kind, group);
    const count = Number(group.dataset.count ?? "0") + 1;
    group.dataset.count = String(count);
    group.dataset.last = String(e.seq);
    group.querySelector("p")!.textContent = fill(words.group, number.format(count), name);
    return made ? group : undefined;
  }

  for (const time of rows.querySelectorAll("time")) time.textContent = clock(new Date(time.dateTime));
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? words.resume : words.pause;
    pause.setAttribute("aria-pressed", String(paused));
    hold();
  });
  pill.addEventListener("click", () => {
    pause.click();
    pause.focus();
  });
  box.querySelector("[data-clear]")?.addEventListener("click", () => rows.replaceChildren());
  const on = { signal: over.signal };
  document.addEventListener("visibilitychange", hold, on);
  document.addEventListener("nacre:back", connect, on);
  addEventListener("pagehide", leave, on);
  addEventListener("pageshow", connect, on);
  document.addEventListener("htmx:after:swap", () => {
    if (box.isConnected) return;
    over.abort();
    leave();
  }, on);
  connect();
}

const twoDigits = (n: number) => String(n).padStart(2, "0");

/** Shows a moment in the viewer's zone, with the date where it is not of the last hours. */
function clock(at: Date): string {
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":");
  if (serverNow() - at.getTime() < 12 * 3600_000) return time;
  return `${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())} ${time}`;
}

function line(name: string, text: string): HTMLElement {
  const item = document.createElement("li");
  item.className = name;
  item.textContent = text;
  return item;
}

/** Makes a row with the time of an event, and nothing said yet. */
function shell(e: Event, kind: Kind | undefined): HTMLElement {
  const item = line(`feed-row feed-${e.kind.split(".")[0]}`, "");
  if (kind?.tone) item.classList.add(`tone-${kind.tone}`);
  item.dataset.seq = String(e.seq);
  const time = document.createElement("time");
  const at = new Date(e.atMs);
  time.dateTime = at.toISOString();
  time.title = at.toLocaleString(document.documentElement.lang);
  time.textContent = clock(at);
  item.append(time, document.createElement("p"));
  return item;
}

function isolated(text: string): HTMLElement {
  const bdi = document.createElement("bdi");
  bdi.textContent = text;
  return bdi;
}

/** Words an event as the server does for those that the page began with. */
function row(e: Event, words: Phrases): HTMLElement {
  const kind = words.kinds[e.kind] ?? { says: `{text}`, name: e.kind };
  const item = shell(e, kind);
  const says = item.querySelector("p")!;
  for (const [, plain, slot] of kind.says.matchAll(/([^{]+)|\{(\w+)\}/g)) {
    if (plain) says.append(plain);
    else says.append(piece(slot ?? "", e, kind, words));
  }
  const details = document.createElement("p");
  details.className = "feed-details";
  for (const text of detailsOf(e, words)) {
    const span = document.createElement("span");
    span.append(isolated(text));
    details.append(span);
  }
  item.append(details);
  return item;
}

function piece(slot: string, e: Event, kind: Kind, words: Phrases): HTMLElement {
  const key = { ns: e.namespace ?? "", group: e.group ?? "", dataId: e.dataId ?? "" };
  switch (slot) {
    case "who":
      return isolated(e.user || (e.ip ? fill(words.from, e.ip) : words.unknown));
    case "object":
      return link(e.dataId ?? "", `/console/config${kind.part ? `/${kind.part}` : ""}`, key);
    case "gray":
      return isolated(e.gray ?? "");
    case "client":
      return link(`${e.app === "unknown" ? "" : (e.app ?? "")} ${e.clientIp}`.trim(), "/console/client", { id: e.clientId ?? "" });
    case "service":
      return link(e.service ?? "", "/console/service", { ns: key.ns, group: key.group, name: e.service ?? "" });
    case "instance":
      return isolated(e.instance ?? "");
    case "n":
      return isolated(number.format(e.listeners ?? 0));
    default:
      if (e.kind === "server.state" || !e.text) return isolated(words.states[e.text ?? ""] || e.text || key.ns);
      return link(e.text, "/console/configs", { ns: key.ns });
  }
}

function link(text: string, path: string, query: Record<string, string>): HTMLElement {
  const a = document.createElement("a");
  a.href = `${path}?${new URLSearchParams(query)}`;
  a.append(isolated(text));
  return a;
}

function detailsOf(e: Event, words: Phrases): string[] {
  const named = e.dataId || e.service;
  return [
    named ? `${e.namespace} / ${e.group}` : "",
    e.cluster,
    e.node,
    e.clientId ? e.sdk : e.revision ? fill(words.revision, String(e.revision)) : "",
    named ? e.text : "",
  ].filter((text): text is string => Boolean(text));
}
