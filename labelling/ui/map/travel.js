// @ts-check
// From one map to the next: the points travel there, or, where that would stutter, one picture fades into the other.
// A bar under the map plays it again, stops it anywhere, and switches it off. One module with the others.

const TRAVEL_MS = 900;
const FADE_MS = 500;
const ANIMATE = "corral-animate"; // where the browser remembers that a person switched the animation off

class Travel {
  constructor(map) {
    this.map = map;
    this.t = 1; // 0: the map before, 1: the map as it is now; between them the points are under way
    this.bar = element("div", "corral-travel", map.stage, { hidden: true });
    this.button = element("button", "corral-travel-play", this.bar);
    this.button.onclick = () => (this.playing ? this.pause() : this.play());
    element("span", "", this.bar).textContent = "before";
    this.slider = element("input", "", this.bar, { type: "range", min: 0, max: 1, step: 0.01, value: 1 });
    this.slider.ariaLabel = "Between the map before and the map now";
    this.slider.oninput = () => {
      this.pause();
      this.show(Number(this.slider.value));
    };
    element("span", "", this.bar).textContent = "now";
    const label = element("label", "", this.bar, { title: "Let the points travel when the map changes" });
    this.wanted = element("input", "", label, { type: "checkbox", checked: this.animated });
    this.wanted.onchange = () => localStorage.setItem(ANIMATE, this.wanted.checked ? "yes" : "no");
    element("span", "", label).textContent = "animate";
    this.mark();
  }

  get animated() {
    const chosen = localStorage.getItem(ANIMATE);
    return chosen ? chosen === "yes" : !matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  get eased() {
    return eased(this.t);
  }

  // `before` holds the positions and the range that were on show, null where there were none.
  begin(before, target) {
    this.pause();
    const { map } = this;
    this.before = before;
    this.target = target;
    this.bar.hidden = !before || !map.data?.interactive;
    if (!before || !this.animated) return this.arrive();
    if (map.painter.slow) return this.fade();
    this.load();
    this.play();
  }

  load() {
    if (this.loaded === this.before) return;
    this.loaded = this.before;
    const { positions } = this.map;
    this.map.painter.positions(departures(this.before.positions, positions), positions);
  }

  fade() {
    const { map } = this;
    const { ghost, canvas, painter } = map;
    painter.positions(this.before.positions, this.before.positions);
    if (painter.order) painter.draw(this.before.range, 1, map.pointSize(), false);
    ghost.getContext("2d").clearRect(0, 0, ghost.width, ghost.height);
    ghost.getContext("2d").drawImage(canvas, 0, 0); // in the same task, while the drawing is still there
    painter.positions(map.positions, map.positions);
    this.loaded = null;
    ghost.animate([{ opacity: 1 }, { opacity: 0 }], { duration: FADE_MS });
    canvas.animate([{ opacity: 0 }, { opacity: 1 }], { duration: FADE_MS });
    this.arrive();
  }

  play() {
    if (!this.before) return;
    if (this.map.painter.slow) return this.fade();
    this.load();
    const begun = performance.now() - (this.t < 1 ? this.t * TRAVEL_MS : 0);
    const run = (this.playing = {});
    this.mark();
    const step = (now) => {
      if (this.playing !== run || this.map.destroyed) return;
      const part = Math.max(0, Math.min(1, (now - begun) / TRAVEL_MS));
      if (part === 1) return this.arrive();
      this.show(part);
      requestAnimationFrame(step);
    };
    this.show(this.t < 1 ? this.t : 0);
    requestAnimationFrame(step);
  }

  pause() {
    this.playing = null;
    this.mark();
  }

  show(part) {
    const { map } = this;
    if (map.painter.slow) return; // the slider has nothing to show between two pictures
    this.load();
    map.hover.end();
    this.t = part;
    this.slider.value = part;
    Object.assign(map.range, between(this.before.range, this.target, this.eased));
    map.draw();
  }

  arrive() {
    this.pause();
    this.t = 1;
    this.slider.value = 1;
    this.map.home({ x: [...this.target.x], y: [...this.target.y] });
  }

  // What is drawn or pointed at is meant on the map as it is now.
  finish() {
    if (this.t < 1) this.arrive();
  }

  mark() {
    this.button.textContent = this.playing ? "❚❚" : "▶";
    this.button.title = this.button.ariaLabel = this.playing ? "Stop here" : "Play the change of the map again";
  }
}

// From 0 to 1, slow at both ends.
/** @type {(t: number) => number} */
const eased = (t) => t * t * (3 - 2 * t);

// Points that had no position before stand where they are now from the start.
/** @type {(before: Float32Array, now: Float32Array) => Float32Array} */
const departures = (before, now) => before.map((value, i) => (Number.isNaN(value) ? now[i] : value));
