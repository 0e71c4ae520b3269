// @ts-check
// What is drawn on top of the points: those that are selected, or that a chip lights up. One module with the others.

// How much is seen of the points that are neither selected nor lit up; null where none are.
/** @type {(marks: Marks) => number | null} */
const faded = ({ lit, rows }) => (lit ? 0.12 : rows.length ? 0.4 : null);

// The rows of a mask that are drawn: none that is hidden or has no position.
/** @type {(mask: Mask, positions: Float32Array, hidden: Mask) => Uint32Array} */
function markedRows(mask, positions, hidden) {
  if (!mask) return new Uint32Array();
  const rows = new Uint32Array(positions.length / 2);
  let n = 0;
  for (let byte = 0; byte < mask.length; byte++) {
    const shown = hidden ? mask[byte] & ~hidden[byte] : mask[byte];
    if (!shown) continue;
    for (let row = 8 * byte, one = 128; one; row++, one >>= 1) {
      if (shown & one && !Number.isNaN(positions[2 * row])) rows[n++] = row;
    }
  }
  return rows.slice(0, n);
}

// A byte a row, 1 for these.
/** @type {(n: number, rows: Uint32Array) => Uint8Array} */
function flags(n, rows) {
  const flagged = new Uint8Array(n);
  for (let i = 0; i < rows.length; i++) flagged[rows[i]] = 1;
  return flagged;
}

// An empty mask is as good as none.
/** @type {(a: Mask, b: Mask) => boolean} */
function isSame(a, b) {
  const [some, other] = [a ?? b, b ?? a];
  if (!some) return true;
  for (let i = 0; i < some.length; i++) if ((a ? some[i] : 0) !== (b ? other[i] : 0)) return false;
  return some.length === other.length;
}

class MarkedPoints {
  constructor(map) {
    this.map = map;
    /** @type {Mask} */
    this.selected = null;
    this.nSelected = 0;
    /** @type {Uint32Array} */
    this.rows = new Uint32Array();
    this.lit = false; // those that a chip lights up, instead of the selected
    this.fresh = false;
  }

  // At once: what is being laid out beside the map would hold a frame up.
  select(mask) {
    if (isSame(mask, this.selected)) return; // the server says what is marked already
    this.selected = mask;
    this.fresh = false;
    if (this.map.order) this.map.paint();
    else this.map.drawNow();
  }

  refresh() {
    if (this.fresh) return;
    const { chips, positions, hidden, painter } = this.map;
    const { mask } = chips;
    const selected = markedRows(this.selected, positions, hidden);
    this.nSelected = selected.length;
    this.rows = mask ? markedRows(mask, positions, hidden) : selected;
    this.lit = mask !== null;
    this.fresh = true;
    painter.setMarks({ rows: this.rows, lit: this.lit });
  }
}
