// The wheel over a map that is for looking only.
import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./load.js";

const { Wheel } = load("Wheel");

function page() {
  const map = (interactive) => {
    const spot = {};
    return { spot, map: { data: { interactive }, stage: { contains: (target) => target === spot } } };
  };
  const [looked, other, drawn] = [map(false), map(false), map(true)];
  const wheel = new Wheel(new Map([looked, other, drawn].map(({ map }, place) => [place, map])));
  const zooms = (target, ctrlKey = false) => {
    let heard = true;
    wheel.turned({ target, ctrlKey, stopPropagation: () => (heard = false) });
    return heard;
  };
  return { wheel, zooms, looked: looked.spot, other: other.spot, drawn: drawn.spot, beside: {} };
}

test("it scrolls the page, and zooms with Ctrl", () => {
  const { zooms, looked, drawn } = page();
  assert.equal(zooms(looked), false);
  assert.equal(zooms(looked, true), true);
  assert.equal(zooms(looked), false);
  assert.equal(zooms(drawn), true);
});

test("it zooms the map that was clicked on, until the page is scrolled or another place clicked on", () => {
  const { wheel, zooms, looked, other, beside } = page();
  wheel.pressed({ target: looked });
  assert.equal(zooms(looked), true);
  assert.equal(zooms(other), false);
  assert.equal(zooms(looked), false);
  wheel.pressed({ target: looked });
  zooms(beside);
  assert.equal(zooms(looked), false);
  wheel.pressed({ target: looked });
  wheel.pressed({ target: beside });
  assert.equal(zooms(looked), false);
});
