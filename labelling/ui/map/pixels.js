// @ts-check
// The painter of the points where there is no graphics card, and the choice between the two.

const PART_SIZES = [0.85, 1.1, 1.5]; // of the quiet points, the coloured and the selected: as the shader has them
const MARKED_ALPHA = 0.95;
const SLOW_FRAME_MS = 40;
const FAST_SIZE = 4; // pixels: below it points are squares of one colour

class PixelPainter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.version = 0; // of what is drawn below the marks
    /** @type {Map<number | null, {key: string, pixels: Uint32Array}>} */
    this.below = new Map(); // pictures of it, by how faded
  }

  positions(from, to) {
    this.version++;
    this.from = from;
    this.to = to;
  }

  colours(codes) {
    this.version++;
    this.codes = codes;
  }

  setOrder(order) {
    this.version++;
    this.order = order;
  }

  setMarks(marks) {
    this.marks = marks;
  }

  palette(entries, ink, paper) {
    this.version++;
    this.quiet = quietColour(ink, paper);
    this.ink = rgb(ink);
    this.paper = rgb(paper);
    this.entries = entries.map((entry) => ({ ...entry, colour: rgb(entry.colour ?? this.quiet) }));
  }

  // `coarse`: of many points, a sample will do.
  draw(range, t, size, coarse) {
    const { order, marks } = this;
    if (!order || !marks || !this.fits()) return;
    const few = coarse && this.slow;
    const stride = few ? Math.ceil(order.rows.length / COARSE_POINTS) : 1;
    const scale = this.scale(range, t, size);
    if (stride > 1 || (t < 1 && this.from !== this.to) || !this.isFlat(size)) {
      const marked = this.isFlat(size) ? null : flags(this.to.length / 2, marks.rows);
      this.drawBelow(scale, faded(marks), stride, marked);
    } else this.pixels.set(this.pictureBelow(scale, faded(marks)));
    this.drawPart(marks.rows, 0, marks.rows.length, 2, MARKED_ALPHA, scale, stride);
    this.context.putImageData(this.image, 0, 0);
  }

  // What a first lasso fades the points to: at its end only the marks are left to be drawn.
  prepare(range, size) {
    if (this.marks && this.fits() && this.isFlat(size))
      this.pictureBelow(this.scale(range, 1, size), faded({ ...this.marks, rows: this.order.rows }));
  }

  // Whether there is a picture to draw in, as large as the canvas.
  fits() {
    const { width, height } = this.canvas;
    if (!width || !height) return false;
    if (this.image?.width !== width || this.image.height !== height) {
      this.image = this.context.createImageData(width, height);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    return true;
  }

  scale({ x, y }, t, size) {
    const { width, height } = this.image;
    return { x0: x[0], y1: y[1], perX: width / (x[1] - x[0]), perY: height / (y[1] - y[0]), t, size };
  }

  // Whether all points are squares of one colour: then a mark hides the point below it.
  isFlat(size) {
    return this.entries.every((entry) => !this.look(entry, Math.max(1, size * PART_SIZES[2]), 2, MARKED_ALPHA).stamp);
  }

  // All points without their marks: drawn once, until something of it changes.
  pictureBelow(scale, fade) {
    const { width, height } = this.image;
    const key = JSON.stringify([this.version, scale, width, height]);
    const kept = this.below.get(fade);
    if (kept?.key === key) return kept.pixels;
    this.drawBelow(scale, fade, 1, null);
    const pixels = kept?.pixels.length === this.pixels.length ? kept.pixels : new Uint32Array(this.pixels.length);
    pixels.set(this.pixels);
    this.below.set(fade, { key, pixels });
    return pixels;
  }

  drawBelow(scale, fade, stride, marked) {
    const begun = performance.now();
    this.pixels.fill(packed(this.paper));
    let start = 0;
    this.order.ends.forEach((end, part) => {
      this.drawPart(this.order.rows, start, end, part, fade ?? [0.75, 0.95][part], scale, stride, marked);
      start = end;
    });
    if (stride === 1) this.slow = performance.now() - begun > SLOW_FRAME_MS;
  }

  drawPart(rows, start, end, part, alpha, { x0, y1, perX, perY, t, size: unit }, stride, marked = null) {
    const { from, to, codes, pixels } = this;
    const { width, height } = this.image;
    const size = Math.max(1, unit * PART_SIZES[part]);
    const looks = this.entries.map((entry) => this.look(entry, size, part, alpha));
    const still = t === 1 || from === to;
    for (let k = start; k < end; k += stride) {
      const row = rows[k];
      if (marked && marked[row]) continue;
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
      stamp: fast ? null : stamp(shape, Math.ceil(size) + 1, size, part === 2 && !this.marks.lit, hollow),
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
