// @ts-check
// The labels that a name which is being typed may mean, in a list below its box. Enter takes what was typed; one of the
// others has to be chosen, with the arrows or a click. One module with the others; names are only ever set as textContent.

const NAME_BOX = 'input[aria-label="New label"]';
const MOST_OFFERED = 8;
const THEME = ["text-color", "background-color", "secondary-background-color", "border-color", "font"];

// Without accents and case.
const unaccented = (name) => name.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
// What the server takes for the same name: ß is ss, as a change of case has it.
const sameName = (name) => name.trim().normalize("NFC").toUpperCase().toLowerCase();

// The label that the typed name is, if it is one, and those that it is a part of: beginnings first, then of a word.
/** @type {(labels: Sent[], typed: string) => {known: Sent | undefined, found: Sent[], more: number}} */
function offered(labels, typed) {
  const part = unaccented(typed.trim());
  if (!part) return { known: undefined, found: [], more: 0 };
  const known = labels.find(({ name }) => name === typed.trim()) ?? labels.find(({ name }) => sameName(name) === sameName(typed));
  const ranks = [[], [], []];
  for (const label of labels) {
    const name = unaccented(label.name);
    const at = name.indexOf(part);
    if (at < 0 || label === known) continue;
    const begins = name.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(part));
    ranks[at === 0 ? 0 : begins ? 1 : 2].push(label);
  }
  const all = ranks.flat();
  return { known, found: all.slice(0, MOST_OFFERED), more: Math.max(0, all.length - MOST_OFFERED) };
}

class NameBox {
  constructor(host) {
    this.host = host;
    /** @type {Sent[]} */
    this.labels = [];
    this.multiLabel = false;
    this.options = []; // of the list: what was typed, then the labels that were found
    this.at = 0;
    this.list = element("div", "corral-names", document.body, { id: "corral-names", role: "listbox", hidden: true });
    this.list.ariaLabel = "Labels with this name";
    this.leaving = new AbortController();
    const on = (name, listener) =>
      document.addEventListener(name, listener, { signal: this.leaving.signal, capture: true });
    const inBox = (listener) => (event) => event.target.matches?.(NAME_BOX) && listener(event);
    on("input", inBox((event) => this.typed(event.target)));
    on("keydown", inBox((event) => this.pressed(event)));
    on("focusout", inBox(() => this.close()));
  }

  destroy() {
    this.leaving.abort();
    this.close();
    this.list.remove();
  }

  typed(box) {
    this.box = box;
    const { known, found, more } = offered(this.labels, box.value);
    if (this.choosing || (!known && !found.length)) return this.close();
    this.options = [null, ...found];
    this.list.replaceChildren();
    const entered = this.option(0, known ? `Enter: ${known.name}` : `Enter: new label “${box.value.trim()}”`);
    if (found.length) element("small", "", entered).textContent = "↓ or a click for these";
    found.forEach((label, place) => this.option(place + 1, label.name, label));
    if (more) element("small", "corral-names-more", this.list).textContent = `and ${more.toLocaleString("en")} more`;
    const style = getComputedStyle(this.host);
    for (const name of THEME) this.list.style.setProperty(`--st-${name}`, style.getPropertyValue(`--st-${name}`));
    const { left, bottom, width } = box.getBoundingClientRect();
    Object.assign(this.list.style, { left: `${left}px`, top: `${bottom + 6}px`, minWidth: `${width}px` });
    this.list.hidden = false;
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-controls", this.list.id);
    this.choose(0);
  }

  option(place, text, label) {
    const option = element("div", "corral-names-option", this.list, { id: `corral-names-${place}`, role: "option" });
    if (label) drawSwatch(element("span", "corral-swatch", option), label);
    element("span", "corral-names-name", option, { dir: "auto" }).textContent = text;
    // Before the box loses the focus.
    option.onpointerdown = (event) => {
      event.preventDefault();
      const { box } = this;
      this.take(place);
      // Its value has come to the form by then.
      setTimeout(() => box.closest("[data-testid=stForm]")?.querySelector("button")?.click());
      box.blur();
    };
    return option;
  }

  pressed(event) {
    if (this.list.hidden || event.isComposing) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      event.preventDefault();
      this.choose((this.at + by + this.options.length) % this.options.length);
    } else if (event.key === "Enter") this.take(this.at); // the form takes the box's name next
  }

  // What Enter means now stands in the box.
  choosePressed() {
    if (!this.list.hidden) this.take(this.at);
  }

  choose(place) {
    this.at = place;
    const options = this.list.querySelectorAll("[role=option]");
    options.forEach((option, i) => (option.ariaSelected = String(i === place)));
    options[place].scrollIntoView({ block: "nearest" });
    this.box.setAttribute("aria-activedescendant", options[place].id);
  }

  take(place) {
    const { box } = this;
    const label = this.options[place];
    this.close();
    if (!label) return;
    this.choosing = true;
    // As if it were typed: what is set as the box's value alone stays unknown to its owner.
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(box, label.name);
    box.dispatchEvent(new Event("input", { bubbles: true }));
    this.choosing = false;
  }

  close() {
    this.list.hidden = true;
    this.box?.removeAttribute("aria-activedescendant");
  }
}
