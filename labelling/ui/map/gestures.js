// @ts-check
// What the mouse does on the map: a lasso, a click on a point, a shift of the view, a double click. One module with the
// others.

const DOUBLE_CLICK_MS = 260;
const FRAME = ".st-key-corral-stage"; // the map with the line of buttons above it
const BUTTONS = "button:enabled:not(.corral-region), a, input, label, .corral-legend"; // where no lasso begins

class Gestures {
  constructor(map) {
    this.map = map;
    this.over = false; // whether the pointer is on the stage
  }

  listen(on) {
    const { map } = this;
    on(map.stage, "pointermove", (event) => map.hover.move(event));
    on(map.host.closest(FRAME) ?? map.stage, "pointerdown", (event) => this.pressed(event), { capture: true });
    const follow = (event) => {
      if (!map.outline.path) return;
      // Between two frames the browser keeps the places back: on a busy machine a curve would become a few corners.
      const places = event.getCoalescedEvents?.() ?? [];
      map.outline.follow((places.length ? places : [event]).map((place) => map.at(place)));
      // Whatever it goes over from here on, no button is pressed at its end.
      if (map.mode && map.outline.moved) map.stage.setPointerCapture(event.pointerId);
    };
    on(window, "pointermove", follow, { capture: true });
    on(window, "pointerup", (event) => this.released(event), { capture: true });
    on(window, "pointercancel", () => map.outline.end());
    // Plotly lets no dblclick through; its second press still counts. The wait lets plotly finish its own click.
    const again = (event) => {
      if (this.panning || (map.mode && map.outline.path)) event.stopPropagation();
      if (!event.target.closest?.(BUTTONS)) event.preventDefault(); // the map has the focus only by the keyboard
      if (event.detail === 2) setTimeout(() => map.goHome(), 200);
    };
    on(map.stage, "mousedown", again, { capture: true });
    on(map.stage, "pointerenter", () => (this.over = true));
    on(map.stage, "pointerleave", () => {
      this.over = false;
      map.hover.end();
    });
    on(document, "keyup", (event) => event.key === " " && this.holdSpace(false));
    on(window, "blur", () => this.holdSpace(false));
  }

  pressed(event) {
    const { map } = this;
    if (event.target.closest?.(BUTTONS)) return;
    focused()?.blur(); // from here on the keys are for the map, not for the box typed in before
    map.travel.finish();
    map.hover.end();
    this.how = howOf(event);
    if (event.button === 0 && !this.space) map.outline.begin(map.at(event));
    if (event.button === 1 || (event.button === 0 && this.space)) this.pan(event);
  }

  released(event) {
    const { map } = this;
    const path = map.outline.end();
    if (!path) return;
    clearTimeout(this.clicking); // a second click shows all instead
    if (path.length > 1) {
      map.drewAt = performance.now();
      return map.drawn(path, this.how);
    }
    if (event.target.closest?.(".corral-region")) return; // its own click does it
    const row = map.hover.nearest(path[0]);
    if (row >= 0 && event.detail < 2) this.clicking = setTimeout(() => map.pin.toggle(row), DOUBLE_CLICK_MS);
  }

  pan(event) {
    event.preventDefault();
    event.stopPropagation();
    this.panning = true;
    const { map } = this;
    const box = map.stage.getBoundingClientRect();
    const from = structuredClone(map.range);
    const moves = new AbortController();
    const follow = (now) => {
      const right = (now.clientX - event.clientX) / box.width;
      const down = (now.clientY - event.clientY) / box.height;
      map.lookAt(moved(from, -right, down));
    };
    const end = () => {
      moves.abort();
      this.panning = false;
    };
    addEventListener("pointermove", follow, { signal: moves.signal });
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end, { signal: moves.signal });
  }

  holdSpace(held) {
    this.space = held;
    this.map.stage.classList.toggle("corral-panning", held);
  }
}

// What a lasso does to the selection, by the keys that are held.
/** @type {(event: {shiftKey: boolean, altKey: boolean}) => "new" | "add" | "subtract" | "intersect"} */
const howOf = ({ shiftKey, altKey }) => (shiftKey ? (altKey ? "intersect" : "add") : altKey ? "subtract" : "new");
