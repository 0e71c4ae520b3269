// @ts-check
// The labels' chips beside the map are its legend, where the colours are the labels': under the pointer or with the
// focus, one lights its points up; with a modifier, a press selects or hides them. One module with the others.

const PAUSE_MS = 60; // on a chip, before it lights anything up: the pointer passes over many

// As titles, which cover no other chip for as long as the pointer rests.
const HELP_SELECT = "Ctrl+click selects its points, Shift+click adds them";
const HELP_CHIP = `${HELP_SELECT}, Alt+click hides or shows them`;
const UNLABELLED_HELP = "A click selects these points, Shift+click adds them, Alt+click hides or shows them";

// The label whose chip this is a part of: its id, -1 for unlabelled, null elsewhere.
function labelOf(target) {
  const chip = target?.closest?.('[class*="st-key-label-"]');
  const id = chip && /(?:^|\s)st-key-label-(-?\d+)(?:\s|$)/.exec(chip.className);
  return id ? Number(id[1]) : null;
}

// What a press on a chip with a modifier is for.
/** @type {(event: {altKey: boolean, shiftKey: boolean, ctrlKey: boolean, metaKey: boolean}) => string | null} */
function chipPress({ altKey, shiftKey, ctrlKey, metaKey }) {
  return altKey ? "toggle" : shiftKey ? "add" : ctrlKey || metaKey ? "new" : null;
}

class Chips {
  constructor(map) {
    this.map = map;
    /** @type {number | null} */
    this.label = null; // the one that is lit up
    this.chip = null;
    this.at = ""; // where the pointer was last
  }

  listen(on) {
    // A chip that comes under a pointer at rest is not pointed at.
    on(document, "pointermove", ({ target, screenX, screenY }) => {
      if (!this.at) this.look(target); // the first one: of a page that was just opened
      this.at = [screenX, screenY].join();
    });
    on(document, "pointerover", ({ target, screenX, screenY }) =>
      this.look(this.at && this.at !== [screenX, screenY].join() ? target : null),
    );
    on(document, "focusin", (event) => this.look(event.target));
    on(document, "focusout", (event) => event.relatedTarget || this.look(null));
    on(document.documentElement, "pointerleave", () => this.look(null));
    on(window, "click", (event) => this.pressed(event), { capture: true });
    // Not every browser makes a click of Enter with Alt.
    on(window, "keydown", (event) => event.key === "Enter" && !event.repeat && this.pressed(event), { capture: true });
  }

  look(target) {
    const label = this.map.data?.interactive ? labelOf(target) : null;
    this.chip = target;
    const button = label === null ? null : target.closest("button");
    if (button) button.title = label === -1 ? UNLABELLED_HELP : (this.map.data.chips ? HELP_CHIP : HELP_SELECT) + keysOf(label);
    clearTimeout(this.waiting);
    if (label === this.label) return;
    this.waiting = setTimeout(() => this.light(label), label === null ? 0 : PAUSE_MS);
  }

  // A chip that has gone from the page is left without a word.
  check() {
    if (this.label !== null && !this.chip?.isConnected) this.light(null);
  }

  light(label) {
    if (label === this.label) return;
    this.label = label;
    this.map.marks.fresh = false;
    this.map.draw();
  }

  // A bit a row for those that are lit up; null while none are to be.
  get mask() {
    const { map, label } = this;
    const isOf = label === null ? null : bearing(label, map.labels, map.codes, map.data.chips ? map.data.legend : []);
    if (!isOf) return null;
    const mask = new Uint8Array(Math.ceil(map.count / 8));
    for (let row = 0; row < map.count; row++) if (isOf(row)) mask[row >> 3] |= 128 >> (row & 7);
    return mask;
  }

  // To what is marked, or to what is asked; else the chip does it by itself.
  given(event, label) {
    const { answers, texts } = this.map;
    return texts.label(label) || answers.wasAnother(event) || answers.label(label);
  }

  pressed(event) {
    const label = labelOf(event.target);
    if (label === null || !this.map.data?.interactive) return;
    const what = chipPress(event);
    if (!what && (label < 0 || event.type !== "click" || !this.given(event, label))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (what) this.map.send("chip", { label, what });
  }
}

// A label's keys after the point, in words.
function keysOf(label) {
  const code = registry.nameBox?.labels.find(({ id }) => id === label)?.code;
  return code ? `\nIts keys, one after the other: . ${[...code].join(" ")}` : "";
}

// Whether a row bears the label: by the labels that were sent, or by the colours where these tell as much.
/** @type {(label: number, labels: Uint16Array | null, codes: Uint8Array, legend: {group: number, code: number}[]) => ((row: number) => boolean) | null} */
function bearing(label, labels, codes, legend) {
  if (labels) return (row) => labels[row] === label + 1;
  const entry = legend.find(({ group }) => group === label);
  return entry ? (row) => codes[row] === entry.code : null;
}
