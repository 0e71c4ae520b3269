// @ts-check
// The map: plotly.js for toolbar, zoom and axes (chart.js), over layers of our own for the points (points.js and the
// painters), the lasso (outline.js), the words (regions.js) and the way from one map to the next (travel.js). What a
// person does with it is in gestures.js, shortcuts.js and hover.js. One module with the others.

class CorralMap {
  constructor(key, host) {
    this.key = key;
    this.host = host;
    this.root = element("div", "corral-map", host);
    this.stage = element("div", "corral-stage", this.root, { tabIndex: 0, role: "group", ariaLabel: "Map of the texts" });
    this.canvas = element("canvas", "corral-points", this.stage);
    this.ghost = element("canvas", "corral-points corral-ghost", this.stage);
    this.chart = element("div", "corral-chart", this.stage);
    this.outline = new Outline(this);
    this.regions = new Regions(this);
    this.pin = new Pin(this);
    this.litMark = element("div", "corral-mark corral-lit-mark", this.stage);
    this.marks = new MarkedPoints(this);
    this.guess = new Guess(this);
    this.events = new Events();
    this.send = (name, value) => this.events.send(name, value);
    this.hover = new Hover(this);
    this.legend = new Legend(this);
    this.travel = new Travel(this);
    this.gestures = new Gestures(this);
    this.chips = new Chips(this);
    this.texts = new Texts(this);
    this.strokes = new Strokes(this);
    this.answers = new Answers(this);
    this.count = 0;
    this.size = { width: 0, height: 0 }; // of the stage within its border
    /** @type {View} */
    this.range = { x: [-1, 1], y: [-1, 1] };
    this.painter = makePainter(this.canvas, () => this.draw());
    this.leaving = new AbortController();
    const on = (target, name, listener, more) =>
      target.addEventListener(name, listener, { signal: this.leaving.signal, ...more });
    this.gestures.listen(on);
    this.chips.listen(on);
    on(document, "keydown", (event) => keyPressed(this, event));
    on(window, "keydown", (event) => this.strokes.take(event), { capture: true });
    this.texts.listen(on); // a key that begins or ends strokes is none of theirs
    this.answers.listen(on); // nor is one on marked texts an answer
    new Ahead(this).listen(on);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.stage);
  }

  destroy() {
    this.destroyed = true;
    this.leaving.abort();
    this.observer.disconnect();
    this.texts.changes.disconnect();
    this.events.end();
    this.painter.destroy();
    if (this.ready) globalThis.Plotly.purge(this.chart);
    this.root.remove();
  }

  // ------------------------------------------------------------ what comes from the server

  configure(data, setTriggerValue) {
    const first = !this.data;
    this.data = data;
    if (!data.outlined) this.outline.clear();
    if (data.spoken) speak(data.spoken);
    this.texts.watch();
    this.events.configure(data.answered, setTriggerValue);
    this.stage.style.height = data.height;
    this.hover.forget(data.seq);
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
    this.legend.draw();
    this.chips.check();
    this.guess.answered(this.events.answered);
    if (first) {
      this.plot();
      for (const channel of ["positions", "colours", "labels", "selection", "hidden"]) this.take(channel);
    } else if (this.ready && themed) {
      globalThis.Plotly.relayout(this.chart, { "modebar.color": this.painter.quiet, "modebar.activecolor": this.ink });
    }
    this.pin.configure(data.pinned);
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
    } else if (channel === "labels") {
      this.labels = wire.bytes.length ? new Uint16Array(wire.bytes.buffer) : null;
    } else if (channel === "selection") {
      return this.marks.select(wire.bytes.length ? wire.bytes : null);
    } else {
      this.hidden = wire.bytes.length ? wire.bytes : null;
      this.drawnOn = wire.id;
    }
    this.order = null;
    this.draw();
  }

  move(positions, id) {
    const travels = this.positionsId && positions.length === this.positions.length && this.ready;
    const before = travels && { positions: this.positions, range: { ...this.range } };
    this.positions = positions;
    this.positionsId = id;
    this.count = positions.length / 2;
    this.grid = this.order = null;
    this.hover.texts.clear(); // of other texts perhaps, under the same numbers
    this.hover.end();
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
    globalThis.Plotly.react(this.chart, tracesOf(target), { ...this.chart.layout, uirevision: this.positionsId });
    this.draw();
  }

  lookAt({ x, y }) {
    if (this.ready) globalThis.Plotly.relayout(this.chart, { "xaxis.range": [...x], "yaxis.range": [...y] });
  }

  goHome() {
    this.lookAt(fit(this.positions, (row) => !this.isHidden(row)));
  }

  goToSelection() {
    const { selected } = this.marks;
    if (selected) this.lookAt(fit(this.positions, (row) => bit(selected, row) && !this.isHidden(row)));
  }

  isHidden(row) {
    return this.hidden !== null && this.hidden !== undefined && bit(this.hidden, row) === 1;
  }

  // ------------------------------------------------------------ plotly's part

  async plot() {
    const Plotly = await plotly();
    if (this.destroyed) return;
    await Plotly.newPlot(this.chart, tracesOf(this.range), layoutOf(this), {
      scrollZoom: true,
      displaylogo: false,
      displayModeBar: true,
      doubleClick: false,
      modeBarButtons: toolsOf(this, Plotly.Icons),
    });
    if (this.destroyed) return Plotly.purge(this.chart);
    this.ready = true;
    this.chart.on("plotly_relayouting", (event) => this.follow(event));
    this.chart.on("plotly_relayout", (event) => this.follow(event));
    this.resize();
    this.root.dataset.ready = "true";
  }

  follow(event) {
    Object.assign(this.range, viewAfter(event ?? {}, this.chart.layout));
    this.hover.end();
    this.drawMoving();
  }

  // ------------------------------------------------------------ what a person does

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

  drawn(path, how) {
    // Drawn on the part of this very map that is shown: else the rows would be others.
    if (!this.mode || !this.drawnOn?.startsWith(this.positionsId)) return;
    const corners = this.outline.keep(path, how);
    const [x, y] = [corners.map((corner) => corner.x), corners.map((corner) => corner.y)];
    this.send("drawn", { kind: this.mode, x, y, how, map: this.drawnOn });
    if (this.mode === "box" || corners.length > 2) this.guess.make(corners, how, path.at(-1));
  }

  // The point of a row of the table.
  light(row) {
    const lit = row === undefined || !this.data?.interactive ? null : Number(row);
    if (lit === (this.lit ?? null)) return;
    this.lit = lit;
    this.place(this.litMark, lit);
  }

  get cells() {
    return (this.grid ??= makeGrid(this.positions, fit(this.positions)));
  }

  // ------------------------------------------------------------ drawing

  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) return;
    this.size = { width, height };
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
      this.order = drawingOrder(this.positions, this.codes, this.hidden);
      this.painter.setOrder(this.order);
      this.marks.fresh = false;
    }
    this.paint();
    this.pin.draw();
    this.place(this.litMark, this.lit);
    this.outline.draw();
    this.regions.draw();
    Object.assign(this.root.dataset, { drawn: n, colours: this.coloursId });
  }

  paint() {
    this.marks.refresh();
    this.painter.draw(this.range, this.travel.eased, this.pointSize(), this.moving);
    const { nSelected, lit, rows } = this.marks;
    Object.assign(this.root.dataset, { selected: nSelected, lit: lit ? rows.length : "" });
  }

  // In pixels of the canvas.
  pointSize() {
    return pointWidth(this.count, this.size) * (devicePixelRatio || 1);
  }

  place(mark, row) {
    const x = row === undefined || row === null || !this.positions ? NaN : this.positions[2 * row];
    mark.hidden = Number.isNaN(x) || this.travel.t < 1 || this.isHidden(row);
    if (mark.hidden) return;
    const at = onStage({ x, y: this.positions[2 * row + 1] }, this.range, { width: 100, height: 100 });
    mark.style.left = `${at.x}%`;
    mark.style.top = `${at.y}%`;
  }
}
