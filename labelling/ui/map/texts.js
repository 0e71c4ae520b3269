// @ts-check
// The texts beside the map. A click or the arrows mark one, with shift a range: then a label's key, a click on its chip or
// a name is for these alone. What sets the selection apart is marked in them, unless a search is. One module with the
// others.

const LIST = ".st-key-corral-texts";
const MARKED = "corral-marked";
const OUT = "X";
const NAME_BUTTON = ".st-key-corral-new .stFormSubmitButton button"; // it stands for what is marked
const HINT_MS = 4000;

// What a key means for texts, and for which label; null where it means nothing for them.
/** @type {(key: string, labels: Sent[], multiLabel: boolean) => {what: string, label?: number} | null} */
function textPress(key, labels, multiLabel) {
  const pressed = key.toUpperCase();
  if (pressed === OUT) return { what: "out" };
  if (pressed === "0") return { what: "clear" };
  if (pressed === "Y") return { what: "yes" }; // where labels exclude each other: the one that it bears is right
  if (multiLabel) return pressed === "O" ? { what: "no" } : null;
  const label = labels.find((each) => each.key === pressed);
  return label ? { what: "label", label: label.id } : null;
}

// From one place to another, whichever comes first.
const stretch = (all, a, b) => all.slice(Math.min(a, b), Math.max(a, b) + 1);

class Texts {
  constructor(map) {
    this.map = map;
    this.changes = new MutationObserver(() => this.changed());
    /** @type {Set<number>} */
    this.rows = new Set(); // that are marked; by row, as the server may write the list anew at any time
    /** @type {number | null} */
    this.anchor = null; // the row that was marked first
    /** @type {number | null} */
    this.at = null; // the one that the arrows go on from
    this.next = 0; // the place that they go to where it has left the list
  }

  listen(on) {
    for (const name of ["pointerover", "focusin"]) on(document, name, (event) => this.look(event.target));
    on(document, "click", (event) => this.clicked(event));
    on(window, "click", (event) => event.target.closest?.(NAME_BUTTON) && this.named(event), { capture: true });
    on(document, "mousedown", (event) => event.shiftKey && textAt(event.target) && event.preventDefault());
    on(document, "focusin", ({ target }) => {
      const text = this.tabbed && target.closest?.(LIST) ? textAt(target) : null;
      if (text) this.mark([text]);
    });
    const tabs = (event) => (this.tabbed = event.key === "Tab");
    for (const name of ["keydown", "pointerdown"]) on(window, name, tabs, { capture: true });
    on(window, "keydown", (event) => this.take(event), { capture: true });
  }

  // The panel comes after the map, and is made anew with the page.
  watch() {
    const panel = document.querySelector(".st-key-corral-panel");
    if (!panel || panel === this.panel) return;
    this.changes.disconnect();
    this.panel = panel;
    this.changes.observe(panel, { childList: true, characterData: true, subtree: true });
    this.changed();
  }

  changed() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const { all } = this;
      const first = all[0]?.dataset.corralRow;
      if (first !== this.first) {
        this.scroller?.scrollTo(0, 0);
        this.next = 0;
      }
      this.first = first;
      this.keep(all);
      // What is pinned takes room from below: the text that was clicked on stays in sight.
      const tall = this.scroller?.clientHeight;
      if (tall !== this.tall) this.textOf(this.anchor)?.scrollIntoView({ block: "nearest" });
      this.tall = tall;
      for (const text of document.querySelectorAll(`${LIST} .corral-text`)) seeCut(text);
      this.say();
      this.highlight();
    });
  }

  highlight() {
    if (!globalThis.Highlight) return; // an older browser
    const searched = document.querySelector("[data-corral-searched]"); // whose matches the server has marked
    const words = new Set(
      searched ? [] : [...document.querySelectorAll("[data-corral-word]")].map((word) => word.textContent),
    );
    const ranges = [];
    for (const text of words.size ? document.querySelectorAll(".corral-sample .corral-text") : []) {
      const node = text.firstChild;
      for (const [start, end] of node ? wordsIn(node.textContent, words) : []) {
        const range = new Range();
        range.setStart(node, start);
        range.setEnd(node, end);
        ranges.push(range);
      }
    }
    CSS.highlights.set("corral-words", new Highlight(...ranges));
  }

  get all() {
    return /** @type {HTMLElement[]} */ ([...document.querySelectorAll(`${LIST} [data-corral-row]`)]);
  }

  get marked() {
    return this.all.filter((text) => this.rows.has(rowOf(text)));
  }

  textOf(row) {
    return this.all.find((text) => rowOf(text) === row);
  }

  get scroller() {
    return document.querySelector(LIST)?.parentElement;
  }

  look(target) {
    this.over = textAt(target);
    this.map.light(this.over?.dataset.corralRow);
  }

  clicked(event) {
    const { map } = this;
    if (!map.data?.interactive || event.target.closest?.(NAME_BUTTON)) return;
    if (event.target.matches?.("[data-corral-word]")) return map.send("word", { word: event.target.textContent });
    const text = textAt(event.target);
    if (!text) return this.isForMarked(event.target) || this.mark([]);
    if (!text.closest(LIST)) return false; // the pinned one itself
    if (event.shiftKey && this.reach(text)) return;
    const row = rowOf(text);
    if (event.ctrlKey || event.metaKey) {
      const others = this.marked.filter((each) => each !== text);
      return this.mark(this.rows.has(row) ? others : [...others, text], row);
    }
    // What is pinned takes room from the list: a second click does that, and where something is, it is what was clicked.
    const again = this.rows.size === 1 && this.rows.has(row);
    const pins = !this.asked && (again || (map.pin.row !== null && map.pin.row !== row));
    this.mark(again && (this.asked || map.pin.row === row) ? [] : [text]);
    if (pins) map.pin.toggle(row);
  }

  // A click on a label, or into the box for a name, is for what is marked.
  isForMarked(target) {
    if (labelOf(target) !== null) return true;
    // What is round the box, too: it may move under the pointer as it gets the focus.
    return Boolean(target.closest?.(".st-key-corral-new, .corral-names")) && !target.closest("button");
  }

  // Whether a question is on show, of a check or a proposal: most keys are answers to it then.
  get asked() {
    return this.map.answers.asked;
  }

  // All from the one that was marked first.
  reach(text) {
    const { all } = this;
    const [from, to] = [all.findIndex((each) => rowOf(each) === this.anchor), all.indexOf(text)];
    if (from < 0 || to < 0) return false;
    this.mark(stretch(all, from, to), this.anchor);
    this.at = rowOf(text);
    return true;
  }

  mark(texts, anchor = texts.length ? rowOf(texts[0]) : null) {
    this.rows = new Set(texts.map(rowOf));
    this.anchor = this.at = anchor;
    this.next = 0;
    this.show();
    this.say();
  }

  show() {
    for (const text of this.all) text.classList.toggle(MARKED, this.rows.has(rowOf(text)));
  }

  // What was marked stays so in a list that was written anew, as long as it is there.
  keep(all) {
    const there = new Set(all.map(rowOf));
    for (const row of this.rows) if (!there.has(row)) this.rows.delete(row);
    this.show();
  }

  // In the line above the list.
  say() {
    const n = this.rows.size;
    const button = /** @type {HTMLElement | null} */ (document.querySelector(NAME_BUTTON));
    if (button) button.dataset.corralMarks = n ? `Label ${n} marked` : "";
    const which = n === 1 ? "This text" : `These ${n}`;
    const keys = !registry.nameBox?.multiLabel ? "a label's key or a name" : this.asked ? "a name" : "Y, O";
    const right = registry.nameBox?.multiLabel ? "" : ", Y is right";
    this.tell(n ? `${which} alone: ${keys}${this.asked ? "" : `${right}, ${OUT} takes out`}, Esc` : "");
  }

  // For a while only: what a key would have been for.
  hint(said) {
    this.tell(said);
    clearTimeout(this.hinted);
    this.hinted = setTimeout(() => this.say(), HINT_MS);
  }

  tell(said) {
    const line = document.querySelector(".st-key-corral-pages");
    if (said && line) speak(said);
    if (said) line?.setAttribute("data-corral-said", said);
    else line?.removeAttribute("data-corral-said");
  }

  // By one up or down, from the one that was marked last.
  step(by, event) {
    const { all } = this;
    const row = textAt(focused())?.dataset.corralRow ?? this.at;
    const at = row === null ? -1 : all.findIndex((text) => rowOf(text) === Number(row));
    const next = all[at < 0 ? Math.min(this.next, all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
    if (!next) return false;
    if (!event.shiftKey || !this.reach(next)) this.mark([next]);
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    return true;
  }

  // A screenful of the list, before the next page of it.
  scroll(by) {
    const list = this.scroller;
    const before = list?.scrollTop;
    list?.scrollBy(0, by * 0.85 * list.clientHeight);
    return list?.scrollTop !== before;
  }

  // Before any other key of the page; whether it was taken.
  pressed(event) {
    const { marked, map } = this;
    const pinned = this.asked ? null : map.pin.row;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) return focused() !== map.stage && (this.step(by, event) || this.scroll(by / 2));
    if (event.shiftKey) return false;
    if ((event.key === "j" || event.key === "k") && this.all.length && !this.asked) return this.scroll(event.key === "j" ? 1 : -1);
    if (event.key === "Enter" && focused()?.matches("[data-corral-word]")) return focused().click() ?? true;
    if (event.key === "Escape" && (marked.length || pinned !== null)) {
      this.mark([]);
      if (pinned !== null) map.pin.toggle(pinned);
      return true;
    }
    const { labels = [], multiLabel = false } = registry.nameBox ?? {};
    const press = this.asked ? null : textPress(event.key, labels, multiLabel);
    const texts = marked.length || press?.what !== "out" || !this.over?.isConnected ? marked : [this.over];
    if (press?.what === "out" && !texts.length && this.all.length)
      this.hint(`${OUT} takes out the text that is marked, or under the pointer: none is`);
    if (!press || !texts.length) return false;
    if (!event.repeat) this.send(press, texts);
    return true;
  }

  take(event) {
    if (!this.map.data?.interactive || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing()) return void this.named(event);
    if (!this.pressed(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  // The arrows go on from there.
  send(press, texts) {
    const { at } = this;
    const place = this.all.findIndex((text) => rowOf(text) === at);
    this.map.send("texts", { ...press, rows: texts.map(rowOf) });
    this.mark([]);
    Object.assign(this, { at, next: Math.max(place, 0) });
  }

  // Enter in the box for a name, or the button beside it: for what is marked, where anything is.
  named(event) {
    const { marked } = this;
    const box = /** @type {HTMLInputElement | null} */ (document.querySelector(NAME_BOX));
    const enter = event.key === "Enter" && !event.isComposing && event.target === box;
    if (!box || !marked.length || !(enter || event.type === "click")) return false;
    registry.nameBox?.choosePressed();
    const name = box.value.trim();
    if (name) this.send({ what: "name", called: name }, marked);
    box.blur();
    event.preventDefault();
    event.stopImmediatePropagation();
    return true;
  }

  // Instead of the label's chip.
  label(id) {
    const { marked } = this;
    if (!marked.length || registry.nameBox?.multiLabel) return false;
    this.send({ what: "label", label: id }, marked);
    return true;
  }
}
