// @ts-check
// Colours as the painters need them, and the shapes of the points.

let probe = null; // a pixel that is painted to ask for a colour's parts

/** @type {(colour: string) => [number, number, number]} */
function rgb(colour) {
  probe ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}

// Unlabelled points: between ink and paper, so that they stay quiet in light and in dark.
function quietColour(ink, paper) {
  const [a, b] = [rgb(ink), rgb(paper)];
  return `rgb(${a.map((value, i) => Math.round(value * 0.3 + b[i] * 0.7)).join(",")})`;
}

const packed = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const mixed = (paper, colour, alpha) => colour.map((value, i) => Math.round(paper[i] + (value - paper[i]) * alpha));

// How much of each pixel of a point of this shape is covered, and how much of that is its ring: as the shader has it.
function stamp(shape, side, size, ringed, hollow = false) {
  const [cover, ring] = [new Float32Array(side * side), new Float32Array(side * side)];
  const soft = 2 / size;
  const inner = 1 - soft - Math.max(1.2 * soft, 0.3) - (ringed ? soft : 0); // where the hole of a hollow one ends
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
      if (hollow) cover[j * side + i] *= smooth(inner - soft, inner, distance);
      if (ringed) ring[j * side + i] = smooth(1 - 2 * soft, 1 - soft, distance) * Math.min(1, size / 9);
    }
  }
  return { cover, ring };
}
