// @ts-check
// The words on the map: the names of its regions, more of them as one zooms in. A click selects a region's points.
// One module with the others; names are only ever set as textContent.

const HIDE_WORDS = "corral-no-words"; // where the browser remembers that a person switched them off
const LEVELS = [1.8, 4.2]; // how far one has zoomed in where the next level's names take over
const WORD = { width: 6.9, height: 19, pad: 14 }; // of a name, in pixels, as map.css draws it

class Regions {
  constructor(map) {
    this.map = map;
    this.root = element("div", "corral-regions", map.stage);
    this.names = [];
  }

  show(regions) {
    this.root.replaceChildren();
    this.names = regions.map(({ name, x, y, level, rows }, place) => {
      const word = element("button", "corral-region", this.root, { hidden: true, tabIndex: -1 });
      word.textContent = name;
      word.title = `Select these ${rows.toLocaleString("en")} texts; with shift, too (W hides the words)`;
      // A lasso may begin and end on a word: it was no click then.
      word.onclick = (event) =>
        performance.now() - (this.map.drewAt ?? -1e9) > 100 &&
        this.map.send("region", { place, what: event.shiftKey ? "add" : "new", map: this.map.drawnOn });
      word.onwheel = (event) => this.passOn(event);
      return { word, x, y, level, width: name.length * WORD.width + WORD.pad };
    });
    this.draw();
  }

  // A wheel over a word zooms, as it does beside it: plotly's layer below is told of it.
  passOn(event) {
    event.preventDefault();
    const below = document.elementsFromPoint(event.clientX, event.clientY).find((at) => this.map.chart.contains(at));
    below?.dispatchEvent(new WheelEvent("wheel", event));
  }

  toggle() {
    if (localStorage.getItem(HIDE_WORDS)) localStorage.removeItem(HIDE_WORDS);
    else localStorage.setItem(HIDE_WORDS, "yes");
    this.draw();
  }

  draw() {
    const { map } = this;
    const whole = map.positions && map.whole;
    const off = !whole || map.travel.t < 1 || localStorage.getItem(HIDE_WORDS) !== null || !map.data?.interactive;
    this.root.hidden = off;
    if (off) return;
    const zoom = (whole.x[1] - whole.x[0]) / (map.range.x[1] - map.range.x[0]);
    const level = LEVELS.filter((from) => zoom >= from).length;
    const { width, height } = map.size;
    for (const name of this.names) name.word.hidden = true;
    for (const name of placed(this.names, level, map.range, width, height)) {
      name.word.hidden = false;
      name.word.style.left = `${name.left}px`;
      name.word.style.top = `${name.top}px`;
    }
  }
}

// Which names of a level are drawn and where their middles are, in pixels: those before go first, none lies over another
// or beyond the edge.
/** @type {<Name extends {x: number, y: number, level: number, width: number}>(names: Name[], level: number, view: View, width: number, height: number) => (Name & {left: number, top: number})[]} */
function placed(names, level, { x: [x0, x1], y: [y0, y1] }, width, height) {
  const drawn = [];
  for (const name of names) {
    if (name.level !== level) continue;
    const left = ((name.x - x0) / (x1 - x0)) * width;
    const top = ((y1 - name.y) / (y1 - y0)) * height;
    if (left < 0 || left > width || top < 0 || top > height) continue;
    const inside = Math.max(name.width / 2, Math.min(width - name.width / 2, left));
    const apart = (other) =>
      Math.abs(other.left - inside) > (other.width + name.width) / 2 || Math.abs(other.top - top) > WORD.height;
    if (drawn.every(apart)) drawn.push({ ...name, left: inside, top });
  }
  return drawn;
}
