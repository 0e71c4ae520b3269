// @ts-check
// The painter of the points for computers with a graphics card: the card does it all.

const VERTEX = `#version 300 es
in vec2 a_from; in vec2 a_to; in uint a_colour; in uint a_marked;
uniform vec4 u_range; uniform float u_t, u_size; uniform float u_faded; uniform int u_part;
uniform sampler2D u_palette;
flat out vec3 v_colour; flat out float v_alpha; flat out int v_shape, v_hollow; flat out float v_size;
void main() {
  vec2 unit = (mix(a_from, a_to, u_t) - u_range.xy) / (u_range.zw - u_range.xy);
  gl_Position = u_part < 2 && a_marked > 0u ? vec4(2.0, 2.0, 2.0, 1.0) : vec4(unit * 2.0 - 1.0, 0.0, 1.0);
  v_size = max(1.0, u_size * (u_part == 2 ? 1.5 : u_part == 1 ? 1.1 : 0.85));
  vec4 entry = texelFetch(u_palette, ivec2(int(a_colour), 0), 0);
  v_colour = entry.rgb;
  int form = int(entry.a * 255.0 + 0.5);
  v_shape = form & 3;
  v_hollow = form >> 2;
  if (v_hollow == 1) v_size = max(v_size, min(6.0, 2.0 * v_size));
  gl_PointSize = v_size;
  v_alpha = u_faded > 0.0 && u_part < 2 ? u_faded : u_part == 0 ? 0.75 : 0.95;
}`;

// Below 4 pixels a shape can't be told: whole pixels, without the arithmetic of a soft edge. Hollow ones are faint then.
const FRAGMENT = `#version 300 es
precision mediump float;
flat in vec3 v_colour; flat in float v_alpha; flat in int v_shape, v_hollow; flat in float v_size;
uniform vec3 u_ink; uniform bool u_ringed; uniform highp int u_part;
out vec4 colour;
void main() {
  if (v_size < 4.0) { colour = vec4(v_colour, v_hollow == 1 ? v_alpha * 0.5 : v_alpha); return; }
  vec2 p = gl_PointCoord * 2.0 - 1.0;
  float d = v_shape == 0 ? length(p)
    : v_shape == 1 ? max(abs(p.x), abs(p.y)) * 1.12
    : v_shape == 2 ? max(abs(p.x) * 0.9 - p.y * 0.5 + 0.05, p.y) * 1.08
    : abs(p.x) + abs(p.y);
  float soft = 2.0 / v_size;
  float cover = 1.0 - smoothstep(1.0 - soft, 1.0, d);
  float inner = 1.0 - soft - max(1.2 * soft, 0.3) - (u_part == 2 ? soft : 0.0);
  if (v_hollow == 1) cover *= smoothstep(inner - soft, inner, d);
  if (cover <= 0.0) discard;
  float ring = u_part == 2 && u_ringed ? smoothstep(1.0 - 2.0 * soft, 1.0 - soft, d) * min(1.0, v_size / 9.0) : 0.0;
  colour = vec4(mix(v_colour, u_ink, ring), v_alpha * cover);
}`;

class GlPainter {
  slow = false; // a graphics card draws them all in no time, so it asks for no sample of them

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
      if (this.marks) this.setMarks(this.marks);
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
    for (const name of ["range", "t", "size", "faded", "ringed", "part", "ink"]) {
      this.at[name] = gl.getUniformLocation(program, `u_${name}`);
    }
    this.buffers = {};
    for (const name of ["from", "to", "colour", "marked"]) {
      const place = gl.getAttribLocation(program, `a_${name}`);
      this.buffers[name] = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
      gl.enableVertexAttribArray(place);
      if (name === "colour" || name === "marked") gl.vertexAttribIPointer(place, 1, gl.UNSIGNED_BYTE, 0, 0);
      else gl.vertexAttribPointer(place, 2, gl.FLOAT, false, 0, 0);
    }
    this.indices = gl.createBuffer();
    this.indicesMarked = gl.createBuffer();
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

  setMarks(marks) {
    const { gl } = this;
    this.marks = marks;
    this.fill("marked", flags(this.kept.to.length / 2, marks.rows));
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.indicesMarked);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, marks.rows, gl.DYNAMIC_DRAW);
  }

  prepare() {} // the card is quick enough

  palette(entries, ink, paper) {
    const { gl } = this;
    this.paletteGiven = [entries, ink, paper];
    this.quiet = quietColour(ink, paper);
    const texels = new Uint8Array(256 * 4);
    entries.forEach(({ colour, shape, hollow }, i) => {
      texels.set([...rgb(colour ?? this.quiet), shape + (hollow ? 4 : 0)], 4 * i);
    });
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
    gl.uniform3fv(this.at.ink, rgb(ink).map((value) => value / 255));
  }

  /** @type {(view: View, t: number, size: number, coarse?: boolean) => void} */
  draw({ x, y }, t, size) {
    const { gl, order, marks } = this;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!order || !marks) return;
    gl.uniform4f(this.at.range, x[0], y[0], x[1], y[1]);
    gl.uniform1f(this.at.t, t);
    gl.uniform1f(this.at.size, size);
    gl.uniform1f(this.at.faded, faded(marks) ?? 0);
    gl.uniform1i(this.at.ringed, marks.lit ? 0 : 1);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.indices);
    const points = (part, start, end) => {
      gl.uniform1i(this.at.part, part);
      if (end > start) gl.drawElements(gl.POINTS, end - start, gl.UNSIGNED_INT, 4 * start);
    };
    order.ends.forEach((end, part) => points(part, order.ends[part - 1] ?? 0, end));
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.indicesMarked);
    points(2, 0, marks.rows.length);
  }

  destroy() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
