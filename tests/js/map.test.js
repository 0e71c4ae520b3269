import assert from "node:assert/strict";
import { test } from "node:test";
import { load, plain } from "./load.js";

const SIZE = { width: 200, height: 100 };
const VIEW = { x: [-1, 3], y: [0, 10] };
const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

// Numbers that look random and are the same each time.
function* numbers(seed = 1) {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

test("what is on the stage is where it is on the map, and back", () => {
  const { onStage, onMap } = load("onStage", "onMap");
  assert.deepEqual(plain(onStage({ x: -1, y: 10 }, VIEW, SIZE)), { x: 0, y: 0 });
  assert.deepEqual(plain(onStage({ x: 3, y: 0 }, VIEW, SIZE)), { x: 200, y: 100 });
  const random = numbers();
  for (let i = 0; i < 100; i++) {
    const at = { x: random.next().value * 8 - 4, y: random.next().value * 20 - 5 };
    const back = onMap(onStage(at, VIEW, SIZE), VIEW, SIZE);
    close(back.x, at.x);
    close(back.y, at.y);
  }
});

test("a wheel zooms about the middle, and back again", () => {
  const { zoomed } = load("zoomed");
  const near = zoomed(VIEW, 0.5);
  assert.deepEqual(plain(near), { x: [0, 2], y: [2.5, 7.5] });
  assert.deepEqual(plain(zoomed(near, 2)), VIEW);
});

test("the map moves by shares of what is shown", () => {
  const { moved, between } = load("moved", "between");
  assert.deepEqual(plain(moved(VIEW, 0.25, -0.5)), { x: [0, 4], y: [-5, 5] });
  assert.deepEqual(plain(between(VIEW, { x: [1, 5], y: [10, 20] }, 0.5)), { x: [0, 4], y: [5, 15] });
});

test("the view holds all points that have a place", () => {
  const { fit } = load("fit");
  const positions = [0, 0, 10, 20, NaN, NaN];
  assert.deepEqual(plain(fit(positions)), { x: [-0.5, 10.5], y: [-1, 21] });
  assert.deepEqual(plain(fit(positions, (row) => row === 0)), { x: [-1, 1], y: [-1, 1] }, "one point has room round it");
  assert.deepEqual(plain(fit([])), { x: [-1, 1], y: [-1, 1] });
});

test("the coloured are drawn after the quiet, and what is hidden or has no place not at all", () => {
  const { drawingOrder, markedRows } = load("drawingOrder", "markedRows");
  const positions = Float32Array.from([0, 0, 1, 1, NaN, NaN, 3, 3, 4, 4]);
  const codes = Uint8Array.from([0, 1, 1, 0, 2]);
  const hidden = Uint8Array.from([0b00001000]); // row 4
  const order = drawingOrder(positions, codes, hidden);
  assert.deepEqual([...order.rows], [0, 3, 1]);
  assert.deepEqual([...order.ends], [2, 3]);
  assert.deepEqual([...drawingOrder(positions, codes, null).rows], [0, 3, 1, 4]);
  const marked = Uint8Array.from([0b10111000]);
  assert.deepEqual([...markedRows(marked, positions, hidden)], [0, 3]);
  assert.deepEqual([...markedRows(marked, positions, null)], [0, 3, 4]);
  assert.deepEqual([...markedRows(null, positions, null)], []);
});

test("an answer of the server that says what is marked already changes nothing", () => {
  const { isSame } = load("isSame");
  const [some, other, none] = [Uint8Array.of(1, 2), Uint8Array.of(1, 3), Uint8Array.of(0, 0)];
  assert.ok(isSame(some, some.slice()) && isSame(none, null) && isSame(null, none) && isSame(null, null));
  assert.ok(!isSame(some, other) && !isSame(some, null) && !isSame(null, some));
});

// A painter that draws into memory: what it has drawn is in its pixels.
function painterOf(positions, codes, order) {
  const { PixelPainter } = load("PixelPainter");
  const canvas = {
    width: 300,
    height: 200,
    getContext: () => ({
      createImageData: (width, height) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) }),
      putImageData: () => {},
    }),
  };
  const painter = new PixelPainter(canvas);
  const colours = [[187, 187, 187], [0, 114, 178], [230, 159, 0]];
  Object.assign(painter, { ink: [0, 0, 0], paper: [255, 255, 255], entries: colours.map((colour) => ({ colour, shape: 0 })) });
  painter.positions(positions, positions);
  painter.colours(codes);
  painter.setOrder(order);
  return painter;
}

test("marks over a picture that was kept are those of all points drawn anew", () => {
  const { drawingOrder } = load("drawingOrder");
  const random = numbers(3);
  const n = 5000;
  const positions = Float32Array.from({ length: 2 * n }, () => 1 + 8 * random.next().value);
  const codes = Uint8Array.from({ length: n }, () => Math.floor(3 * random.next().value));
  const order = drawingOrder(positions, codes, null);
  const view = { x: [0, 10], y: [0, 10] };
  for (const size of [1, 1.6, 2.5, 6]) {
    const kept = painterOf(positions, codes, order);
    kept.setMarks({ rows: new Uint32Array(), lit: false });
    kept.draw(view, 1, size);
    const drawn = kept.pixels.slice();
    kept.prepare(view, size);
    for (const share of [0.05, 0.4, 0]) {
      const isMarked = Array.from({ length: n }, () => random.next().value < share);
      const rows = Uint32Array.from([...isMarked.keys()].filter((row) => isMarked[row]));
      kept.setMarks({ rows, lit: false });
      kept.draw(view, 1, size);
      // Drawn anew, without what is marked below its marks.
      const anew = painterOf(positions, codes, order);
      anew.isFlat = () => false;
      anew.setMarks({ rows, lit: false });
      anew.draw(view, 1, size);
      assert.ok(kept.pixels.every((pixel, i) => pixel === anew.pixels[i]), `${share} of the points, of size ${size}`);
    }
    assert.ok(kept.pixels.every((pixel, i) => pixel === drawn[i]), "as before, where nothing is marked");
  }
});

test("of many points an even sample is drawn while the map moves, where all of them take too long", () => {
  const { drawingOrder } = load("drawingOrder");
  const n = 300_000;
  const [positions, codes] = [new Float32Array(2 * n), new Uint8Array(n)];
  const painter = painterOf(positions, codes, drawingOrder(positions, codes, null));
  const strides = [];
  painter.drawPart = (rows, start, end, part, alpha, scale, stride) => strides.push(stride);
  painter.setMarks({ rows: Uint32Array.of(1), lit: false });
  const draw = (slow, moving) => {
    painter.slow = slow;
    strides.length = 0;
    painter.draw({ x: [0, 1], y: [0, 1] }, 1, 1, moving);
    return [...strides];
  };
  assert.deepEqual(draw(true, true), [3, 3, 3]);
  assert.deepEqual(draw(false, true), [1, 1, 1]);
  assert.deepEqual(draw(true, false), [1], "the picture below was kept");
});

test("the point under the pointer is that of a search through all", () => {
  const { makeGrid, nearestRow, onStage } = load("makeGrid", "nearestRow", "onStage");
  const random = numbers(7);
  const n = 400;
  const positions = Float32Array.from({ length: 2 * n }, (_, i) => random.next().value * (i % 2 ? 10 : 4) - (i % 2 ? 0 : 1));
  positions[10] = positions[11] = NaN;
  const grid = makeGrid(positions, VIEW);
  const isHidden = (row) => row % 7 === 0;
  for (let i = 0; i < 200; i++) {
    const at = { x: random.next().value * SIZE.width, y: random.next().value * SIZE.height };
    let [best, least] = [-1, 8 * 8];
    for (let row = 0; row < n; row++) {
      const { x, y } = onStage({ x: positions[2 * row], y: positions[2 * row + 1] }, VIEW, SIZE);
      const square = (x - at.x) ** 2 + (y - at.y) ** 2;
      if (!isHidden(row) && square < least) [best, least] = [row, square];
    }
    assert.equal(nearestRow(at, grid, positions, VIEW, SIZE, 8, isHidden), best);
  }
});

test("a lasso has all its corners in the map's units, a box two", () => {
  const { cornersOf, drawnAs } = load("cornersOf", "drawnAs");
  const path = [{ x: 0, y: 0 }, { x: 100, y: 50 }, { x: 200, y: 100 }];
  const corners = [{ x: -1, y: 10 }, { x: 1, y: 5 }, { x: 3, y: 0 }];
  assert.deepEqual(plain(cornersOf("lasso", path, VIEW, SIZE)), corners);
  assert.deepEqual(plain(cornersOf("box", path, VIEW, SIZE)), [corners[0], corners[2]]);
  assert.equal(drawnAs({ mode: "lasso", path }), "M0.0,0.0L100.0,50.0L200.0,100.0Z");
  assert.equal(drawnAs({ mode: "box", path }), "M0.0,0.0L200.0,0.0L200.0,100.0L0.0,100.0Z");
});

test("no name lies over another, and those before go first", () => {
  const { placed } = load("placed");
  const name = (text, x, y, level = 1) => ({ text, x, y, level, width: 60 });
  const names = [name("first", 1, 5), name("over it", 1.1, 5), name("another level", 3, 1, 2), name("outside", 9, 5)];
  assert.deepEqual(plain(placed(names, 1, VIEW, 200, 100)).map(({ text, left, top }) => [text, left, top]), [["first", 100, 50]]);
  const [edge] = placed([name("at the edge", -1, 5)], 1, VIEW, 200, 100);
  assert.equal(edge.left, 30, "drawn inside");
});

test("the view follows plotly's wheel and drag, which name what changed", () => {
  const { viewAfter } = load("viewAfter");
  const layout = { xaxis: { range: [0, 1] }, yaxis: { range: ["2", "3"] } };
  assert.deepEqual(plain(viewAfter({}, layout)), { x: [0, 1], y: [2, 3] });
  assert.deepEqual(plain(viewAfter({ "xaxis.range": [5, 6] }, layout)), { x: [5, 6], y: [2, 3] });
  assert.deepEqual(plain(viewAfter({ "yaxis.range[0]": 7, "yaxis.range[1]": 8 }, layout)), { x: [0, 1], y: [7, 8] });
});

test("a colour is packed as the canvas has it, and mixed with the paper", () => {
  const { packed, mixed } = load("packed", "mixed");
  assert.equal(packed([1, 2, 3]).toString(16), "ff030201");
  assert.equal(packed([255, 255, 255]), 0xffffffff);
  assert.deepEqual(plain(mixed([255, 255, 255], [0, 100, 200], 0.5)), [128, 178, 228]);
});

test("the shapes of the points cover their middle and not their corners", () => {
  const { stamp } = load("stamp");
  for (const shape of [0, 1, 2, 3]) {
    const { cover, ring } = stamp(shape, 15, 13, false);
    assert.ok(cover[7 * 15 + 7] > 0.99, `middle of shape ${shape}`);
    assert.ok(cover[0] < 0.01 && cover[14] < 0.01, `corners of shape ${shape}`);
    assert.ok(ring.every((part) => part === 0));
  }
  assert.ok(stamp(0, 15, 13, true).ring.some((part) => part > 0.5));
});

test("a hollow point has its outline and no middle, selected or not", () => {
  const { stamp } = load("stamp");
  for (const shape of [0, 1, 2, 3]) {
    for (const ringed of [false, true]) {
      const [full, hollow] = [false, true].map((each) => stamp(shape, 15, 13, ringed, each).cover);
      assert.ok(hollow[7 * 15 + 7] < 0.01, `middle of shape ${shape}`);
      assert.ok(hollow.some((part) => part > 0.99), `outline of shape ${shape}`);
      assert.ok(hollow.every((part, i) => part <= full[i]));
      assert.ok(hollow.every((part, i) => full[i] < 0.01 || full[i] > 0.99 || part === full[i]), "its edge is the same");
    }
  }
});

test("points set out slowly and arrive slowly", () => {
  const { eased } = load("eased");
  assert.deepEqual([eased(0), eased(0.5), eased(1)], [0, 0.5, 1]);
  assert.ok(eased(0.1) < 0.1 && eased(0.9) > 0.9);
});

test("what had no place before stands where it arrives", () => {
  const { departures } = load("departures");
  const before = Float32Array.from([1, 2, NaN, NaN]);
  const now = Float32Array.from([5, 6, 7, 8]);
  assert.deepEqual([...departures(before, now)], [1, 2, 7, 8]);
});
