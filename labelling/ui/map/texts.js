// @ts-check
// The texts beside the map. A click or the arrows mark one, with shift a range: then a label's key, or a click on its
// chip, is for these alone. What sets the selection apart is marked in them. One module with the others.

const LIST = ".st-key-corral-texts";
const MARKED = "corral-marked";
const A_WORD = /\p{L}[\p{L}\p{N}_'’]*/gu; // as the server counts them

// What a key means for texts, and for which label; null where it means nothing for them.
/** @type {(key: string, labels: Sent[], multiLabel: boolean) => {what: string, label?: number} | null} */
function textPress(key, labels, multiLabel) {
  const pressed = key.toUpperCase();
  if (pressed === "X") return { what: "out" };
  if (pressed === "0") return { what: "clear" };
  if (multiLabel) return { Y: { what: "yes" }, O: { what: "no" } }[pressed] ?? null;
  const label = labels.find((each) => each.key === pressed);
  return label ? { what: "label", label: label.id } : null;
}

// From one place to another, whichever comes first.
const stretch = (all, a, b) => all.slice(Math.min(a, b), Math.max(a, b) + 1);

// Where in a text the words stand, as [start, end].
/** @type {(text: string, words: Set<string>) => [number, number][]} */
function wordsIn(text, words) {
  const found = [...text.matchAll(A_WORD)].filter(([word]) => words.has(word.toLowerCase()));
  return found.map((match) => [match.index, match.index + match[0].length]);
}

const textAt = (target) => /** @type {HTMLElement | null} */ (target?.closest?.("[data-corral-row]"));

class Texts {
  constructor(map) {
    this.map = map;
    this.changes = new MutationObserver(() => this.changed());
  }

  listen(on) {
    for (const name of ["pointerover", "focusin"]) on(document, name, (event) => this.look(event.target));
    on(document, "click", (event) => this.clicked(event));
    on(document, "mousedown", (event) => event.shiftKey && textAt(event.target) && event.preventDefault());
    on(document, "focusin", ({ target }) => this.tabbed && target.closest?.(LIST) && this.mark([textAt(target)]));
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
      const first = this.all[0];
      if (first !== this.first) this.scroller?.scrollTo(0, 0);
      this.first = first;
      // What is pinned takes room from below: the text that was clicked on stays in sight.
      const tall = this.scroller?.clientHeight;
      if (tall !== this.tall && this.anchor?.isConnected) this.anchor.scrollIntoView({ block: "nearest" });
      this.tall = tall;
      for (const text of document.querySelectorAll(`${LIST} .corral-text`))
        text.classList.toggle("corral-cut", text.scrollHeight > text.clientHeight + 2);
      this.say();
      this.highlight();
    });
  }

  highlight() {
    if (!globalThis.Highlight) return; // an older browser
    const words = new Set([...document.querySelectorAll("[data-corral-word]")].map((word) => word.textContent));
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
    return /** @type {HTMLElement[]} */ ([...document.querySelectorAll(`.${MARKED}`)]);
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
    if (!map.data?.interactive) return;
    if (event.target.matches?.("[data-corral-word]")) return map.send("word", { word: event.target.textContent });
    const text = textAt(event.target);
    if (!text) return labelOf(event.target) === null && this.mark([]);
    if (event.shiftKey && this.reach(text)) return;
    this.mark([text]);
    map.pick(Number(text.dataset.corralRow));
  }

  // All from the one that was marked first.
  reach(text) {
    const { all } = this;
    const [from, to] = [all.indexOf(this.anchor), all.indexOf(text)];
    if (from < 0 || to < 0) return false;
    this.mark(stretch(all, from, to), this.anchor);
    return true;
  }

  mark(texts, anchor = texts[0]) {
    for (const text of this.marked) text.classList.remove(MARKED);
    for (const text of texts) text.classList.add(MARKED);
    this.anchor = anchor;
    this.say();
  }

  // In the line above the list, in place of what stands there.
  say() {
    const n = this.marked.length;
    const line = document.querySelector(".st-key-corral-pages");
    if (!line) return;
    const said = `${n === 1 ? "This text" : `These ${n}`} alone: a label's key, 0, X takes out, Esc`;
    if (n) line.setAttribute("data-corral-said", said);
    else line.removeAttribute("data-corral-said");
    if (n) speak(said);
  }

  // By one up or down, from the one that was marked last.
  step(by, event) {
    const { all } = this;
    const at = all.indexOf(/** @type {HTMLElement} */ (textAt(focused())));
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
    if (!next) return false;
    if (!event.shiftKey || !this.reach(next)) this.mark([next]);
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    return true;
  }

  // A screenful of the list, before the next page of it.
  scroll(by) {
    const list = this.scroller;
    if (!list) return false;
    const before = list.scrollTop;
    list.scrollBy(0, by * 0.85 * list.clientHeight);
    return list.scrollTop !== before;
  }

  // Before any other key of the page; whether it was taken.
  pressed(event) {
    const { marked, map } = this;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) return !map.gestures.over && focused() !== map.stage && (this.step(by, event) || this.scroll(by / 2));
    if (event.shiftKey) return false;
    if ((event.key === "j" || event.key === "k") && this.all.length) return this.scroll(event.key === "j" ? 1 : -1);
    if (event.key === "Enter" && focused()?.matches("[data-corral-word]")) return focused().click() ?? true;
    if (event.key === "Escape" && marked.length) return this.mark([]) ?? true;
    const { labels = [], multiLabel = false } = registry.nameBox ?? {};
    const press = textPress(event.key, labels, multiLabel);
    const texts = marked.length || press?.what !== "out" || !this.over?.isConnected ? marked : [this.over];
    if (!press || !texts.length) return false;
    if (!event.repeat) this.send(press, texts);
    return true;
  }

  take(event) {
    if (!this.map.data?.interactive || event.ctrlKey || event.metaKey || event.altKey || typing()) return;
    if (!this.pressed(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  send(press, texts) {
    this.map.send("texts", { ...press, rows: texts.map((text) => Number(text.dataset.corralRow)) });
    this.mark([]);
  }

  // Instead of the label's chip.
  label(id) {
    const { marked } = this;
    if (!marked.length || registry.nameBox?.multiLabel) return false;
    this.send({ what: "label", label: id }, marked);
    return true;
  }
}
