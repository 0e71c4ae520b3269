// @ts-check
// Which rows a lasso or a box holds: marked at once, before the server's answer, which is the truth. Both say the same,
// bit for bit: the test, on the same float32 positions and double corners, is selection/geometry.py's. One module with
// the others.

const MOST_SLABS = 512;

// The edges of a polygon that a ray at some height can meet, by slabs of height: the x, y of one end, then of the other.
/** @type {(corners: Place[]) => {low: number, high: number, scale: number, slabs: Float64Array[]}} */
function edgesOf(corners) {
  const ys = corners.map(({ y }) => y);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const slabs = Array.from({ length: Math.min(MOST_SLABS, 2 * corners.length) }, () => /** @type {number[]} */ ([]));
  const scale = slabs.length / (high - low);
  corners.forEach((corner, i) => {
    const before = corners.at(i - 1);
    if (corner.y === before.y) return;
    const [first, last] = [corner.y, before.y].map((y) => slabOf(y, low, scale, slabs.length)).sort((a, b) => a - b);
    for (let slab = first; slab <= last; slab++) slabs[slab].push(corner.x, corner.y, before.x, before.y);
  });
  return { low, high, scale, slabs: slabs.map((edges) => Float64Array.from(edges)) };
}

// For corners and points alike: a point between two heights is in no slab but theirs and those between.
const slabOf = (y, low, scale, count) => Math.min(count - 1, ((y - low) * scale) | 0);

// A bit a row for those that are inside, by the even-odd rule, and not hidden. No row without a place is.
/** @type {(mode: Mode, corners: Place[], positions: Float32Array, hidden: Mask) => Uint8Array} */
function rowsInside(mode, corners, positions, hidden) {
  const mask = new Uint8Array(Math.ceil(positions.length / 16));
  const mark = mode === "box" ? markInBox : markInLasso;
  mark(mask, corners, positions);
  if (hidden) for (let i = 0; i < mask.length; i++) mask[i] &= ~hidden[i];
  return mask;
}

function markInBox(mask, corners, positions) {
  const [a, b] = [corners[0], corners.at(-1)];
  const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)];
  const [bottom, top] = [Math.min(a.y, b.y), Math.max(a.y, b.y)];
  for (let i = 0, row = 0; i < positions.length; i += 2, row++) {
    const x = positions[i];
    const y = positions[i + 1];
    if (x >= left && x <= right && y >= bottom && y <= top) mask[row >> 3] |= 128 >> (row & 7);
  }
}

// A million points in some tens of milliseconds: hence the plain loops.
function markInLasso(mask, corners, positions) {
  const { low, high, scale, slabs } = edgesOf(corners);
  const last = slabs.length - 1;
  for (let i = 1, row = 0; i < positions.length; i += 2, row++) {
    const y = positions[i];
    if (!(y >= low && y < high)) continue;
    const slab = ((y - low) * scale) | 0; // as `slabOf`
    const edges = slabs[slab > last ? last : slab];
    const x = positions[i - 1];
    let inside = false;
    for (let e = 0; e < edges.length; e += 4) {
      const y1 = edges[e + 1];
      const y2 = edges[e + 3];
      if (y >= y1 === y >= y2) continue;
      const x1 = edges[e];
      if (x < ((edges[e + 2] - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
    }
    if (inside) mask[row >> 3] |= 128 >> (row & 7);
  }
}

// What is selected then.
/** @type {(old: Mask, drawn: Uint8Array, how: string) => Uint8Array} */
function combined(old, drawn, how) {
  const before = old ?? new Uint8Array(drawn.length);
  const combine = {
    add: (byte, i) => before[i] | byte,
    subtract: (byte, i) => before[i] & ~byte,
    intersect: (byte, i) => before[i] & byte,
  }[how];
  return combine ? drawn.map(combine) : drawn;
}

// What the selection will be, until the server has answered.
class Guess {
  constructor(map) {
    this.map = map;
    this.box = element("div", "corral-count", map.stage, { hidden: true });
  }

  // `at`: where in pixels the count goes beside.
  make(corners, how, at) {
    const { map } = this;
    map.selected = combined(map.selected, rowsInside(map.mode, corners, map.positions, map.hidden), how);
    map.order = null;
    map.drawNow();
    this.number = map.events.sent;
    this.box.textContent = `${map.nSelected.toLocaleString("en")} selected`;
    Object.assign(this.box.style, besides(at, map.size));
    this.box.hidden = false;
  }

  // Up to which event the server has answered: what it sent is selected, also where it has refused what was drawn.
  answered(number) {
    if (!this.number || number < this.number) return;
    this.number = 0;
    this.box.hidden = true;
    this.box.textContent = "";
    this.map.take("selection");
  }
}
