// @ts-check
// The lasso or box while it is drawn, and the outlines of those that made the selection. Plotly's own takes a tenth of
// a second after the button was let go, and marks its points meanwhile. One module with the others.

const CLICK_PX = 4; // a press that moves less is a click, not a lasso

class Outline {
  constructor(map) {
    this.map = map;
    this.path = null; // pixels of the stage, while the button is held
    this.kept = []; // corners in the map's own units, that follow it when it is zoomed
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.classList.add("corral-outline");
    this.lines = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.append(this.lines);
    map.stage.append(svg);
  }

  begin(at) {
    this.path = [at];
    this.moved = false;
  }

  follow(places) {
    const { moved, path } = this;
    const far = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
    for (const at of places) {
      this.moved ||= far(at, path[0]) >= CLICK_PX;
      if (far(at, path.at(-1)) >= 1) path.push(at);
    }
    if (this.moved && !moved) this.map.guess.prepare();
    this.draw();
  }

  // The path in pixels, a single place where it was a click; null where nothing was begun.
  end() {
    const { path, moved } = this;
    this.path = null;
    this.draw();
    return path && (moved ? path : path.slice(0, 1));
  }

  // Its corners in the map's own units.
  keep(path, how) {
    const { range, size, mode } = this.map;
    const corners = cornersOf(mode, path, range, size);
    this.kept = [...(how === "new" ? [] : this.kept), { mode, corners }];
    this.draw();
    return corners;
  }

  clear() {
    this.kept = [];
    this.draw();
  }

  draw() {
    const { range, size, mode } = this.map;
    const inPixels = (corners) => corners.map((corner) => onStage(corner, range, size));
    const shapes = this.kept.map((one) => ({ mode: one.mode, path: inPixels(one.corners) }));
    if (this.path?.length > 1 && this.moved && mode) shapes.push({ mode, path: this.path });
    this.lines.setAttribute("d", shapes.map(drawnAs).join(""));
  }
}

// All corners of a lasso, two of a box, in the map's own units.
/** @type {(mode: Mode, path: Place[], view: View, size: Size) => Place[]} */
function cornersOf(mode, path, view, size) {
  return (mode === "box" ? [path[0], path.at(-1)] : path).map((at) => onMap(at, view, size));
}

// As an SVG path.
/** @type {(shape: {mode: Mode, path: Place[]}) => string} */
function drawnAs({ mode, path }) {
  const [a, b] = [path[0], path.at(-1)];
  const corners = mode === "box" ? [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }] : path;
  return `M${corners.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}Z`;
}
