// @ts-check
// Keys that come while the server still works on the step before: of a button that can't be pressed yet, or of a step
// from one selection to another, which is taken from what that will be. They wait, and are then pressed in order; a key
// whose button can't be pressed when the server is at rest meant nothing. One module with the others.

const LOOK_MS = 40; // how often, while a key waits
const AT_REST = 3; // looks at which the server had nothing to do: between two runs it rests for one
const UNDER_WAY_MS = 150; // from a press, until the page says that the server is busy
const STEPS = ".st-key-corral-steps";

// What is to be done with the first key that waits.
/** @type {(state: {pressable: boolean, rested: number}) => "press" | "wait" | "drop"} */
const nextStep = ({ pressable, rested }) => (pressable ? "press" : rested < AT_REST ? "wait" : "drop");

// The button whose key this is, as it says itself.
function buttonOf(key) {
  const name = key === "Escape" ? "Esc" : key.length === 1 ? key.toUpperCase() : key;
  const shown = /** @type {NodeListOf<HTMLButtonElement>} */ (
    document.querySelectorAll(`button:has(kbd[aria-label="Shortcut ${CSS.escape(name)}"])`)
  );
  return [...shown].find((button) => button.offsetParent !== null);
}

class Ahead {
  constructor(map) {
    this.map = map;
    /** @type {string[]} */
    this.keys = [];
    this.rested = 0;
    this.pressedAt = -Infinity;
  }

  get busy() {
    return serverIsBusy() || performance.now() < this.pressedAt + UNDER_WAY_MS;
  }

  listen(on) {
    on(window, "keydown", (event) => this.take(event), { capture: true });
  }

  take(event) {
    if (!this.map.data?.interactive || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (typing() || this.map.answers.asked || /^(Shift|Tab| )$/.test(event.key)) return;
    const button = buttonOf(event.key);
    if (!button) return;
    const waits = this.busy && (button.disabled || Boolean(button.closest(STEPS)));
    if (!this.keys.length && !waits) return void (this.pressedAt = performance.now());
    event.preventDefault();
    event.stopImmediatePropagation();
    // A label would be for a selection that nobody has seen yet.
    const unseen = !button.closest(STEPS) && this.keys.some((key) => buttonOf(key)?.closest(STEPS));
    if (event.repeat) return;
    if (unseen) return this.map.texts.hint(`${event.key} came before the new selection was here: look at it, and press again`);
    this.keys.push(event.key);
    if (this.keys.length === 1) this.look();
  }

  look() {
    clearTimeout(this.looking);
    if (this.map.answers.asked) this.keys = []; // they were pressed before it was asked
    if (!this.keys.length || this.map.destroyed) return;
    const button = buttonOf(this.keys[0]);
    this.rested = this.busy ? 0 : this.rested + 1;
    const step = nextStep({ pressable: this.rested > 0 && button?.disabled === false, rested: this.rested });
    if (step === "press") {
      this.keys.shift();
      this.pressedAt = performance.now();
      button?.click();
    } else if (step === "drop") this.keys.shift();
    if (step !== "wait") this.rested = 0;
    this.looking = setTimeout(() => this.look(), LOOK_MS);
  }
}
