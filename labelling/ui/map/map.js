// The map: plotly.js for axes, toolbar, zoom and lasso, over a WebGL layer of our own for the points.
//
// One module serves three kinds of mount, told apart by their data:
//   bytes        a wire: positions, colours or selection of a map; sent again only when it changed
//   {map: ...}   the map itself: its element, legend and events
//   {hover: ...} the text of the point under the pointer, asked for row by row
// Mounts find each other by the map's key. Texts and label names are only ever set as textContent.

const registry = (globalThis.__corral ??= { maps: new Map(), wires: new Map(), hovers: new Map() });

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  if (data instanceof Uint8Array || data instanceof ArrayBuffer) return receiveWire(new Uint8Array(data));
  if (data.hover) return receiveHover(data, setStateValue);
  return receiveMap(data, parentElement, setTriggerValue);
}

function receiveWire(bytes) {
  const end = bytes.indexOf(10);
  const { map, channel, id } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const wires = registry.wires.get(map) ?? {};
  registry.wires.set(map, wires);
  wires[channel] = { id, bytes: bytes.slice(end + 1) }; // a copy: typed arrays want aligned buffers
  registry.maps.get(map)?.take(channel);
  return () => {
    if (wires[channel]?.id === id) delete wires[channel];
  };
}

function receiveHover(data, setStateValue) {
  registry.hovers.set(data.hover, (row) => setStateValue("row", row));
  registry.maps.get(data.hover)?.showText(data);
  return () => registry.hovers.delete(data.hover);
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

const element = (tag, className, parent) => {
  const made = document.createElement(tag);
  made.className = className;
  parent.append(made);
  return made;
};

const SHAPES = [
  "circle(50%)",
  "inset(6%)",
  "polygon(50% 4%, 100% 92%, 0 92%)",
  "polygon(50% 0, 100% 50%, 50% 100%, 0 50%)",
];
const TRAVEL_MS = 600;

class CorralMap {
  constructor(key, host) {
    this.key = key;
    this.host = host;
    this.root = element("div", "corral-map", host);
    this.stage = element("div", "corral-stage", this.root);
    this.canvas = element("canvas", "corral-points", this.stage);
    this.chart = element("div", "corral-chart", this.stage);
    this.tooltip = element("div", "corral-tooltip", this.stage);
    this.tooltipLabel = element("div", "corral-tooltip-label", this.tooltip);
    this.tooltipText = element("div", "corral-tooltip-text", this.tooltip);
    this.legend = element("div", "corral-legend", this.root);
    this.texts = new Map();
    this.count = 0;
    this.range = { x: [-1, 1], y: [-1, 1] };
    this.painter = makePainter(this.canvas, () => this.draw());
    if (this.painter.notice) element("div", "corral-notice", this.root).textContent = this.painter.notice;
    this.stage.addEventListener("pointermove", (event) => this.hover(event));
    const pressed = (event) => {
      document.activeElement?.blur(); // from here on the keys are for the map, not for the box typed in before
      this.how = event.shiftKey ? "add" : event.altKey ? "subtract" : "new";
      this.unhover();
    };
    this.stage.addEventListener("pointerdown", pressed, { capture: true });
    // Plotly lets no dblclick through; its second press still counts. The wait lets plotly finish its own click.
    const again = (event) => event.detail === 2 && setTimeout(() => this.goHome(), 200);
    this.stage.addEventListener("mousedown", again, { capture: true });
    this.stage.addEventListener("pointerleave", () => this.unhover());
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.stage);
  }

  destroy() {
    this.destroyed = true;
    this.observer.disconnect();
    this.painter.destroy();
    if (this.ready) globalThis.Plotly.purge(this.chart);
    this.root.remove();
  }

  // ------------------------------------------------------------ what comes from the server

  configure(data, setTriggerValue) {
    const first = !this.data;
    const deselected = this.data && this.data.selection !== data.selection && data.selection === 0;
    this.data = data;
    this.send = setTriggerValue;
    this.stage.style.height = `${data.height}px`;
    if (this.texts.seq !== data.seq) this.texts.clear();
    this.texts.seq = data.seq;
    const style = getComputedStyle(this.root);
    this.ink = style.getPropertyValue("--st-text-color").trim() || "#31333f";
    this.paper = style.getPropertyValue("--st-background-color").trim() || "#ffffff";
    this.painter.palette(data.palette, this.ink, this.paper);
    this.drawLegend();
    if (first) {
      this.plot();
      for (const channel of ["positions", "colours", "selection"]) this.take(channel);
    } else if (this.ready) {
      globalThis.Plotly.relayout(this.chart, this.themed(deselected ? { selections: [] } : {}));
    }
    this.draw();
  }

  take(channel) {
    const wire = registry.wires.get(this.key)?.[channel];
    if (!wire) return;
    if (channel === "positions") {
      if (wire.id === this.positionsId) return;
      this.move(new Float32Array(wire.bytes.buffer), wire.id);
    } else if (channel === "colours") {
      this.painter.colours(wire.bytes);
    } else {
      const selected = new Uint8Array(wire.bytes.length * 8);
      let any = false;
      for (let i = 0; i < selected.length; i++) {
        selected[i] = (wire.bytes[i >> 3] >> (7 - (i & 7))) & 1;
        any ||= selected[i] === 1;
      }
      this.painter.selection(selected, any);
    }
    this.draw();
  }

  move(positions, id) {
    const travels = this.positionsId && positions.length === this.positions.length && this.count <= 200_000;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.painter.positions(travels && !still ? this.positions : positions, positions);
    this.positions = positions;
    this.positionsId = id;
    this.count = positions.length / 2;
    this.grid = null;
    this.unhover();
    const target = fit(positions);
    if (travels && !still && this.ready) {
      const from = { x: [...this.range.x], y: [...this.range.y] };
      const start = performance.now();
      this.t = 0;
      const step = (now) => {
        if (this.destroyed || this.positionsId !== id) return;
        const part = Math.min(1, (now - start) / TRAVEL_MS);
        this.t = part * part * (3 - 2 * part);
        for (const axis of ["x", "y"]) {
          this.range[axis] = [0, 1].map((i) => from[axis][i] + (target[axis][i] - from[axis][i]) * this.t);
        }
        this.draw();
        if (part < 1) requestAnimationFrame(step);
        else this.home(target);
      };
      requestAnimationFrame(step);
    } else {
      this.t = 1;
      this.home(target);
    }
  }

  home(target) {
    this.range = target;
    if (!this.ready) return;
    for (const axis of ["x", "y"]) this.chart.layout[`${axis}axis`].range = [...target[axis]];
    this.chart.layout.selections = [];
    globalThis.Plotly.react(this.chart, this.traces(target), { ...this.chart.layout, uirevision: this.positionsId });
    this.draw();
  }

  goHome() {
    const { x, y } = fit(this.positions);
    if (this.ready) globalThis.Plotly.relayout(this.chart, { "xaxis.range": x, "yaxis.range": y });
  }

  // ------------------------------------------------------------ plotly's part

  traces(range) {
    // Two unseen points give plotly's lasso something to select on; the real test runs on the server.
    return [{ type: "scatter", mode: "markers", x: range.x, y: range.y, marker: { opacity: 0 }, hoverinfo: "skip" }];
  }

  themed(more) {
    const line = { color: this.ink, width: 1.5, dash: "dot" };
    return {
      newselection: { line },
      activeselection: { fillcolor: "rgba(0,0,0,0)" },
      "modebar.color": this.painter.quiet,
      "modebar.activecolor": this.ink,
      ...more,
    };
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
    };
    const tools = this.data.interactive ? [["lasso2d", "select2d"], ["pan2d", "zoom2d"]] : [["pan2d", "zoom2d"]];
    // Plotly's own reset goes back to the ranges of its first drawing, of another map perhaps.
    const home = { name: "home", title: "Show all", icon: Plotly.Icons.home };
    await Plotly.newPlot(this.chart, this.traces(this.range), layout, {
      scrollZoom: true,
      displaylogo: false,
      displayModeBar: true,
      doubleClick: false,
      editSelection: false, // what a lasso took is changed by another lasso
      modeBarButtons: [...tools, ["zoomIn2d", "zoomOut2d", { ...home, click: () => this.goHome() }]],
    });
    if (this.destroyed) return Plotly.purge(this.chart);
    this.ready = true;
    await Plotly.relayout(this.chart, this.themed({ "modebar.orientation": "v", "modebar.bgcolor": "rgba(0,0,0,0)" }));
    this.chart.on("plotly_relayouting", (event) => this.follow(event));
    this.chart.on("plotly_relayout", (event) => this.follow(event));
    this.chart.on("plotly_selecting", () => (this.dragging = true));
    this.chart.on("plotly_selected", (event) => this.selected(event));
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
    this.draw();
  }

  selected(event) {
    this.dragging = false;
    if (!event || !this.data.interactive) return;
    const { lassoPoints, range } = event;
    if (lassoPoints) this.dispatch({ kind: "lasso", x: lassoPoints.x, y: lassoPoints.y });
    else if (range) this.dispatch({ kind: "box", x: range.x, y: range.y });
  }

  dispatch(what) {
    if (!this.data.interactive) return;
    this.send("drawn", { ...what, how: this.how, map: this.positionsId });
  }

  // ------------------------------------------------------------ drawing

  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    if (this.ready) globalThis.Plotly.Plots.resize(this.chart);
    this.draw();
  }

  draw() {
    if (this.frame || this.destroyed) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.destroyed) return;
      this.painter.draw(this.range, this.t ?? 1, this.pointSize());
      this.root.dataset.drawn = String(this.count);
    });
  }

  pointSize() {
    const area = this.stage.clientWidth * this.stage.clientHeight;
    return Math.min(11, Math.max(2.5, Math.sqrt(area / Math.max(this.count, 1)) * 0.5)) * (devicePixelRatio || 1);
  }

  drawLegend() {
    this.legend.replaceChildren();
    for (const { name, count, code, mark } of this.data.legend) {
      const entry = element("span", "corral-legend-entry", this.legend);
      const swatch = element("span", "corral-swatch", entry);
      const { colour, shape } = this.data.palette[code];
      swatch.style.background = colour ?? this.painter.quiet;
      swatch.style.clipPath = SHAPES[shape];
      element("span", "corral-legend-name", entry).textContent = name;
      element("span", "corral-legend-count", entry).textContent = count.toLocaleString("en");
      if (mark) entry.title = mark;
    }
  }

  // ------------------------------------------------------------ hover

  hover(event) {
    if (event.buttons || this.dragging || !this.positions) return;
    const box = this.stage.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    const row = this.nearest(at, box);
    if (row === this.hovered) return this.placeTooltip(at, box);
    this.hovered = row;
    this.tooltip.classList.remove("corral-shown");
    clearTimeout(this.asking);
    if (row < 0) return;
    this.placeTooltip(at, box);
    const known = this.texts.get(row);
    if (known) this.fillTooltip(known);
    // Waiting a moment keeps a pointer that sweeps across the map from asking for every text on its way.
    else this.asking = setTimeout(() => registry.hovers.get(this.key)?.({ row, seq: this.data.seq }), 60);
  }

  unhover() {
    clearTimeout(this.asking);
    this.hovered = -1;
    this.tooltip.classList.remove("corral-shown");
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

  placeTooltip(at, box) {
    const right = at.x > box.width / 2;
    const low = at.y > box.height / 2;
    Object.assign(this.tooltip.style, {
      left: right ? "auto" : `${at.x + 14}px`,
      right: right ? `${box.width - at.x + 14}px` : "auto",
      top: low ? "auto" : `${at.y + 14}px`,
      bottom: low ? `${box.height - at.y + 14}px` : "auto",
    });
  }

  nearest(at, box) {
    this.grid ??= makeGrid(this.positions, fit(this.positions));
    const { x: [x0, x1], y: [y0, y1] } = this.range;
    const perX = (x1 - x0) / box.width;
    const perY = (y1 - y0) / box.height;
    const x = x0 + at.x * perX;
    const y = y1 - at.y * perY;
    const reach = Math.max(6, this.pointSize() / (devicePixelRatio || 1) / 2 + 3);
    let best = -1;
    let least = reach * reach;
    this.grid.near(x - reach * perX, x + reach * perX, y - reach * perY, y + reach * perY, (row) => {
      const dx = (this.positions[2 * row] - x) / perX;
      const dy = (this.positions[2 * row + 1] - y) / perY;
      if (dx * dx + dy * dy < least) [best, least] = [row, dx * dx + dy * dy];
    });
    return best;
  }
}

// The ranges that show all points, with a little room around them.
function fit(positions) {
  const range = {};
  for (const [offset, axis] of [[0, "x"], [1, "y"]]) {
    let low = Infinity;
    let high = -Infinity;
    for (let i = offset; i < positions.length; i += 2) {
      if (positions[i] < low) low = positions[i];
      if (positions[i] > high) high = positions[i];
    }
    const room = (high - low) * 0.05 || 1;
    range[axis] = low <= high ? [low - room, high + room] : [-1, 1];
  }
  return range;
}

// Rows by cell, as one sorted array and the place where each cell begins.
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
  return { near };
}

// ---------------------------------------------------------------- painters

const VERTEX = `#version 300 es
in vec2 a_from; in vec2 a_to; in uint a_colour; in uint a_selected;
uniform vec4 u_range; uniform float u_t, u_size; uniform bool u_any; uniform int u_pass;
uniform sampler2D u_palette;
flat out vec3 v_colour; flat out float v_alpha; flat out int v_shape; flat out int v_ring; flat out float v_size;
void main() {
  bool selected = a_selected == 1u;
  bool quiet = a_colour == 0u;
  int pass_of = selected ? 2 : quiet ? 0 : 1;
  vec2 at = mix(a_from, a_to, u_t);
  vec2 unit = (at - u_range.xy) / (u_range.zw - u_range.xy);
  gl_Position = pass_of == u_pass ? vec4(unit * 2.0 - 1.0, 0.0, 1.0) : vec4(9.0, 9.0, 9.0, 1.0);
  v_size = u_size * (selected ? 1.5 : quiet ? 0.85 : 1.1);
  gl_PointSize = v_size;
  vec4 entry = texelFetch(u_palette, ivec2(int(a_colour), 0), 0);
  v_colour = entry.rgb;
  v_shape = int(entry.a * 255.0 + 0.5);
  v_ring = selected ? 1 : 0;
  v_alpha = u_any && !selected ? 0.4 : quiet && !selected ? 0.75 : 0.95;
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
flat in vec3 v_colour; flat in float v_alpha; flat in int v_shape; flat in int v_ring; flat in float v_size;
uniform vec3 u_ink;
out vec4 colour;
void main() {
  vec2 p = gl_PointCoord * 2.0 - 1.0;
  float d = v_shape == 0 ? length(p)
    : v_shape == 1 ? max(abs(p.x), abs(p.y)) * 1.12
    : v_shape == 2 ? max(abs(p.x) * 0.9 - p.y * 0.5 + 0.05, p.y) * 1.08
    : abs(p.x) + abs(p.y);
  float soft = 2.0 / v_size;
  float cover = 1.0 - smoothstep(1.0 - soft, 1.0, d);
  if (cover <= 0.0) discard;
  float ring = v_ring == 1 ? smoothstep(1.0 - 2.0 * soft, 1.0 - soft, d) * min(1.0, v_size / 9.0) : 0.0;
  colour = vec4(mix(v_colour, u_ink, ring), v_alpha * cover);
}`;

function rgb(colour) {
  const probe = rgb.context ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data.subarray(0, 3)];
}

// Unlabelled points: between ink and paper, so that they stay quiet in light and in dark.
function quietColour(ink, paper) {
  const [a, b] = [rgb(ink), rgb(paper)];
  return `rgb(${a.map((value, i) => Math.round(value * 0.3 + b[i] * 0.7)).join(",")})`;
}

function makePainter(canvas, redraw) {
  const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: false });
  return gl ? new GlPainter(canvas, gl, redraw) : new PlainPainter(canvas);
}

class GlPainter {
  constructor(canvas, gl, redraw) {
    this.gl = gl;
    this.canvas = canvas;
    this.kept = {};
    this.start();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.start();
      for (const [name, values] of Object.entries(this.kept)) this.fill(name, values);
      this.palette(...this.paletteGiven);
      redraw();
    });
  }

  start() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(`the map's shaders do not link: ${gl.getProgramInfoLog(program)}`);
    }
    gl.useProgram(program);
    this.program = program;
    this.buffers = {};
    for (const name of ["from", "to", "colour", "selected"]) {
      const place = gl.getAttribLocation(program, `a_${name}`);
      this.buffers[name] = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
      gl.enableVertexAttribArray(place);
      if (name === "from" || name === "to") gl.vertexAttribPointer(place, 2, gl.FLOAT, false, 0, 0);
      else gl.vertexAttribIPointer(place, 1, gl.UNSIGNED_BYTE, 0, 0);
    }
    gl.enable(gl.BLEND);
    gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  }

  at(name) {
    return this.gl.getUniformLocation(this.program, `u_${name}`);
  }

  fill(name, values) {
    this.kept[name] = values;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers[name]);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, values, this.gl.DYNAMIC_DRAW);
  }

  positions(from, to) {
    this.n = to.length / 2;
    this.fill("from", from);
    if (from !== to || !this.kept.to || this.kept.to !== to) this.fill("to", to);
    for (const name of ["colour", "selected"]) {
      if ((this.kept[name]?.length ?? 0) < this.n) this.fill(name, new Uint8Array(this.n));
    }
  }

  colours(codes) {
    this.fill("colour", codes);
  }

  selection(selected, any) {
    this.any = any;
    this.fill("selected", selected);
  }

  palette(entries, ink, paper) {
    const { gl } = this;
    this.paletteGiven = [entries, ink, paper];
    this.quiet = quietColour(ink, paper);
    const texels = new Uint8Array(256 * 4);
    entries.forEach(({ colour, shape }, i) => texels.set([...rgb(colour ?? this.quiet), shape], 4 * i));
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
    gl.uniform3fv(this.at("ink"), rgb(ink).map((value) => value / 255));
  }

  draw({ x, y }, t, size) {
    const { gl } = this;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const enough = Math.min(this.kept.colour?.length ?? 0, this.kept.selected?.length ?? 0);
    if (!this.n || enough < this.n) return;
    gl.uniform4f(this.at("range"), x[0], y[0], x[1], y[1]);
    gl.uniform1f(this.at("t"), t);
    gl.uniform1f(this.at("size"), size);
    gl.uniform1i(this.at("any"), this.any ? 1 : 0);
    for (const pass of this.any ? [0, 1, 2] : [0, 1]) {
      gl.uniform1i(this.at("pass"), pass); // quiet points first, then the labelled, the selected on top
      gl.drawArrays(gl.POINTS, 0, this.n);
    }
  }

  destroy() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

class PlainPainter {
  notice = "This browser has no WebGL 2: the map is drawn the slow way. With many texts, switch on hardware acceleration.";

  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  positions(_from, to) {
    this.to = to;
  }

  colours(codes) {
    this.codes = codes;
  }

  selection(selected, any) {
    this.selected = selected;
    this.any = any;
  }

  palette(entries, ink, paper) {
    this.quiet = quietColour(ink, paper);
    this.ink = ink;
    this.entries = entries.map(({ colour }) => colour ?? this.quiet);
  }

  draw({ x, y }, _t, size) {
    const { context, canvas, to } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!to || !this.codes) return;
    for (let i = 0; i < to.length / 2; i++) {
      const left = ((to[2 * i] - x[0]) / (x[1] - x[0])) * canvas.width;
      const top = (1 - (to[2 * i + 1] - y[0]) / (y[1] - y[0])) * canvas.height;
      const selected = this.any && this.selected[i];
      context.globalAlpha = this.any && !selected ? 0.3 : 0.9;
      context.fillStyle = this.entries[this.codes[i]];
      context.fillRect(left - size / 2, top - size / 2, size, size);
      if (selected) {
        context.strokeStyle = this.ink;
        context.strokeRect(left - size / 2, top - size / 2, size, size);
      }
    }
  }

  destroy() {}
}
