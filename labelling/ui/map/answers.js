// @ts-check
// The keys and clicks that answer what is asked beside the map: of a check, of a proposal. They go to the server as events,
// each with the question that was on show when it was pressed: none is lost while the server is busy, and none is taken
// for a question that nobody has seen yet. One module with the others.

const PANEL = ".st-key-corral-panel";

// The name of the key among those that a question takes; null where it takes none of that name.
/** @type {(event: {key: string, shiftKey: boolean}, keys: string) => string | null} */
function answerKey({ key, shiftKey }, keys) {
  const name = key.length === 1 ? key.toUpperCase() : key;
  if (shiftKey && !/^\d$/.test(name)) return null; // on some keyboards a digit needs it
  return keys.split(" ").includes(name) ? name : null;
}

// The key that a button stands for, by the classes round it; null where it stands for none. `buttons` has the name of each
// key's button, in the order of `keys`.
/** @type {(classes: string, keys: string, buttons: string) => string | null} */
function keyOfButton(classes, keys, buttons) {
  const name = /(?:^|\s)st-key-(\S+)/.exec(classes)?.[1];
  return (name && keys.split(" ")[buttons.split(" ").indexOf(name)]) || null;
}

class Answers {
  constructor(map) {
    this.map = map;
    /** @type {string | undefined} */
    this.first = undefined; // the question on show when the button went down, at the first of some quick clicks
  }

  listen(on) {
    on(window, "keydown", (event) => this.take(event) || this.named(event), { capture: true });
    on(window, "mousedown", ({ detail }) => detail < 2 && (this.first = this.asked?.corralAsked), { capture: true });
    on(window, "click", (event) => this.clicked(event), { capture: true });
  }

  // Of the question on show; null while nothing is asked.
  get asked() {
    return /** @type {HTMLElement | null} */ (document.querySelector("[data-corral-asked]"))?.dataset ?? null;
  }

  take(event) {
    const { asked, map } = this;
    if (!asked || !map.data?.interactive || event.ctrlKey || event.metaKey || event.altKey || typing()) return;
    const key = answerKey(event, asked.corralKeys ?? "");
    if (!key || (key === "Enter" && focused()?.matches("button, a, [role=button]"))) return; // which it presses
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.repeat) map.send("answer", { of: asked.corralAsked, key });
    return true;
  }

  // A button of the panel, as its key. The second of two quick clicks is for what the first one met: where another
  // question, or none, has come under the pointer meanwhile, it does nothing.
  clicked(event) {
    const { asked, map } = this;
    const button = event.target.closest?.(`${PANEL} button`);
    if (!button || !map.data?.interactive) return;
    const wasAnother = this.wasAnother(event);
    const around = button.closest("[class*='st-key-']")?.className ?? "";
    const key = asked && keyOfButton(around, asked.corralKeys ?? "", asked.corralButtons ?? "");
    const box = asked && button.closest("[data-testid=stForm]")?.querySelector(NAME_BOX);
    if (!wasAnother && !key && !box) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (wasAnother) return;
    if (key) map.send("answer", { of: asked.corralAsked, key });
    else this.name(box);
  }

  // Whether a click began on another question than the one on show, or on none; one without the mouse did not.
  wasAnother({ detail }) {
    return detail > 0 && this.first !== this.asked?.corralAsked;
  }

  // A label's chip, instead of what it does by itself; whether it was taken.
  label(id) {
    const { asked } = this;
    if (!asked || registry.nameBox?.multiLabel) return false;
    this.map.send("answer", { of: asked.corralAsked, key: "label", label: id });
    return true;
  }

  // Enter in the box for a name.
  named(event) {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches?.(NAME_BOX)) return;
    if (!this.asked || !this.map.data?.interactive) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    registry.nameBox?.choosePressed();
    this.name(event.target);
    event.target.blur();
  }

  name(box) {
    this.map.send("answer", { of: this.asked.corralAsked, key: "name", called: box.value.trim() });
  }
}
