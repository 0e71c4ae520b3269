// @ts-check
// The wheel over a map that is for looking only: it scrolls the page, as it does beside the map. With Ctrl, which a pinch
// on a trackpad brings along, and once the map was clicked on, it zooms. One module with the others.

class Wheel {
  constructor(maps) {
    this.maps = maps;
    this.within = null; // the map that was clicked on, until the page is scrolled or another place clicked on
  }

  mapAt(target) {
    return [...this.maps.values()].find(({ stage, data }) => !data?.interactive && stage.contains(target)) ?? null;
  }

  pressed(event) {
    this.within = this.mapAt(event.target);
  }

  // Before plotly.js hears of it, which would zoom.
  turned(event) {
    const map = this.mapAt(event.target);
    if (map !== this.within) this.within = null;
    if (map && !this.within && !event.ctrlKey) event.stopPropagation();
  }
}

if (globalThis.addEventListener && !registry.wheel) {
  const wheel = (registry.wheel = new Wheel(registry.maps)); // once a page, however often this script is sent
  addEventListener("pointerdown", (event) => wheel.pressed(event), true);
  addEventListener("wheel", (event) => wheel.turned(event), { capture: true, passive: true });
}
