// @ts-check
// The points of the map: which are drawn in what order, and which one is at a place. One module with the others.

const COARSE_POINTS = 120_000; // of all, an even sample, while the map moves and they take too long

// Of a mask that came as a bit a row.
/** @type {(bytes: Uint8Array, row: number) => number} */
const bit = (bytes, row) => (bytes[row >> 3] >> (7 - (row & 7))) & 1;

// Which rows are drawn, in what order: the quiet ones, then the coloured. Hidden ones and those without a position are
// left out. What is marked is drawn on top of them.
/** @type {(positions: Float32Array, codes: Uint8Array, hidden: Mask) => Order} */
function drawingOrder(positions, codes, hidden) {
  const n = positions.length / 2;
  const counts = [0, 0, 0];
  const part = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    if (Number.isNaN(positions[2 * i]) || (hidden && bit(hidden, i))) part[i] = 2;
    else part[i] = codes[i] ? 1 : 0;
    counts[part[i]]++;
  }
  const rows = new Uint32Array(counts[0] + counts[1]);
  const next = [0, counts[0]];
  for (let i = 0; i < n; i++) if (part[i] < 2) rows[next[part[i]]++] = i;
  return { rows, ends: [counts[0], rows.length] };
}

// Rows by cell, as one sorted array and the place where each cell begins.
/** @type {(positions: Float32Array, view: View) => Grid} */
function makeGrid(positions, { x: [x0, x1], y: [y0, y1] }) {
  const n = positions.length / 2;
  const side = Math.max(1, Math.min(512, Math.ceil(Math.sqrt(n / 2))));
  const column = (x) => Math.max(0, Math.min(side - 1, Math.floor(((x - x0) / (x1 - x0)) * side)));
  const line = (y) => Math.max(0, Math.min(side - 1, Math.floor(((y - y0) / (y1 - y0)) * side)));
  const start = new Uint32Array(side * side + 1);
  const cell = new Int32Array(n).fill(-1);
  for (let i = 0; i < n; i++) {
    if (Number.isNaN(positions[2 * i])) continue;
    cell[i] = line(positions[2 * i + 1]) * side + column(positions[2 * i]);
    start[cell[i] + 1]++;
  }
  for (let c = 0; c < side * side; c++) start[c + 1] += start[c];
  const next = start.slice();
  const rows = new Uint32Array(start[side * side]);
  for (let i = 0; i < n; i++) if (cell[i] >= 0) rows[next[cell[i]]++] = i;
  const near = (left, right, bottom, top, visit) => {
    for (let l = line(bottom); l <= line(top); l++) {
      for (let k = start[l * side + column(left)]; k < start[l * side + column(right) + 1]; k++) visit(rows[k]);
    }
  };
  const foot = (l) => y0 + (l / side) * (y1 - y0); // about: where a line begins
  return { near, side, start, rows, column, line, foot };
}

// The row of the nearest point within `reach` pixels of a place on the stage, -1 where there is none.
/** @type {(at: Place, grid: Grid, positions: Float32Array, view: View, size: Size, reach: number, isHidden: (row: number) => boolean) => number} */
function nearestRow(at, grid, positions, { x: [x0, x1], y: [y0, y1] }, { width, height }, reach, isHidden) {
  const perX = (x1 - x0) / width;
  const perY = (y1 - y0) / height;
  const x = x0 + at.x * perX;
  const y = y1 - at.y * perY;
  let best = -1;
  let least = reach * reach;
  grid.near(x - reach * perX, x + reach * perX, y - reach * perY, y + reach * perY, (row) => {
    if (isHidden(row)) return;
    const dx = (positions[2 * row] - x) / perX;
    const dy = (positions[2 * row + 1] - y) / perY;
    if (dx * dx + dy * dy < least) [best, least] = [row, dx * dx + dy * dy];
  });
  return best;
}
