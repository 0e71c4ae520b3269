// @ts-check
// The part of the plane that the map shows, {x: [from, to], y: [from, to]}, and what becomes of it. Places on the stage
// are pixels from its left top, y down; on the map y goes up. One module with the others.

// The ranges that show all points, or those of the rows that are `wanted`, with a little room around them.
/** @type {(positions: ArrayLike<number>, wanted?: (row: number) => boolean) => View} */
function fit(positions, wanted) {
  /** @type {(offset: number) => [number, number]} */
  const reach = (offset) => {
    let low = Infinity;
    let high = -Infinity;
    for (let i = offset; i < positions.length; i += 2) {
      if (wanted && !wanted(i >> 1)) continue;
      if (positions[i] < low) low = positions[i];
      if (positions[i] > high) high = positions[i];
    }
    const room = (high - low) * 0.05 || 1;
    return low <= high ? [low - room, high + room] : [-1, 1];
  };
  return { x: reach(0), y: reach(1) };
}

// About the middle; below 1 nearer.
/** @type {(view: View, factor: number) => View} */
function zoomed(view, factor) {
  /** @type {(ends: [number, number]) => [number, number]} */
  const about = ([low, high]) => {
    const [middle, half] = [(low + high) / 2, ((high - low) / 2) * factor];
    return [middle - half, middle + half];
  };
  return { x: about(view.x), y: about(view.y) };
}

// To the right and up, in shares of what is shown.
/** @type {(view: View, right: number, up: number) => View} */
function moved({ x: [x0, x1], y: [y0, y1] }, right, up) {
  const [dx, dy] = [(x1 - x0) * right, (y1 - y0) * up];
  return { x: [x0 + dx, x1 + dx], y: [y0 + dy, y1 + dy] };
}

/** @type {(view: View, target: View, part: number) => View} */
function between(view, target, part) {
  const at = (from, to) => from + (to - from) * part;
  /** @type {(from: [number, number], to: [number, number]) => [number, number]} */
  const way = (from, to) => [at(from[0], to[0]), at(from[1], to[1])];
  return { x: way(view.x, target.x), y: way(view.y, target.y) };
}

/** @type {(at: Place, view: View, size: Size) => Place} */
function onStage({ x, y }, { x: [x0, x1], y: [y0, y1] }, { width, height }) {
  return { x: ((x - x0) / (x1 - x0)) * width, y: ((y1 - y) / (y1 - y0)) * height };
}

/** @type {(at: Place, view: View, size: Size) => Place} */
function onMap({ x, y }, { x: [x0, x1], y: [y0, y1] }, { width, height }) {
  return { x: x0 + (x / width) * (x1 - x0), y: y1 - (y / height) * (y1 - y0) };
}

// How wide a point is, in pixels of the page: of few texts wider.
/** @type {(count: number, size: Size) => number} */
function pointWidth(count, { width, height }) {
  const least = count > 500_000 ? 1.6 : 2.5;
  return Math.min(11, Math.max(least, Math.sqrt((width * height) / Math.max(count, 1)) * 0.5));
}
