// The searchable list of chooser.py, as an ES module for anywidget; the ARIA pattern is the
// combobox with a listbox. What comes from the platform is only ever set as text, never as HTML.

const MOST = 50; // rows, and chips, that are painted
const PAGE = 8; // rows that PageUp and PageDown go
const SLICE = 8; // milliseconds of work before the browser gets a turn
const NUMBER = new Intl.NumberFormat("en-US"); // made once: making it is slow
const COLUMNS = [
  // name, place in an item, heading, widest in em
  ["name", 1, "Name", 0],
  ["key", 2, "Key", 14],
  ["type", 3, "Type", 9],
  ["creator", 4, "Creator", 8],
  ["updated", 5, "Updated", 10],
  ["users", 6, "Users", 8],
];
const NAME = 16; // em of a row before all of these: most names, the tick, the edges
const WIDE = 46; // em: a list that takes more does without a column where it has not much more
const BARE = ["name", "users"]; // what is never below the name
const TRAITS = ["label", "placeholder", "multiple", "items", "chosen", "message", "tone",
  "disabled", "folded"];

// ---- what is looked for: agrees with search.py, see tests/notebook/search_cases.json ----

export function fold(text) {
  // Down, up and down again is what Python's casefold does (ß is ss), but for two letters.
  const lower = (part) =>
    part.toLowerCase().toUpperCase().toLowerCase().replaceAll("ς", "σ");
  return text.normalize("NFKC").split("ı").map(lower).join("ı").trim();
}

export class Index {
  constructor(items) {
    this.items = items;
    this.texts = [];
    this.last = null;
    this.ready = this.build();
  }

  async build() {
    await pause(); // showing the list is task enough
    let began = performance.now();
    for (const item of this.items) {
      // A line for each thing that it is called by.
      this.texts.push(`\n${fold(item[1])}\n${fold(item[2] || "")}\n${fold(item[7] || "")}\n`);
      if (this.texts.length % 100 === 0 && performance.now() - began > SLICE) {
        await pause();
        began = performance.now();
      }
    }
    return this;
  }

  // Positions of what has all the words, best first: called just that, begins with it, has it as
  // it was typed, has the words; as the platform orders them where they are alike.
  find(words) {
    const wanted = fold(words).split(/\s+/).filter(Boolean);
    if (!wanted.length) return [...this.items.keys()];
    const typed = wanted.join(" ");
    const among = this.last && typed.startsWith(this.last.typed) ? this.last.found : null;
    const found = this.having(wanted, among);
    this.last = { typed, found };
    const ranks = [[], [], [], []];
    for (const at of found) ranks[rank(typed, this.texts[at])].push(at);
    return ranks.flat();
  }

  having(wanted, among) {
    const fits = (text) => wanted.every((word) => text.includes(word));
    if (among) return among.filter((at) => fits(this.texts[at]));
    const found = [];
    this.texts.forEach((text, at) => fits(text) && found.push(at));
    return found;
  }
}

function rank(typed, text) {
  if (!text.includes(typed)) return 3;
  if (!text.includes(`\n${typed}`)) return 2;
  return text.includes(`\n${typed}\n`) ? 0 : 1;
}

function pause() {
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel(); // a timer would be held back in the background
    port1.onmessage = () => { port1.close(); done(); };
    port2.postMessage(null);
  });
}

const indexes = new WeakMap(); // one for all views of the same items

function indexOf(items) {
  if (!indexes.has(items)) indexes.set(items, new Index(items));
  return indexes.get(items);
}

// ---- what is seen ----

function make(tag, name, attributes = {}, ...children) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function glyph(path) {
  const name = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(name, "svg");
  const line = document.createElementNS(name, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

const LENS = "M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9M10.3 10.3L14 14";
const CROSS = "M4.5 4.5l7 7M11.5 4.5l-7 7";
const TICK = "M3 8.5l3.2 3.2L13 4.8";

// Where the words are in a text, as it is written: the parts of it, every second one is a hit.
function hits(text, words) {
  const lower = text.toLowerCase();
  const wanted = fold(words).split(/\s+/).filter(Boolean);
  if (!wanted.length || lower.length !== text.length) return [text];
  const escaped = wanted.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const parts = lower.split(new RegExp(`(${escaped.join("|")})`));
  let at = 0;
  return parts.map((part) => text.slice(at, (at += part.length)));
}

// The width of a column in em: of its texts, as far as they are looked at, and never too wide.
function width(items, place, heading, most) {
  let widest = heading.length * 0.6;
  for (const item of items.slice(0, 300)) {
    let size = 0;
    for (const sign of shown(item[place])) {
      size += sign > "\u2e7f" ? 1 : sign >= "A" && sign <= "Z" ? 0.72 : 0.56;
    }
    widest = Math.max(widest, size);
  }
  return Math.min(widest + 0.4, most);
}

// The tick, the name and, in a span that can become a second line, what else is known.
function laidOut([name, ...more]) {
  const users = more.at(-1)?.classList.contains("gio-users") ? [more.pop()] : [];
  return [make("span", "gio-tick", {}, glyph(TICK)), name,
    make("span", "gio-more", {}, ...more), ...users];
}

function shown(value) {
  return typeof value === "number" ? NUMBER.format(value) : value || "";
}

class View {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.id = `gio-${Math.random().toString(36).slice(2)}`;
    this.words = "";
    this.found = []; // positions in the items
    this.active = -1; // which of the painted rows the arrows have come to
    this.open = !this.get("folded") && !this.get("chosen").length;
    this.composing = false;
    this.build();
    this.listen();
    this.showItems();
  }

  get(name) {
    return this.model.get(name);
  }

  build() {
    const { id } = this;
    this.label = make("label", "gio-label", { for: `${id}-input`, id: `${id}-label` });
    this.chips = make("span", "gio-chips", { role: "list", "aria-label": "Chosen" });
    this.input = make("input", "gio-input", {
      id: `${id}-input`, type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-autocomplete": "list", "aria-controls": `${id}-list`, "aria-describedby": `${id}-foot`,
    });
    this.clear = make("button", "gio-clear", { type: "button" }, glyph(CROSS));
    this.field = make("div", "gio-field", {}, glyph(LENS), this.chips, this.input, this.clear);
    this.head = make("div", "gio-row gio-head", { "aria-hidden": "true" });
    this.list = make("div", "gio-list", {
      id: `${id}-list`, role: "listbox", "aria-labelledby": `${id}-label`,
    });
    this.scroller = make("div", "gio-scroller", {
      tabindex: "-1", role: "group", "aria-labelledby": `${id}-label`,
    }, this.head, this.list);
    this.count = make("span", "gio-count", { role: "status", "aria-live": "polite" });
    this.message = make("span", "gio-message", { "aria-live": "polite" });
    const foot = make("div", "gio-foot", { id: `${id}-foot` }, this.message, this.count);
    this.root.classList.add("gio-chooser");
    this.root.append(this.label, this.field, this.scroller, foot);
  }

  listen() {
    const { input, root } = this;
    input.addEventListener("compositionstart", () => { this.composing = true; });
    input.addEventListener("compositionend", () => { this.composing = false; this.type(); });
    input.addEventListener("input", () => this.composing || this.type());
    input.addEventListener("keydown", (event) => this.key(event));
    this.chips.addEventListener("keydown", (event) => this.keyOnChip(event));
    this.field.addEventListener("mousedown", (event) => this.press(event));
    this.clear.addEventListener("click", () => { this.choose([]); input.focus(); });
    this.list.addEventListener("mousedown", (event) => event.preventDefault()); // keeps the focus
    this.list.addEventListener("click", (event) => this.click(event));
    root.addEventListener("keydown", (event) => mine(event) && event.stopPropagation());
    root.addEventListener("focusout", (event) => {
      if (!root.contains(event.relatedTarget)) this.leave();
    });
    this.listenToModel();
  }

  listenToModel() {
    const handlers = TRAITS.map((name) => {
      const show = name === "items" ? () => this.showItems() : () => this.showState();
      this.model.on(`change:${name}`, show);
      return [`change:${name}`, show];
    });
    // JupyterLab looks for its shortcuts before any event comes here, unless the focus is below
    // this mark: without it "d d" on a chip would delete the cell. Ctrl+S and the like stay Lab's.
    const guard = (event) => {
      const below = this.root.contains(event.target);
      if (below) this.root.toggleAttribute("data-lm-suppress-shortcuts", mine(event));
    };
    window.addEventListener("keydown", guard, true);
    this.stop = () => {
      window.removeEventListener("keydown", guard, true);
      for (const [name, show] of handlers) this.model.off(name, show);
    };
  }

  // -- from the model to the page --

  showItems() {
    this.items = this.get("items");
    this.index = indexOf(this.items);
    const rows = Math.min(this.items.length, PAGE);
    const known = COLUMNS.filter(([name, place]) =>
      name === "name" || this.items.some((item) => item[place] || item[place] === 0));
    const sizes = known.slice(1).map(([, place, heading, most]) =>
      `${width(this.items, place, heading, most).toFixed(2)}em`);
    this.known = known;
    const fewer = sizes.filter((_, at) => known[at + 1][0] !== "creator");
    this.root.style.setProperty("--gio-columns", ["minmax(9em, 1fr)", ...sizes].join(" "));
    this.root.style.setProperty("--gio-fewer", ["minmax(9em, 1fr)", ...fewer].join(" "));
    this.root.style.setProperty("--gio-rows", rows);
    this.root.classList.toggle("gio-wide", sizes.reduce((sum, size) => sum + parseFloat(size) + 1,
      NAME) > WIDE);
    this.root.classList.toggle("gio-bare", known.every(([name]) => BARE.includes(name)));
    this.head.replaceChildren(...laidOut(known.map(([name, , heading]) =>
      make("span", `gio-cell gio-${name}`, {}, heading))));
    this.byValue = null;
    this.find();
    this.showState();
  }

  showState() {
    const disabled = this.get("disabled");
    const chosen = this.get("chosen");
    const tone = this.get("tone");
    this.label.textContent = this.get("label");
    this.root.classList.toggle("gio-disabled", disabled);
    this.input.disabled = disabled;
    this.clear.disabled = disabled;
    this.clear.hidden = this.get("multiple") || !chosen.length || disabled;
    this.clear.setAttribute("aria-label", `Clear ${this.get("label")}`);
    this.input.placeholder = chosen.length && this.get("multiple") ? "" : this.get("placeholder");
    this.list.setAttribute("aria-multiselectable", this.get("multiple"));
    this.list.setAttribute("aria-busy", tone === "busy");
    this.message.textContent = this.get("message");
    this.message.className = `gio-message ${tone ? `gio-${tone}` : ""}`;
    this.message.setAttribute("role", tone === "error" ? "alert" : "status");
    this.showChips(this.get("multiple") ? chosen : []);
    if (!this.get("multiple") && !this.words) this.input.value = chosen.map(this.name, this).join();
    const lost = chosen.length && !this.get("multiple") && !this.lookUp(chosen[0]);
    this.input.classList.toggle("gio-unknown", Boolean(lost && !this.words));
    this.showOpen();
    this.showSelected();
    this.showCount();
  }

  showChips(values) {
    const had = document.activeElement?.closest?.(".gio-chip");
    const place = [...this.chips.children].indexOf(had);
    const chips = values.slice(0, MOST).map((value) => this.chip(value));
    if (values.length > MOST) chips.push(make("span", "", { role: "listitem" },
      `and ${NUMBER.format(values.length - MOST)} more`));
    this.chips.hidden = !chips.length;
    this.chips.replaceChildren(...chips);
    const buttons = this.buttons();
    buttons.forEach((button, at) => { button.tabIndex = at === buttons.length - 1 ? 0 : -1; });
    if (place >= 0) (buttons[Math.min(place, buttons.length - 1)] || this.input).focus();
  }

  chip(value) {
    const name = this.name(value);
    const known = this.lookUp(value);
    const button = make("button", "gio-remove", { type: "button", "aria-label": `Remove ${name}` },
      glyph(CROSS));
    button.disabled = this.get("disabled");
    button.addEventListener("click", () => this.toggle(value));
    const text = make("span", "gio-chip-name", { dir: "auto" }, name);
    return make("span", `gio-chip ${known ? "" : "gio-unknown"}`, {
      role: "listitem", title: known ? name : `${name}: not in the list`,
    }, text, button);
  }

  buttons() {
    return [...this.chips.querySelectorAll("button")];
  }

  showOpen() {
    const open = this.open && !this.get("disabled");
    this.scroller.hidden = !open || !this.items.length;
    this.input.setAttribute("aria-expanded", String(!this.scroller.hidden));
    if (!open) this.activate(-1);
  }

  showSelected() {
    const chosen = new Set(this.get("chosen"));
    for (const row of this.list.children) {
      const is = chosen.has(this.items[row.dataset.at]?.[0]);
      row.setAttribute("aria-selected", String(is));
    }
  }

  showCount() {
    const { length } = this.found;
    const chosen = this.get("chosen");
    const parts = [];
    if (this.scroller.hidden && this.items.length) {
      // what is not on the screen is not counted
    } else if (length > MOST && !this.words) {
      parts.push(`the first ${MOST} of ${NUMBER.format(length)}`);
    } else if (length > MOST) {
      parts.push(`${MOST} of ${NUMBER.format(length)}: type more to narrow`);
    } else if (this.words) {
      parts.push(length ? `${length} found` : "Nothing found");
    }
    if (this.get("multiple") && chosen.length) {
      parts.push(`${NUMBER.format(chosen.length)} chosen`);
    }
    // While the list is looked up nobody knows, and where something is wrong the message says it.
    const lost = this.get("tone") ? [] : chosen.filter((value) => !this.lookUp(value));
    if (lost.length && this.items.length) parts.push(`not in the list: ${lost.slice(0, 3).join(", ")}`);
    this.count.textContent = parts.join(" · ");
  }

  lookUp(value) {
    this.byValue ??= new Map(this.items.map((item) => [item[0], item]));
    return this.byValue.get(value);
  }

  name(value) {
    return this.lookUp(value)?.[1] || value;
  }

  // -- the search --

  async find() {
    const { words, index } = this;
    if (words && index.texts.length < this.items.length) {
      await index.ready; // only with many items, and only in the first moment
      if (words !== this.words || index !== this.index) return;
    }
    this.found = index.find(words);
    this.list.replaceChildren(...this.found.slice(0, MOST).map((at, row) => this.row(at, row)));
    this.scroller.scrollTop = 0;
    this.activate(words && this.found.length ? 0 : -1);
    this.showSelected();
    this.showCount();
  }

  row(at, number) {
    const item = this.items[at];
    const cells = this.known.map(([name, place]) => {
      const text = shown(item[place]);
      const cell = make("span", `gio-cell gio-${name}`, { dir: "auto" });
      if (name === "name" || name === "key") {
        hits(text, this.words).forEach((part, odd) =>
          part && cell.append(odd % 2 ? make("mark", "", {}, part) : part));
      } else {
        cell.textContent = text;
      }
      return cell;
    });
    return make("div", "gio-row", {
      role: "option", id: `${this.id}-${number}`, "data-at": at, title: item[1],
    }, ...laidOut(cells));
  }

  activate(number) {
    const rows = this.list.children;
    rows[this.active]?.classList.remove("gio-active");
    this.active = Math.min(number, rows.length - 1);
    const row = rows[this.active];
    if (!row) {
      this.input.removeAttribute("aria-activedescendant");
      return;
    }
    row.classList.add("gio-active");
    this.input.setAttribute("aria-activedescendant", row.id);
    if (!this.scroller.hidden) row.scrollIntoView({ block: "nearest" });
  }

  // -- from the page to the model --

  type() {
    this.words = this.input.value.trim();
    this.unfold(true);
    this.find();
    this.input.classList.remove("gio-unknown");
  }

  forget() {
    this.words = "";
    this.input.value = "";
    this.find();
    this.showState();
  }

  leave() {
    if (!this.get("folded") && !this.get("chosen").length) return;
    this.open = false;
    this.forget();
  }

  choose(values) {
    if (this.get("disabled")) return;
    this.model.set("chosen", values);
    this.model.save_changes();
    if (!this.get("multiple")) {
      this.open = !values.length;
      this.forget();
    }
  }

  toggle(value) {
    const chosen = this.get("chosen");
    const others = chosen.filter((other) => other !== value);
    if (!this.get("multiple")) this.choose([value]);
    else this.choose(others.length < chosen.length ? others : [...chosen, value]);
  }

  toggleActive() {
    const row = this.list.children[this.active];
    if (!row) return;
    this.toggle(this.items[row.dataset.at][0]);
    this.input.select(); // what is typed next begins anew
  }

  press(event) {
    if (event.target.closest("button")) return;
    if (event.target !== this.input) event.preventDefault();
    this.input.focus();
    this.unfold(true);
    if (!this.words) this.input.select();
  }

  click(event) {
    const row = event.target.closest("[role=option]");
    if (row) this.toggle(this.items[row.dataset.at][0]);
  }

  key(event) {
    // An input method's keys are its own: Enter ends a composition, and chooses nothing here.
    if (this.composing || event.isComposing || event.keyCode === 229) return;
    const handler = KEYS[event.key];
    if (handler?.(this, event)) event.preventDefault();
  }

  unfold(open) {
    this.open = open;
    this.showOpen();
    this.showCount();
    return true;
  }

  move(to) {
    if (!this.open) this.unfold(true);
    this.activate(Math.max(to, 0));
    return true;
  }

  escape() {
    if (!this.words) return this.open && this.unfold(false);
    this.forget();
    return true;
  }

  toChips(event) {
    const empty = !this.input.selectionStart && !this.input.selectionEnd;
    const last = this.buttons().at(-1);
    if (!empty || !last || event.shiftKey) return false;
    last.focus();
    return true;
  }

  dropLast() {
    const chosen = this.get("chosen");
    if (this.input.value || !this.get("multiple") || !chosen.length) return false;
    this.choose(chosen.slice(0, -1));
    return true;
  }

  keyOnChip(event) {
    const buttons = this.buttons();
    const at = buttons.indexOf(event.target);
    if (at < 0) return;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: buttons.length }[event.key];
    if (to !== undefined) (buttons[Math.max(to, 0)] || this.input).focus();
    else if (event.key === "Delete" || event.key === "Backspace") event.target.click();
    else if (event.key === "Escape") this.input.focus();
    else return;
    event.preventDefault();
  }
}

// Each says whether it did something; if not, the key does what it does in any field.
const KEYS = {
  ArrowDown: (view, event) => (event.altKey ? view.unfold(true) : view.move(view.active + 1)),
  ArrowUp: (view, event) => (event.altKey ? view.unfold(false) : view.move(view.active - 1)),
  PageDown: (view) => view.move(view.active + PAGE),
  PageUp: (view) => view.move(view.active - PAGE),
  Home: (view, event) => (event.ctrlKey || event.metaKey) && view.move(0),
  End: (view, event) => (event.ctrlKey || event.metaKey) && view.move(MOST),
  Enter(view, event) {
    if (view.open && !event.shiftKey && !event.altKey) view.toggleActive();
    return true;
  },
  " ": (view, event) =>
    event.ctrlKey && view.get("multiple") && (view.toggleActive(), true),
  Escape: (view) => view.escape(),
  Backspace: (view) => view.dropLast(),
  ArrowLeft: (view, event) => view.toChips(event),
};

// Whether a key is this list's own. What has Ctrl or Meta is the front end's, but for a few.
function mine(event) {
  return !(event.ctrlKey || event.metaKey) || ["Enter", " ", "Home", "End"].includes(event.key);
}

export default {
  initialize({ model }) {
    model.set("alive", true); // the kernel waits for it, to know that nothing simpler is needed
    model.save_changes();
  },

  render({ model, el }) {
    const root = document.createElement("div");
    el.append(root);
    const view = new View(model, root);
    return () => view.stop();
  },
};
