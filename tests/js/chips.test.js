import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.js";

const { bearing, chipPress, labelOf } = load("bearing", "chipPress", "labelOf");
const rows = (isOf) => isOf && [0, 1, 2, 3].filter((row) => isOf(row));

test("a label's points are told by the labels that were sent", () => {
  const labels = Uint16Array.from([0, 301, 1, 301]);
  const codes = new Uint8Array(4);
  assert.deepEqual(rows(bearing(300, labels, codes, [])), [1, 3]);
  assert.deepEqual(rows(bearing(-1, labels, codes, [])), [0], "unlabelled");
  assert.deepEqual(rows(bearing(7, labels, codes, [])), []);
});

test("or by their colours, where each label has one of its own", () => {
  const codes = Uint8Array.from([0, 5, 2, 5]);
  const legend = [{ group: 3, code: 5 }, { group: -1, code: 0 }];
  assert.deepEqual(rows(bearing(3, null, codes, legend)), [1, 3]);
  assert.deepEqual(rows(bearing(-1, null, codes, legend)), [0]);
  assert.equal(bearing(4, null, codes, legend), null, "of which there are no points");
});

test("with a modifier a press is for the points, without one for the label", () => {
  const keys = { altKey: false, shiftKey: false, ctrlKey: false, metaKey: false };
  const press = (...held) => chipPress({ ...keys, ...Object.fromEntries(held.map((key) => [key, true])) });
  assert.deepEqual([press(), press("shiftKey"), press("altKey")], [null, "add", "toggle"]);
  assert.deepEqual([press("ctrlKey"), press("metaKey")], ["new", "new"]);
});

test("a chip tells its label, and nothing else does", () => {
  const within = (className) => ({ closest: () => (className === null ? null : { className }) });
  assert.equal(labelOf(within("stElementContainer st-key-label-12 x")), 12);
  assert.equal(labelOf(within("st-key-label--1")), -1);
  assert.equal(labelOf(within("st-key-label-new")), null);
  assert.equal(labelOf(within(null)), null);
  assert.equal(labelOf(null), null);
});
