// @ts-check
// The legend below the map: what each colour and shape is, how many points have it, and whether they are hidden. One
// module with the others; names are only ever set as textContent.

const SHAPES = [
  "circle(50%)",
  "inset(6%)",
  "polygon(50% 4%, 100% 92%, 0 92%)",
  "polygon(50% 0, 100% 50%, 50% 100%, 0 50%)",
];

function drawSwatch(swatch, { colour, shape }) {
  swatch.style.setProperty("--corral-colour", colour);
  swatch.style.clipPath = SHAPES[shape];
}

class Legend {
  constructor(map) {
    this.map = map;
    this.root = element("div", "corral-legend", map.root);
  }

  draw() {
    const { data, painter } = this.map;
    const entries = JSON.stringify([data.chips, data.legend, data.shown, data.palette, painter.quiet]);
    if (entries === this.drawn) return;
    this.drawn = entries;
    this.root.replaceChildren();
    this.root.hidden = data.chips; // the chips beside the map tell it
    if (data.chips) return;
    if (data.shown !== null)
      element("span", "corral-legend-shown", this.root).textContent = `${data.shown.toLocaleString("en")} shown:`;
    for (const entry of data.legend) this.drawEntry(entry);
  }

  drawEntry({ name, count, code, group, hidden }) {
    const { data, painter } = this.map;
    const entry = element("span", "corral-legend-entry", this.root);
    const tag = data.interactive ? "button" : "span";
    const eye = element(tag, "corral-legend-eye", entry);
    const swatch = element("span", "corral-swatch", eye);
    const { colour, shape, hollow } = data.palette[code];
    drawSwatch(swatch, { colour: colour ?? painter.quiet, shape });
    swatch.classList.toggle("corral-hollow", Boolean(hollow));
    const words = element(tag, "corral-legend-words", entry);
    element("span", "corral-legend-name", words).textContent = name;
    element("span", "corral-legend-count", words).textContent = count.toLocaleString("en");
    entry.classList.toggle("corral-hidden", Boolean(hidden));
    if (!data.interactive) return;
    eye.title = eye.ariaLabel = hidden ? "Show these points" : "Hide these points";
    words.title = "Select these points; with shift, too";
    eye.onclick = () => this.map.send("legend", { group, what: "toggle" });
    words.onclick = (event) => this.map.send("legend", { group, what: event.shiftKey ? "add" : "new" });
  }
}
