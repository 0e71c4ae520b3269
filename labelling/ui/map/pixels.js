// @ts-check
// The painter of the points where there is no graphics card, and the choice between the two.

const PART_SIZES = [0.85, 1.1, 1.5]; // of the quiet points, the coloured and the selected: as the shader has them
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
    this.entries = entries.map((entry) => ({ ...entry, colour: rgb(entry.colour ?? this.quiet) }));
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
    const alpha = (part < 2 ? faded(this.order) : null) ?? (part === 0 ? 0.75 : 0.95);
    const looks = this.entries.map((entry) => this.look(entry, size, part, alpha));
    const still = t === 1 || from === to;
    for (let k = start; k < end; k++) {
      const row = rows[k];
      let x = to[2 * row];
      let y = to[2 * row + 1];
      if (!still) {
        x = from[2 * row] * (1 - t) + x * t;
        y = from[2 * row + 1] * (1 - t) + y * t;
      }
      const { side, flat, stamp, colour } = looks[codes[row]];
      const left = Math.round((x - x0) * perX - side / 2);
      const top = Math.round((y1 - y) * perY - side / 2);
      if (left < 0 || top < 0 || left + side > width || top + side > height) {
        if (left + side <= 0 || top + side <= 0 || left >= width || top >= height) continue;
        if (!stamp) continue;
      }
      if (stamp) {
        this.blend(left, top, side, stamp, colour, alpha);
        continue;
      }
      for (let line = top; line < top + side; line++) {
        const at = line * width + left;
        for (let i = 0; i < side; i++) pixels[at + i] = flat;
      }
    }
  }

  // How a point of this entry is drawn: as a stamp, or where it is too small for one as a square of one colour.
  look({ colour, shape, hollow }, least, part, alpha) {
    const size = hollow ? Math.max(least, Math.min(6, 2 * least)) : least; // as the shader has it
    const fast = size < FAST_SIZE;
    return {
      colour,
      side: fast ? Math.max(1, Math.round(size)) : Math.ceil(size) + 1,
      flat: packed(mixed(this.paper, colour, hollow ? alpha * 0.5 : alpha)),
      stamp: fast ? null : stamp(shape, Math.ceil(size) + 1, size, part === 2 && !this.order.lit, hollow),
    };
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

// WebGL that runs on the processor takes a third of a second for a million points; writing the pixels ourselves is ten
// times quicker there. It serves, too, where there is no WebGL at all.
function makePainter(canvas, redraw) {
  const asked = document.createElement("canvas").getContext("webgl2");
  const about = asked?.getExtension("WEBGL_debug_renderer_info");
  const renderer = asked ? String(asked.getParameter(about ? about.UNMASKED_RENDERER_WEBGL : asked.RENDERER)) : "";
  asked?.getExtension("WEBGL_lose_context")?.loseContext();
  const slow = /swiftshader|llvmpipe|software|basic render/i.test(renderer);
  if (!asked || (globalThis.__corralPainter ?? (slow ? "pixels" : "webgl")) === "pixels") return new PixelPainter(canvas);
  return new GlPainter(canvas, canvas.getContext("webgl2", { antialias: false }), redraw);
}
