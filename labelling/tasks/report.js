// @ts-check
// Draws the map of a page of results; the rest of that page needs no script.
{
  /** @type {{ xy: string, codes: string, styles: [string, string][], width: number, height: number,
   *   words: [string, number, number][] }} */
  const data = JSON.parse(document.getElementById("points").textContent);
  const root = document.documentElement;
  const host = document.getElementById("map");
  const canvas = host.querySelector("canvas");
  const paper = canvas.getContext("2d");
  const numbers = (/** @type {string} */ packed) => {
    const bytes = Uint8Array.from(atob(packed), (char) => char.charCodeAt(0));
    return new Uint16Array(bytes.buffer);
  };
  const [xy, codes] = [numbers(data.xy), numbers(data.codes)];
  let lit = -1; // the style that is lit up, -1 for all alike

  // The size of a point, in pixels of the page: fewer are larger.
  const size = Math.min(9, Math.max(1.8, 42 / Math.pow(Math.max(codes.length, 1), 0.28)));

  function stamp([path, colour], scale) {
    const side = Math.ceil(size * scale) + 2;
    const made = new OffscreenCanvas(side, side);
    const on = made.getContext("2d");
    on.translate(side / 2, side / 2);
    on.scale((size * scale) / 2, (size * scale) / 2);
    on.fillStyle = colour;
    on.fill(new Path2D(path));
    return made;
  }

  function draw() {
    const colours = getComputedStyle(root);
    const ink = (/** @type {string} */ name) => colours.getPropertyValue(name).trim();
    const scale = Math.max(devicePixelRatio, root.classList.contains("printed") ? 3 : 1);
    const [wide, high] = [host.clientWidth, host.clientHeight];
    canvas.width = Math.round(wide * scale);
    canvas.height = Math.round(high * scale);
    paper.fillStyle = ink("--paper");
    paper.fillRect(0, 0, canvas.width, canvas.height);
    const margin = 22;
    // One scale for both directions: distances on the map are what is looked at.
    const unit = Math.min((wide - 2 * margin) / data.width, (high - 2 * margin) / data.height);
    const [left, top] = [(wide - unit * data.width) / 2, (high - unit * data.height) / 2];
    const x = (part) => (left + (part / 65535) * data.width * unit) * scale;
    const y = (part) => (top + (1 - part / 65535) * data.height * unit) * scale;
    const stamps = data.styles.map(([path, colour]) => stamp([path, colour || ink("--point")], scale));
    const half = stamps.length ? stamps[0].width / 2 : 0;
    for (const last of lit < 0 ? [false] : [false, true]) { // what is lit up lies over the rest
      for (let i = 0; i < codes.length; i++) {
        if (lit >= 0 && (codes[i] === lit) !== last) continue;
        paper.globalAlpha = lit < 0 ? (codes[i] ? 0.85 : 0.7) : last ? 1 : 0.13;
        paper.drawImage(stamps[codes[i]], x(xy[2 * i]) - half, y(xy[2 * i + 1]) - half);
      }
    }
    words(ink, scale, x, y);
  }

  // The regions' words, the largest region's first; one that would lie over another is left out.
  function words(ink, scale, x, y) {
    paper.globalAlpha = 1;
    paper.font = `600 ${13 * scale}px system-ui, sans-serif`;
    paper.textAlign = "center";
    paper.textBaseline = "middle";
    paper.lineJoin = "round";
    paper.lineWidth = 4 * scale;
    const taken = [];
    for (const [word, at, up] of data.words) {
      const [w, h] = [paper.measureText(word).width / 2 + 4 * scale, 9 * scale];
      const cx = Math.min(Math.max(x(at), w), canvas.width - w);
      const cy = Math.min(Math.max(y(up), h), canvas.height - h);
      if (taken.some(([ox, oy, ow]) => Math.abs(ox - cx) < ow + w && Math.abs(oy - cy) < 2 * h)) continue;
      taken.push([cx, cy, w]);
      paper.strokeStyle = ink("--paper");
      paper.strokeText(word, cx, cy);
      paper.fillStyle = ink("--ink");
      paper.fillText(word, cx, cy);
    }
  }

  let asked = 0;
  const again = () => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(draw);
  };
  for (const row of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("tr[data-label]"))) {
    const light = (/** @type {number} */ style) => () => {
      lit = style;
      again();
    };
    const own = Number(row.dataset.label);
    for (const name of ["pointerenter", "focus"]) row.addEventListener(name, light(own));
    for (const name of ["pointerleave", "blur"]) row.addEventListener(name, light(-1));
  }
  new ResizeObserver(again).observe(host);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  // On paper it is light whatever the screen is, and all labels are there.
  addEventListener("beforeprint", () => {
    lit = -1;
    root.classList.add("printed");
    draw();
  });
  addEventListener("afterprint", () => {
    root.classList.remove("printed");
    draw();
  });
  draw();
}
