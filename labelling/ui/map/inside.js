// @ts-check
// Which rows a lasso or a box holds: marked at once, before the server's answer, which is the truth. Both say the same,
// bit for bit: the test, on the same float32 positions and double corners, is selection/geometry.py's. One module with
// the others.

// A bit a row for those that are inside, by the even-odd rule, and not hidden. No row without a place is.
/** @type {(mode: Mode, corners: Place[], positions: Float32Array, hidden: Mask, grid: Grid) => Uint8Array} */
function rowsInside(mode, corners, positions, hidden, grid) {
  const mask = new Uint8Array(Math.ceil(positions.length / 16));
  if (mode === "box") markInBox(mask, corners, positions);
  else markInLasso(mask, corners, positions, grid);
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

// The edges of a polygon by the lines of the grid that they meet, each as the x, y of one end, then of the other.
/** @type {(corners: Place[], grid: Grid) => number[][]} */
function edgesByLine(corners, { line }) {
  const lines = [];
  corners.forEach(({ x, y }, i) => {
    const before = corners.at(i - 1);
    const last = line(Math.max(y, before.y));
    for (let l = line(Math.min(y, before.y)); l <= last; l++) (lines[l] ??= []).push(x, y, before.x, before.y);
  });
  return lines;
}

// Only in the cells that an edge comes near each point is tested. In a line no edge parts one point from the next
// between two such cells: what the first of them is, all are. A million points in some milliseconds: hence plain loops.
/** @type {(mask: Uint8Array, corners: Place[], positions: Float32Array, grid: Grid) => void} */
function markInLasso(mask, corners, positions, grid) {
  const { side, start, rows } = grid;
  const near = new Uint8Array(side);
  edgesByLine(corners, grid).forEach((edges, l) => {
    markNear(near.fill(0), edges, l, grid);
    for (let c = 0; c < side; ) {
      const first = start[l * side + c];
      const tested = near[c];
      while (c < side && near[c] === tested) c++;
      const end = start[l * side + c];
      if (!tested && (first === end || !isInside(rows[first], edges, positions))) continue;
      for (let k = first; k < end; k++) {
        const row = rows[k];
        if (!tested || isInside(row, edges, positions)) mask[row >> 3] |= 128 >> (row & 7);
      }
    }
  });
}

// The cells of a line that an edge goes through, with one more on each side and a little above and below: what is
// rounded here then decides nothing.
function markNear(near, edges, l, { side, column, foot }) {
  const room = (foot(1) - foot(0)) / 64;
  const low = l === 0 ? -Infinity : foot(l) - room;
  const high = l === side - 1 ? Infinity : foot(l + 1) + room;
  for (let e = 0; e < edges.length; e += 4) {
    const [x1, y1, x2, y2] = [edges[e], edges[e + 1], edges[e + 2], edges[e + 3]];
    const at = (x, y) => (y >= low && y <= high ? x : x1 + ((x2 - x1) * (Math.min(high, Math.max(low, y)) - y1)) / (y2 - y1));
    const [a, b] = [at(x1, y1), at(x2, y2)];
    near.fill(1, Math.max(0, column(Math.min(a, b)) - 1), column(Math.max(a, b)) + 2);
  }
}

function isInside(row, edges, positions) {
  const x = positions[2 * row];
  const y = positions[2 * row + 1];
  let inside = false;
  for (let e = 0; e < edges.length; e += 4) {
    const y1 = edges[e + 1];
    const y2 = edges[e + 3];
    if (y >= y1 === y >= y2) continue;
    const x1 = edges[e];
    if (x < ((edges[e + 2] - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
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

  // What the end of a lasso will need, while it is drawn.
  prepare() {
    setTimeout(() => {
      const { map } = this;
      if (map.order && map.cells) map.painter.prepare(map.range, map.pointSize());
    });
  }

  // `at`: where in pixels the count goes beside.
  make(corners, how, at) {
    const { map } = this;
    const inside = rowsInside(map.mode, corners, map.positions, map.hidden, map.cells);
    map.marks.select(combined(map.marks.selected, inside, how));
    this.number = map.events.sent;
    this.box.textContent = `${number.format(map.marks.nSelected)} selected`;
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
