// @ts-check
// Labels without a key of their own are given by three keys: a point, then the two that stand on the label's chip. What
// is pressed after the point is for this alone. One module with the others; names are only ever set as textContent.

const PATIENCE_MS = 4000; // for the next key

// What the keys pressed so far mean: the labels that they may still become, and the one that they are.
/** @type {(labels: Sent[], pressed: string) => {open: Sent[], meant: Sent | undefined}} */
function meantBy(labels, pressed) {
  const open = labels.filter(({ code }) => code?.startsWith(pressed));
  return { open, meant: open.find(({ code }) => code === pressed) };
}

// What was pressed after the point, null while it was not: of the page, whatever map is drawn anew meanwhile.
/** @type {string | null} */
let strokesSoFar = null;
let strokesWaiting = 0;

class Strokes {
  constructor(map) {
    this.map = map;
    this.hint = element("div", "corral-strokes", map.stage, { role: "status", hidden: true });
  }

  get pressed() {
    return strokesSoFar;
  }

  set pressed(keys) {
    strokesSoFar = keys;
  }

  begin() {
    this.pressed = "";
    this.show();
  }

  end() {
    clearTimeout(strokesWaiting);
    this.pressed = null;
    this.hint.hidden = true;
  }

  // Before any other key of the page.
  take(event) {
    if (this.pressed === null || /^(Shift|CapsLock)$/.test(event.key)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return this.end();
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.repeat) return;
    if (!/^[a-z0-9]$/i.test(event.key)) return this.end();
    this.pressed += event.key.toLowerCase();
    const { meant } = meantBy(registry.nameBox?.labels ?? [], this.pressed);
    if (!meant) return this.show();
    this.end();
    if (this.map.texts.label(meant.id)) return;
    const chip = /** @type {HTMLElement} */ (document.querySelector(`.st-key-label-${meant.id} button`));
    if (chip) chip.click();
    else if (!this.map.answers.label(meant.id)) this.map.texts.hint(`${meant.name} is not on show: nothing was labelled`);
  }

  show() {
    const { open } = meantBy(registry.nameBox?.labels ?? [], this.pressed);
    const said = open.map(({ code, name }) => `${code} ${name}`).join(" · ");
    this.hint.textContent = open.length ? `. ${this.pressed}…   ${said}` : `No label has the keys . ${this.pressed}`;
    this.hint.hidden = false;
    clearTimeout(strokesWaiting);
    strokesWaiting = setTimeout(() => this.end(), PATIENCE_MS);
    if (this.pressed.length > 1) this.pressed = null; // the page's keys are its own again; the hint can still be read
  }
}
