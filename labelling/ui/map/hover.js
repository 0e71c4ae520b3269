// @ts-check
// What the pointer is on: the text and label of a point, asked for row by row, and its row in the table of the
// selection. One module with the others.

const WAIT_MS = 60; // keeps a pointer that sweeps across the map from asking for every text on its way

class Hover {
  constructor(map) {
    this.map = map;
    this.box = element("div", "corral-tooltip", map.stage);
    this.label = element("div", "corral-tooltip-label", this.box);
    this.text = element("div", "corral-tooltip-text", this.box);
    this.texts = new Map();
    this.row = -1;
  }

  move(event) {
    const { map } = this;
    if (event.buttons || map.travel.t < 1 || !map.positions) return;
    if (event.target.closest?.(".corral-travel")) return this.end();
    const at = map.at(event);
    const row = this.nearest(at);
    if (row === this.row) return this.place(at);
    this.row = row;
    lightTable(row);
    this.box.classList.remove("corral-shown");
    clearTimeout(this.asking);
    if (row < 0) return;
    this.place(at);
    const known = this.texts.get(row);
    if (known) this.fill(known);
    else this.asking = setTimeout(() => registry.hovers.get(map.key)?.({ row, seq: map.data.seq }), WAIT_MS);
  }

  // The row of the point at a place in pixels, -1 where there is none.
  nearest(at) {
    const { map } = this;
    const reach = Math.max(6, pointWidth(map.count, map.size) / 2 + 3);
    return nearestRow(at, map.cells, map.positions, map.range, map.size, reach, (row) => map.isHidden(row));
  }

  end() {
    clearTimeout(this.asking);
    this.row = -1;
    lightTable(-1);
    this.box.classList.remove("corral-shown");
  }

  // The answer of the server.
  take(data) {
    if (data.row === null || data.row === undefined) return;
    this.texts.set(data.row, data);
    if (data.row === this.row) this.fill(data);
  }

  // What was shown of a row before action `seq` may have changed.
  forget(seq) {
    if (this.seq !== seq) this.texts.clear();
    this.seq = seq;
  }

  fill({ text, label, code }) {
    this.text.textContent = text;
    this.label.textContent = label ?? "unlabelled";
    const colour = this.map.data.palette[code]?.colour;
    this.label.style.setProperty("--corral-colour", colour ?? this.map.painter.quiet);
    this.box.classList.add("corral-shown");
  }

  place(at) {
    Object.assign(this.box.style, besides(at, this.map.size));
  }
}

function lightTable(row) {
  for (const lit of document.querySelectorAll(".corral-lit")) lit.classList.remove("corral-lit");
  if (row >= 0) document.querySelector(`[data-corral-row="${row}"]`)?.classList.add("corral-lit");
}

// Where the tooltip goes, as CSS: towards the middle of the stage, so that it has room.
/** @type {(at: Place, size: Size) => {left: string, right: string, top: string, bottom: string}} */
function besides(at, { width, height }) {
  const right = at.x > width / 2;
  const low = at.y > height / 2;
  return {
    left: right ? "auto" : `${at.x + 14}px`,
    right: right ? `${width - at.x + 14}px` : "auto",
    top: low ? "auto" : `${at.y + 14}px`,
    bottom: low ? `${height - at.y + 14}px` : "auto",
  };
}
