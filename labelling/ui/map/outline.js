// The lasso or box while it is drawn, and the outlines of those that made the selection. Plotly's own takes a tenth of a
// second after the button was let go, and marks its points meanwhile. Goes before map.js, in one module.

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

  follow(at) {
    const [first, last] = [this.path[0], this.path.at(-1)];
    this.moved ||= Math.hypot(at.x - first.x, at.y - first.y) >= CLICK_PX;
    if (Math.hypot(at.x - last.x, at.y - last.y) < 1) return;
    this.path.push(at);
    this.draw();
  }

  // The path in pixels, a single place where it was a click; null where nothing was begun.
  end() {
    const { path, moved } = this;
    this.path = null;
    this.draw();
    return path && (moved ? path : path.slice(0, 1));
  }

  // Its corners in the map's own units: all of a lasso's, two of a box.
  keep(path, how) {
    const { range, stage, mode } = this.map;
    const { x: [x0, x1], y: [y0, y1] } = range;
    const corners = (mode === "box" ? [path[0], path.at(-1)] : path).map((at) => ({
      x: x0 + (at.x / stage.clientWidth) * (x1 - x0),
      y: y1 - (at.y / stage.clientHeight) * (y1 - y0),
    }));
    this.kept = [...(how === "new" ? [] : this.kept), { mode, corners }];
    this.draw();
    return corners;
  }

  clear() {
    this.kept = [];
    this.draw();
  }

  draw() {
    const { range, stage, mode } = this.map;
    const { x: [x0, x1], y: [y0, y1] } = range;
    const onStage = ({ x, y }) => ({
      x: ((x - x0) / (x1 - x0)) * stage.clientWidth,
      y: ((y1 - y) / (y1 - y0)) * stage.clientHeight,
    });
    const shapes = this.kept.map((one) => ({ mode: one.mode, path: one.corners.map(onStage) }));
    if (this.path?.length > 1 && this.moved && mode) shapes.push({ mode, path: this.path });
    this.lines.setAttribute("d", shapes.map(drawnAs).join(""));
  }
}

function drawnAs({ mode, path }) {
  const [a, b] = [path[0], path.at(-1)];
  const corners = mode === "box" ? [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }] : path;
  return `M${corners.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}Z`;
}
