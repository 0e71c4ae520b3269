// @ts-check
// The pin: the text that is shown whole below the list, and ringed on the map. A second click on it, or Escape, takes it
// out again. One module with the others.

class Pin {
  constructor(map) {
    this.map = map;
    this.mark = element("div", "corral-mark", map.stage);
    /** @type {number | null} */
    this.row = null;
  }

  // What the server says, unless more was done since.
  configure(row) {
    if (!this.map.events.waiting.length) this.row = row ?? null;
    this.draw();
  }

  draw() {
    this.map.place(this.mark, this.row);
  }

  toggle(row) {
    if (!this.map.data.interactive) return;
    this.row = this.row === row ? null : row;
    this.map.send("picked", { row: this.row, map: this.map.drawnOn });
    this.draw();
  }
}
