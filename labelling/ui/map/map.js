// The map: plotly.js for toolbar, zoom and axes, over layers of our own for the points (points.js), the lasso (outline.js)
// and the way from one map to the next (travel.js).
//
// One module serves three kinds of mount, told apart by their data:
//   bytes        a wire: positions, colours, selection or hidden points of a map; sent again only when it changed
//   {map: ...}   the map itself: its element, legend and events
//   {hover: ...} the text of the point under the pointer, asked for row by row
//   {words: ...} the names of the map's regions
// Mounts find each other by the map's key. Texts and label names are only ever set as textContent.

const registry = (globalThis.__corral ??= { maps: new Map(), wires: new Map(), hovers: new Map() });
registry.words ??= new Map();

// Each mount brings its own few lines (mount.js), that call this; what came before this script is waiting.
registry.receive = ({ data, parentElement, setStateValue, setTriggerValue }) => {
  if (data instanceof Uint8Array || data instanceof ArrayBuffer) return receiveWire(new Uint8Array(data));
  if (data.hover) return receiveHover(data, setStateValue);
  if (data.words) return receiveWords(data);
  return receiveMap(data, parentElement, setTriggerValue);
};
setTimeout(() => registry.waiting?.splice(0).forEach((run) => run()));

export default () => {};

function receiveWire(bytes) {
  const end = bytes.indexOf(10);
  const { map, channel, id } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const wires = registry.wires.get(map) ?? {};
  registry.wires.set(map, wires);
  const wire = { id, bytes: bytes.slice(end + 1) }; // a copy: typed arrays want aligned buffers
  wires[channel] = wire;
  registry.maps.get(map)?.take(channel);
  return () => {
    if (wires[channel] === wire) delete wires[channel];
  };
}

function receiveHover(data, setStateValue) {
  registry.hovers.set(data.hover, (row) => setStateValue("row", row));
  registry.maps.get(data.hover)?.showText(data);
  return () => registry.hovers.delete(data.hover);
}

function receiveWords(data) {
  registry.words.set(data.words, data);
  registry.maps.get(data.words)?.showWords();
}

function receiveMap(data, parentElement, setTriggerValue) {
  let map = registry.maps.get(data.map);
  if (!map || map.host !== parentElement) {
    map?.destroy();
    map = new CorralMap(data.map, parentElement);
    registry.maps.set(data.map, map);
  }
  map.configure(data, setTriggerValue);
  return () => {
    map.destroy();
    if (registry.maps.get(data.map) === map) registry.maps.delete(data.map);
  };
}

async function plotly() {
  while (!globalThis.Plotly) await new Promise((resolve) => setTimeout(resolve, 20));
  return globalThis.Plotly;
}

const element = (tag, className, parent, more = {}) => {
  const made = document.createElement(tag);
  made.className = className;
  Object.assign(made, more);
  parent.append(made);
  return made;
};

const SHAPES = [
  "circle(50%)",
  "inset(6%)",
  "polygon(50% 4%, 100% 92%, 0 92%)",
  "polygon(50% 0, 100% 50%, 50% 100%, 0 50%)",
];
const TRAVEL_MS = 900;
const FADE_MS = 500;
const DOUBLE_CLICK_MS = 260;
const ANIMATE = "corral-animate"; // where the browser remembers that a person switched the animation off
let sent = 0; // events of this page
const typing = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");

class CorralMap {
  constructor(key, host) {
    this.key = key;
    this.host = host;
    this.root = element("div", "corral-map", host);
    this.stage = element("div", "corral-stage", this.root, { tabIndex: 0, ariaLabel: "Map of the texts" });
    this.canvas = element("canvas", "corral-points", this.stage);
    this.ghost = element("canvas", "corral-points corral-ghost", this.stage);
    this.chart = element("div", "corral-chart", this.stage);
    this.outline = new Outline(this);
    this.regions = new Regions(this);
    this.pinMark = element("div", "corral-mark", this.stage);
    this.litMark = element("div", "corral-mark corral-lit-mark", this.stage);
    this.tooltip = element("div", "corral-tooltip", this.stage);
    this.tooltipLabel = element("div", "corral-tooltip-label", this.tooltip);
    this.tooltipText = element("div", "corral-tooltip-text", this.tooltip);
    this.legend = element("div", "corral-legend", this.root);
    this.travel = new Travel(this);
    this.texts = new Map();
    this.count = 0;
    this.range = { x: [-1, 1], y: [-1, 1] };
    this.painter = makePainter(this.canvas, () => this.draw());
    this.leaving = new AbortController();
    this.listen();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.stage);
  }

  listen() {
    const on = (target, name, listener, more) =>
      target.addEventListener(name, listener, { signal: this.leaving.signal, ...more });
    on(this.stage, "pointermove", (event) => this.hover(event));
    on(this.stage, "pointerdown", (event) => this.pressed(event), { capture: true });
    const follow = (event) => {
      if (!this.outline.path) return;
      // Between two frames the browser keeps the places back: on a busy machine a curve would become a few corners.
      const places = event.getCoalescedEvents?.() ?? [];
      for (const place of places.length ? places : [event]) this.outline.follow(this.at(place));
    };
    on(window, "pointermove", follow, { capture: true });
    on(window, "pointerup", (event) => this.released(event), { capture: true });
    // Plotly lets no dblclick through; its second press still counts. The wait lets plotly finish its own click.
    const again = (event) => {
      if (this.panning || this.outline.path) event.stopPropagation();
      if (event.detail === 2) setTimeout(() => this.goHome(), 200);
    };
    on(this.stage, "mousedown", again, { capture: true });
    on(this.stage, "pointerenter", () => (this.over = true));
    on(this.stage, "pointerleave", () => {
      this.over = false;
      this.unhover();
    });
    on(document, "keydown", (event) => this.keyPressed(event));
    on(document, "keyup", (event) => event.key === " " && this.holdSpace(false));
    on(window, "blur", () => this.holdSpace(false));
    // The table of the selection: its rows carry their number.
    const rowOf = (event) => event.target.closest?.("[data-corral-row]")?.dataset.corralRow;
    for (const name of ["pointerover", "focusin"]) on(document, name, (event) => this.light(rowOf(event)));
    on(document, "click", (event) => rowOf(event) !== undefined && this.pick(Number(rowOf(event))));
  }

  destroy() {
    this.destroyed = true;
    this.leaving.abort();
    this.observer.disconnect();
    this.painter.destroy();
    if (this.ready) globalThis.Plotly.purge(this.chart);
    this.root.remove();
  }

  // ------------------------------------------------------------ what comes from the server

  configure(data, setTriggerValue) {
    const first = !this.data;
    this.data = data;
    if (!data.outlined) this.outline.clear();
    // With a number of its own, each is done once.
    this.send = (name, value) => setTriggerValue(name, { ...value, id: `${performance.timeOrigin} ${++sent}` });
    this.stage.style.height = data.height;
    if (this.texts.seq !== data.seq) this.texts.clear();
    this.texts.seq = data.seq;
    const style = getComputedStyle(this.root);
    const [ink, paper] = [this.ink, this.paper];
    this.ink = style.getPropertyValue("--st-text-color").trim() || "#31333f";
    this.paper = style.getPropertyValue("--st-background-color").trim() || "#ffffff";
    const themed = ink !== this.ink || paper !== this.paper;
    const palette = JSON.stringify([data.palette, this.ink, this.paper]);
    if (palette !== this.paletteUsed) {
      this.paletteUsed = palette;
      this.painter.palette(data.palette, this.ink, this.paper);
      this.draw();
    }
    this.drawLegend();
    if (first) {
      this.plot();
      for (const channel of ["positions", "colours", "selection", "hidden"]) this.take(channel);
    } else if (this.ready && themed) {
      globalThis.Plotly.relayout(this.chart, { "modebar.color": this.painter.quiet, "modebar.activecolor": this.ink });
    }
    this.place(this.pinMark, data.pinned);
  }

  take(channel) {
    const wire = registry.wires.get(this.key)?.[channel];
    if (!wire) return;
    if (channel === "positions") {
      if (wire.id === this.positionsId) return;
      this.move(new Float32Array(wire.bytes.buffer), wire.id);
    } else if (channel === "colours") {
      this.codes = wire.bytes;
      this.coloursId = wire.id;
      this.painter.colours(wire.bytes);
    } else if (channel === "selection") {
      this.selected = wire.bytes.length ? wire.bytes : null;
    } else {
      this.hidden = wire.bytes.length ? wire.bytes : null;
      this.drawnOn = wire.id;
    }
    this.order = null;
    if (channel === "selection") this.drawNow(); // what is being laid out beside it would hold a frame up
    else this.draw();
  }

  move(positions, id) {
    const travels = this.positionsId && positions.length === this.positions.length && this.ready;
    const before = travels && { positions: this.positions, range: this.range };
    this.positions = positions;
    this.positionsId = id;
    this.count = positions.length / 2;
    this.grid = this.order = null;
    this.texts.clear(); // of other texts perhaps, under the same numbers
    this.unhover();
    this.painter.positions(positions, positions);
    this.whole = fit(positions);
    this.showWords();
    this.travel.begin(before, this.whole);
  }

  // Those of another map, or of one of before texts were added, wait for it.
  showWords() {
    const words = registry.words.get(this.key);
    this.regions.show(words && words.id === this.positionsId ? words.regions : []);
  }

  home(target) {
    this.range = target;
    if (!this.ready) return;
    for (const axis of ["x", "y"]) this.chart.layout[`${axis}axis`].range = [...target[axis]];
    this.outline.clear();
    globalThis.Plotly.react(this.chart, this.traces(target), { ...this.chart.layout, uirevision: this.positionsId });
    this.draw();
  }

  lookAt({ x, y }) {
    if (this.ready) globalThis.Plotly.relayout(this.chart, { "xaxis.range": [...x], "yaxis.range": [...y] });
  }

  goHome() {
    this.lookAt(fit(this.positions, (row) => !this.isHidden(row)));
  }

  goToSelection() {
    if (this.selected) this.lookAt(fit(this.positions, (row) => bit(this.selected, row) && !this.isHidden(row)));
  }

  isHidden(row) {
    return this.hidden !== null && this.hidden !== undefined && bit(this.hidden, row) === 1;
  }

  // ------------------------------------------------------------ plotly's part

  traces(range) {
    // Without a trace that has markers plotly offers no lasso in its toolbar.
    return [{ type: "scatter", mode: "markers", x: range.x, y: range.y, marker: { opacity: 0 }, hoverinfo: "skip" }];
  }

  async plot() {
    const Plotly = await plotly();
    if (this.destroyed) return;
    const axis = (range) => ({ visible: false, range: [...range], fixedrange: false });
    const layout = {
      margin: { l: 0, r: 0, t: 0, b: 0 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      xaxis: axis(this.range.x),
      yaxis: axis(this.range.y),
      dragmode: this.data.interactive ? "lasso" : "pan",
      hovermode: false,
      showlegend: false,
      uirevision: this.positionsId,
      modebar: { orientation: "v", bgcolor: "rgba(0,0,0,0)", color: this.painter.quiet, activecolor: this.ink },
    };
    // Plotly's own reset goes back to the ranges of its first drawing, of another map perhaps.
    const own = (name, title, icon, click) => ({ name, title, icon: Plotly.Icons[icon], click });
    const home = own("home", "Show all (H)", "home", () => this.goHome());
    const near = own("fit", "Zoom to the selection (F)", "autoscale", () => this.goToSelection());
    const tools = this.data.interactive
      ? [["lasso2d", "select2d"], ["pan2d", "zoom2d"], ["zoomIn2d", "zoomOut2d", home, near]]
      : [["pan2d", "zoom2d"], ["zoomIn2d", "zoomOut2d", home]];
    await Plotly.newPlot(this.chart, this.traces(this.range), layout, {
      scrollZoom: true,
      displaylogo: false,
      displayModeBar: true,
      doubleClick: false,
      modeBarButtons: tools,
    });
    if (this.destroyed) return Plotly.purge(this.chart);
    this.ready = true;
    this.chart.on("plotly_relayouting", (event) => this.follow(event));
    this.chart.on("plotly_relayout", (event) => this.follow(event));
    this.resize();
    this.root.dataset.ready = "true";
  }

  follow(event) {
    for (const axis of ["x", "y"]) {
      const whole = event?.[`${axis}axis.range`];
      const [low, high] = whole ?? [event?.[`${axis}axis.range[0]`], event?.[`${axis}axis.range[1]`]];
      const now = low === undefined ? this.chart.layout[`${axis}axis`].range : [low, high];
      this.range[axis] = now.map(Number);
    }
    this.unhover();
    this.drawMoving();
  }

  // ------------------------------------------------------------ mouse and keys

  pressed(event) {
    if (event.target.closest?.(".corral-travel")) return;
    document.activeElement?.blur(); // from here on the keys are for the map, not for the box typed in before
    this.travel.finish();
    this.unhover();
    const { shiftKey, altKey } = event;
    this.how = shiftKey && altKey ? "intersect" : shiftKey ? "add" : altKey ? "subtract" : "new";
    if (event.button === 0 && !this.space && !event.target.closest?.(".modebar")) this.outline.begin(this.at(event));
    if (event.button === 1 || (event.button === 0 && this.space)) this.pan(event);
  }

  released(event) {
    const path = this.outline.end();
    if (!path) return;
    clearTimeout(this.clicking); // a second click shows all instead
    if (path.length > 1) {
      this.drewAt = performance.now();
      return this.drawn(path);
    }
    if (event.target.closest?.(".corral-region")) return; // its own click does it
    const row = this.nearest(path[0]);
    if (row >= 0 && event.detail < 2) this.clicking = setTimeout(() => this.pick(row), DOUBLE_CLICK_MS);
  }

  // Where the pointer is, in pixels of the stage, not beyond its edges.
  at(event) {
    const { left, top } = this.stage.getBoundingClientRect();
    const { clientLeft, clientTop, clientWidth, clientHeight } = this.stage; // inside of the border
    const within = (value, most) => Math.max(0, Math.min(most, value));
    return {
      x: within(event.clientX - left - clientLeft, clientWidth),
      y: within(event.clientY - top - clientTop, clientHeight),
    };
  }

  get mode() {
    const mode = this.ready && this.data.interactive && this.chart.layout.dragmode;
    return { lasso: "lasso", select: "box" }[mode];
  }

  drawn(path) {
    // Drawn on the part of this very map that is shown: else the rows would be others.
    if (!this.mode || !this.drawnOn?.startsWith(this.positionsId)) return;
    const corners = this.outline.keep(path, this.how);
    const [x, y] = [corners.map((corner) => corner.x), corners.map((corner) => corner.y)];
    this.send("drawn", { kind: this.mode, x, y, how: this.how, map: this.drawnOn });
  }

  pick(row) {
    if (this.data.interactive) this.send("picked", { row, map: this.drawnOn });
  }

  pan(event) {
    event.preventDefault();
    event.stopPropagation();
    this.panning = true;
    const box = this.stage.getBoundingClientRect();
    const from = { x: [...this.range.x], y: [...this.range.y] };
    const moves = new AbortController();
    const follow = (now) => {
      const byX = ((now.clientX - event.clientX) / box.width) * (from.x[1] - from.x[0]);
      const byY = ((now.clientY - event.clientY) / box.height) * (from.y[1] - from.y[0]);
      this.lookAt({ x: from.x.map((value) => value - byX), y: from.y.map((value) => value + byY) });
    };
    const end = () => {
      moves.abort();
      this.panning = false;
    };
    addEventListener("pointermove", follow, { signal: moves.signal });
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end, { signal: moves.signal });
  }

  holdSpace(held) {
    this.space = held;
    this.stage.classList.toggle("corral-panning", held);
  }

  zoom(factor) {
    const range = {};
    for (const axis of ["x", "y"]) {
      const [low, high] = this.range[axis];
      const [middle, half] = [(low + high) / 2, ((high - low) / 2) * factor];
      range[axis] = [middle - half, middle + half];
    }
    this.lookAt(range);
  }

  step(right, up) {
    const { x: [x0, x1], y: [y0, y1] } = this.range;
    const [dx, dy] = [(x1 - x0) * 0.15 * right, (y1 - y0) * 0.15 * up];
    this.lookAt({ x: [x0 + dx, x1 + dx], y: [y0 + dy, y1 + dy] });
  }

  keyPressed(event) {
    if (!this.data?.interactive || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing()) return;
    const here = this.over || document.activeElement === this.stage;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const focus = { "/": "Search", n: "New label" };
    const row = document.activeElement?.dataset?.corralRow;
    if (event.key === "Enter" && row !== undefined) this.pick(Number(row));
    else if (event.key === "w") this.regions.toggle();
    else if (event.key === "?") document.querySelector(".st-key-corral-below [data-testid=stPopover] button")?.click();
    else if (event.key === "f") this.goToSelection();
    else if (event.key === "h") this.goHome();
    else if (event.key === "+" || event.key === "=") this.zoom(0.7);
    else if (event.key === "-") this.zoom(1 / 0.7);
    else if (moves[event.key] && here) this.step(...moves[event.key]);
    else if (event.key === " " && here) this.holdSpace(true);
    else if (focus[event.key]) this.enterBox(focus[event.key]);
    else return;
    event.preventDefault();
  }

  // What it holds is typed over.
  enterBox(name) {
    const box = document.querySelector(`input[aria-label="${name}"]`);
    box?.focus();
    box?.select();
  }

  // ------------------------------------------------------------ drawing

  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.ghost]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    if (this.ready) globalThis.Plotly.Plots.resize(this.chart);
    this.draw();
  }

  // While something moves, a sample of the points will do where all of them take too long.
  drawMoving() {
    this.moving = true;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.moving = false;
      if (this.painter.slow) this.draw();
    }, 150);
    this.draw();
  }

  draw() {
    if (this.frame || this.destroyed) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (!this.destroyed) this.drawNow();
    });
  }

  drawNow() {
    const n = this.count;
    const known = this.codes?.length === n && (!this.hidden || this.hidden.length * 8 >= n);
    if (!this.positions || !known) return;
    if (!this.order) {
      this.order = drawingOrder(this.positions, this.codes, this.selected, this.hidden);
      this.painter.setOrder(this.order);
    }
    this.painter.draw(this.range, this.travel.eased, this.pointSize(), this.moving);
    this.place(this.pinMark, this.data.pinned);
    this.place(this.litMark, this.lit);
    this.outline.draw();
    this.regions.draw();
    Object.assign(this.root.dataset, { drawn: n, selected: this.order.counts[2], colours: this.coloursId });
  }

  pointSize() {
    const area = this.stage.clientWidth * this.stage.clientHeight;
    const least = this.count > 500_000 ? 1.6 : 2.5;
    return Math.min(11, Math.max(least, Math.sqrt(area / Math.max(this.count, 1)) * 0.5)) * (devicePixelRatio || 1);
  }

  place(mark, row) {
    const x = row === undefined || row === null || !this.positions ? NaN : this.positions[2 * row];
    mark.hidden = Number.isNaN(x) || this.travel.t < 1 || this.isHidden(row);
    if (mark.hidden) return;
    const { x: [x0, x1], y: [y0, y1] } = this.range;
    mark.style.left = `${((x - x0) / (x1 - x0)) * 100}%`;
    mark.style.top = `${((y1 - this.positions[2 * row + 1]) / (y1 - y0)) * 100}%`;
  }

  drawLegend() {
    const entries = JSON.stringify([this.data.legend, this.data.shown, this.data.palette, this.painter.quiet]);
    if (entries === this.legendDrawn) return;
    this.legendDrawn = entries;
    this.legend.replaceChildren();
    if (this.data.shown !== null)
      element("span", "corral-legend-shown", this.legend).textContent = `${this.data.shown.toLocaleString("en")} shown:`;
    for (const { name, count, code, group, hidden } of this.data.legend) {
      const entry = element("span", "corral-legend-entry", this.legend);
      const tag = this.data.interactive ? "button" : "span";
      const eye = element(tag, "corral-legend-eye", entry);
      const swatch = element("span", "corral-swatch", eye);
      const { colour, shape } = this.data.palette[code];
      swatch.style.background = colour ?? this.painter.quiet;
      swatch.style.clipPath = SHAPES[shape];
      const words = element(tag, "corral-legend-words", entry);
      element("span", "corral-legend-name", words).textContent = name;
      element("span", "corral-legend-count", words).textContent = count.toLocaleString("en");
      entry.classList.toggle("corral-hidden", Boolean(hidden));
      if (!this.data.interactive) continue;
      eye.title = eye.ariaLabel = hidden ? "Show these points" : "Hide these points";
      words.title = "Select these points; with shift, too";
      eye.onclick = () => this.send("legend", { group, what: "toggle" });
      words.onclick = (event) => this.send("legend", { group, what: event.shiftKey ? "add" : "new" });
    }
  }

  // ------------------------------------------------------------ hover

  hover(event) {
    if (event.buttons || this.travel.t < 1 || !this.positions) return;
    if (event.target.closest?.(".corral-travel")) return this.unhover();
    const at = this.at(event);
    const row = this.nearest(at);
    if (row === this.hovered) return this.placeTooltip(at);
    this.hovered = row;
    this.lightTable(row);
    this.tooltip.classList.remove("corral-shown");
    clearTimeout(this.asking);
    if (row < 0) return;
    this.placeTooltip(at);
    const known = this.texts.get(row);
    if (known) this.fillTooltip(known);
    // Waiting a moment keeps a pointer that sweeps across the map from asking for every text on its way.
    else this.asking = setTimeout(() => registry.hovers.get(this.key)?.({ row, seq: this.data.seq }), 60);
  }

  unhover() {
    clearTimeout(this.asking);
    this.hovered = -1;
    this.lightTable(-1);
    this.tooltip.classList.remove("corral-shown");
  }

  // The point of a row of the table, and the row of a point.
  light(row) {
    const lit = row === undefined || !this.data?.interactive ? null : Number(row);
    if (lit === (this.lit ?? null)) return;
    this.lit = lit;
    this.place(this.litMark, lit);
  }

  lightTable(row) {
    for (const lit of document.querySelectorAll(".corral-lit")) lit.classList.remove("corral-lit");
    if (row >= 0) document.querySelector(`[data-corral-row="${row}"]`)?.classList.add("corral-lit");
  }

  showText(data) {
    if (data.row === null || data.row === undefined) return;
    this.texts.set(data.row, data);
    if (data.row === this.hovered) this.fillTooltip(data);
  }

  fillTooltip({ text, label, code }) {
    this.tooltipText.textContent = text;
    this.tooltipLabel.textContent = label ?? "unlabelled";
    const colour = this.data.palette[code]?.colour;
    this.tooltipLabel.style.setProperty("--corral-colour", colour ?? this.painter.quiet);
    this.tooltip.classList.add("corral-shown");
  }

  placeTooltip(at) {
    const { clientWidth: width, clientHeight: height } = this.stage;
    const right = at.x > width / 2;
    const low = at.y > height / 2;
    Object.assign(this.tooltip.style, {
      left: right ? "auto" : `${at.x + 14}px`,
      right: right ? `${width - at.x + 14}px` : "auto",
      top: low ? "auto" : `${at.y + 14}px`,
      bottom: low ? `${height - at.y + 14}px` : "auto",
    });
  }

  nearest(at) {
    const { clientWidth: width, clientHeight: height } = this.stage;
    this.grid ??= makeGrid(this.positions, fit(this.positions));
    const { x: [x0, x1], y: [y0, y1] } = this.range;
    const perX = (x1 - x0) / width;
    const perY = (y1 - y0) / height;
    const x = x0 + at.x * perX;
    const y = y1 - at.y * perY;
    const reach = Math.max(6, this.pointSize() / (devicePixelRatio || 1) / 2 + 3);
    let best = -1;
    let least = reach * reach;
    this.grid.near(x - reach * perX, x + reach * perX, y - reach * perY, y + reach * perY, (row) => {
      if (this.isHidden(row)) return;
      const dx = (this.positions[2 * row] - x) / perX;
      const dy = (this.positions[2 * row + 1] - y) / perY;
      if (dx * dx + dy * dy < least) [best, least] = [row, dx * dx + dy * dy];
    });
    return best;
  }
}
