// The points of the map: where they are, which are drawn in what order, and the two ways to draw them.
// Goes before map.js, in one module.

const bit = (bytes, row) => (bytes[row >> 3] >> (7 - (row & 7))) & 1;

// The ranges that show all points, or those of the rows that are `wanted`, with a little room around them.
function fit(positions, wanted) {
  const range = {};
  for (const [offset, axis] of [[0, "x"], [1, "y"]]) {
    let low = Infinity;
    let high = -Infinity;
    for (let i = offset; i < positions.length; i += 2) {
      if (wanted && !wanted(i >> 1)) continue;
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


// Which rows are drawn, in what order: the quiet ones, then the coloured, then the selected on top. Hidden ones and
// those without a position are left out. `coarse` is an even sample of the same, for while the map moves.
function drawingOrder(positions, codes, selected, hidden) {
  const n = positions.length / 2;
  const counts = [0, 0, 0];
  const part = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    if (Number.isNaN(positions[2 * i]) || (hidden && bit(hidden, i))) part[i] = 3;
    else counts[(part[i] = selected && bit(selected, i) ? 2 : codes[i] ? 1 : 0)]++;
  }
  const next = [0, counts[0], counts[0] + counts[1]];
  const rows = new Uint32Array(counts[0] + counts[1] + counts[2]);
  for (let i = 0; i < n; i++) if (part[i] < 3) rows[next[part[i]]++] = i;
  const stride = Math.ceil(rows.length / COARSE_POINTS);
  const coarse = stride > 1 ? rows.filter((_, k) => k % stride === 0) : rows;
  const ends = [counts[0], counts[0] + counts[1], rows.length];
  return { rows, ends, coarse, coarseEnds: ends.map((end) => Math.ceil(end / stride)), counts };
}
const COARSE_POINTS = 120_000;
const PART_SIZES = [0.85, 1.1, 1.5];

// ---------------------------------------------------------------- painters

const VERTEX = `#version 300 es
in vec2 a_from; in vec2 a_to; in uint a_colour;
uniform vec4 u_range; uniform float u_t, u_size; uniform bool u_any; uniform int u_part;
uniform sampler2D u_palette;
flat out vec3 v_colour; flat out float v_alpha; flat out int v_shape; flat out float v_size;
void main() {
  vec2 unit = (mix(a_from, a_to, u_t) - u_range.xy) / (u_range.zw - u_range.xy);
  gl_Position = vec4(unit * 2.0 - 1.0, 0.0, 1.0);
  v_size = max(1.0, u_size * (u_part == 2 ? 1.5 : u_part == 1 ? 1.1 : 0.85));
  gl_PointSize = v_size;
  vec4 entry = texelFetch(u_palette, ivec2(int(a_colour), 0), 0);
  v_colour = entry.rgb;
  v_shape = int(entry.a * 255.0 + 0.5);
  v_alpha = u_any && u_part < 2 ? 0.4 : u_part == 0 ? 0.75 : 0.95;
}`;

// Below 4 pixels a shape can't be told: whole pixels, without the arithmetic of a soft edge.
const FRAGMENT = `#version 300 es
precision mediump float;
flat in vec3 v_colour; flat in float v_alpha; flat in int v_shape; flat in float v_size;
uniform vec3 u_ink; uniform highp int u_part;
out vec4 colour;
void main() {
  if (v_size < 4.0) { colour = vec4(v_colour, v_alpha); return; }
  vec2 p = gl_PointCoord * 2.0 - 1.0;
  float d = v_shape == 0 ? length(p)
    : v_shape == 1 ? max(abs(p.x), abs(p.y)) * 1.12
    : v_shape == 2 ? max(abs(p.x) * 0.9 - p.y * 0.5 + 0.05, p.y) * 1.08
    : abs(p.x) + abs(p.y);
  float soft = 2.0 / v_size;
  float cover = 1.0 - smoothstep(1.0 - soft, 1.0, d);
  if (cover <= 0.0) discard;
  float ring = u_part == 2 ? smoothstep(1.0 - 2.0 * soft, 1.0 - soft, d) * min(1.0, v_size / 9.0) : 0.0;
  colour = vec4(mix(v_colour, u_ink, ring), v_alpha * cover);
}`;

function rgb(colour) {
  const probe = (rgb.context ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true }));
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data.subarray(0, 3)];
}

// Unlabelled points: between ink and paper, so that they stay quiet in light and in dark.
function quietColour(ink, paper) {
  const [a, b] = [rgb(ink), rgb(paper)];
  return `rgb(${a.map((value, i) => Math.round(value * 0.3 + b[i] * 0.7)).join(",")})`;
}

// WebGL that runs on the processor takes a third of a second for a million points; writing the pixels ourselves is ten
// times quicker there. It serves, too, where there is no WebGL at all.
function makePainter(canvas, redraw) {
  const asked = document.createElement("canvas").getContext("webgl2");
  const about = asked?.getExtension("WEBGL_debug_renderer_info");
  const renderer = asked ? String(asked.getParameter(about ? about.UNMASKED_RENDERER_WEBGL : asked.RENDERER)) : "";
  asked?.getExtension("WEBGL_lose_context")?.loseContext();
  const slow = /swiftshader|llvmpipe|software|basic render/i.test(renderer);
  if (!asked || (globalThis.__corralPainter ?? (slow ? "pixels" : "webgl")) === "pixels") return new PixelPainter(canvas);
  return new GlPainter(canvas, canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: false }), redraw);
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
      if (this.order) this.setOrder(this.order);
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
    this.at = {};
    for (const name of ["range", "t", "size", "any", "part", "ink"]) {
      this.at[name] = gl.getUniformLocation(program, `u_${name}`);
    }
    this.buffers = {};
    for (const name of ["from", "to", "colour"]) {
      const place = gl.getAttribLocation(program, `a_${name}`);
      this.buffers[name] = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
      gl.enableVertexAttribArray(place);
      if (name === "colour") gl.vertexAttribIPointer(place, 1, gl.UNSIGNED_BYTE, 0, 0);
      else gl.vertexAttribPointer(place, 2, gl.FLOAT, false, 0, 0);
    }
    this.indices = gl.createBuffer();
    gl.enable(gl.BLEND);
    gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  }

  fill(name, values) {
    this.kept[name] = values;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers[name]);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, values, this.gl.DYNAMIC_DRAW);
  }

  positions(from, to) {
    if (this.kept.from !== from) this.fill("from", from);
    if (this.kept.to !== to) this.fill("to", to);
  }

  colours(codes) {
    this.fill("colour", codes);
  }

  setOrder(order) {
    const { gl } = this;
    this.order = order;
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.indices);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, order.rows, gl.DYNAMIC_DRAW);
  }

  palette(entries, ink, paper) {
    const { gl } = this;
    this.paletteGiven = [entries, ink, paper];
    this.quiet = quietColour(ink, paper);
    const texels = new Uint8Array(256 * 4);
    entries.forEach(({ colour, shape }, i) => texels.set([...rgb(colour ?? this.quiet), shape], 4 * i));
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
    gl.uniform3fv(this.at.ink, rgb(ink).map((value) => value / 255));
  }

  draw({ x, y }, t, size) {
    const { gl, order } = this;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!order) return;
    gl.uniform4f(this.at.range, x[0], y[0], x[1], y[1]);
    gl.uniform1f(this.at.t, t);
    gl.uniform1f(this.at.size, size);
    gl.uniform1i(this.at.any, order.counts[2] ? 1 : 0);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.indices);
    let start = 0;
    order.ends.forEach((end, part) => {
      gl.uniform1i(this.at.part, part);
      if (end > start) gl.drawElements(gl.POINTS, end - start, gl.UNSIGNED_INT, 4 * start);
      start = end;
    });
  }

  destroy() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
const SLOW_FRAME_MS = 40;
const FAST_SIZE = 4; // pixels: below it points are squares of one colour

class PixelPainter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  positions(from, to) {
    this.from = from;
    this.to = to;
  }

  colours(codes) {
    this.codes = codes;
  }

  setOrder(order) {
    this.order = order;
  }

  palette(entries, ink, paper) {
    this.quiet = quietColour(ink, paper);
    this.ink = rgb(ink);
    this.paper = rgb(paper);
    this.entries = entries.map(({ colour, shape }) => ({ colour: rgb(colour ?? this.quiet), shape }));
  }

  draw(range, t, size, coarse) {
    const { canvas, context, order } = this;
    const { width, height } = canvas;
    if (!order || !width || !height) return;
    if (this.image?.width !== width || this.image.height !== height) {
      this.image = context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const begun = performance.now();
    const few = coarse && this.slow;
    const rows = few ? order.coarse : order.rows;
    this.pixels.fill(packed(this.paper));
    const [x0, y1] = [range.x[0], range.y[1]];
    const [perX, perY] = [width / (range.x[1] - x0), height / (y1 - range.y[0])];
    let start = 0;
    (few ? order.coarseEnds : order.ends).forEach((end, part) => {
      const scale = { x0, y1, perX, perY, t };
      if (end > start) this.drawPart(rows, start, end, part, Math.max(1, size * PART_SIZES[part]), scale);
      start = end;
    });
    context.putImageData(this.image, 0, 0);
    if (!few) this.slow = performance.now() - begun > SLOW_FRAME_MS;
  }

  drawPart(rows, start, end, part, size, { x0, y1, perX, perY, t }) {
    const { from, to, codes, pixels } = this;
    const { width, height } = this.image;
    const alpha = this.order.counts[2] && part < 2 ? 0.4 : part === 0 ? 0.75 : 0.95;
    const fast = size < FAST_SIZE;
    const side = fast ? Math.max(1, Math.round(size)) : Math.ceil(size) + 1;
    const half = side / 2;
    const flat = new Uint32Array(this.entries.map(({ colour }) => packed(mixed(this.paper, colour, alpha))));
    const stamps = fast ? null : this.entries.map(({ shape }) => stamp(shape, side, size, part === 2));
    const still = t === 1 || from === to;
    for (let k = start; k < end; k++) {
      const row = rows[k];
      let x = to[2 * row];
      let y = to[2 * row + 1];
      if (!still) {
        x = from[2 * row] * (1 - t) + x * t;
        y = from[2 * row + 1] * (1 - t) + y * t;
      }
      const left = Math.round((x - x0) * perX - half);
      const top = Math.round((y1 - y) * perY - half);
      if (left < 0 || top < 0 || left + side > width || top + side > height) {
        if (left + side <= 0 || top + side <= 0 || left >= width || top >= height) continue;
        if (fast) continue;
      }
      if (!fast) {
        this.blend(left, top, side, stamps[codes[row]], this.entries[codes[row]].colour, alpha);
        continue;
      }
      const colour = flat[codes[row]];
      for (let line = top; line < top + side; line++) {
        const at = line * width + left;
        for (let i = 0; i < side; i++) pixels[at + i] = colour;
      }
    }
  }

  blend(left, top, side, { cover, ring }, [red, green, blue], alpha) {
    const { data, width, height } = this.image;
    const [inkRed, inkGreen, inkBlue] = this.ink;
    for (let j = Math.max(0, -top); j < side && top + j < height; j++) {
      for (let i = Math.max(0, -left); i < side && left + i < width; i++) {
        const a = cover[j * side + i] * alpha;
        if (!a) continue;
        const edge = ring[j * side + i];
        const at = 4 * ((top + j) * width + left + i);
        data[at] += (red + (inkRed - red) * edge - data[at]) * a;
        data[at + 1] += (green + (inkGreen - green) * edge - data[at + 1]) * a;
        data[at + 2] += (blue + (inkBlue - blue) * edge - data[at + 2]) * a;
      }
    }
  }

  destroy() {}
}

const packed = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const mixed = (paper, colour, alpha) => colour.map((value, i) => Math.round(paper[i] + (value - paper[i]) * alpha));

// How much of each pixel of a point of this shape is covered, and how much of that is its ring: as the shader has it.
function stamp(shape, side, size, ringed) {
  const [cover, ring] = [new Float32Array(side * side), new Float32Array(side * side)];
  const soft = 2 / size;
  const smooth = (low, high, value) => {
    const part = Math.min(1, Math.max(0, (value - low) / (high - low)));
    return part * part * (3 - 2 * part);
  };
  for (let j = 0; j < side; j++) {
    for (let i = 0; i < side; i++) {
      const [x, y] = [i, j].map((at) => ((at + 0.5 - side / 2) / size) * 2);
      const distance = [
        Math.hypot(x, y),
        Math.max(Math.abs(x), Math.abs(y)) * 1.12,
        Math.max(Math.abs(x) * 0.9 - y * 0.5 + 0.05, y) * 1.08,
        Math.abs(x) + Math.abs(y),
      ][shape];
      cover[j * side + i] = 1 - smooth(1 - soft, 1, distance);
      if (ringed) ring[j * side + i] = smooth(1 - 2 * soft, 1 - soft, distance) * Math.min(1, size / 9);
    }
  }
  return { cover, ring };
}
