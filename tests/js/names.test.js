import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.js";

const { offered } = load("offered");
const labels = ["billing", "Café order", "card billing", "rebilling", "Straße"].map((name) => ({ name }));
const named = (typed) => {
  const { known, found, more } = offered(labels, typed);
  return [known?.name, [...found].map(({ name }) => name), more];
};

test("a part of a name finds the labels, and is none of them", () => {
  assert.deepEqual(named("bill"), [undefined, ["billing", "card billing", "rebilling"], 0], "beginnings first");
  assert.deepEqual(named("xyz"), [undefined, [], 0]);
  assert.deepEqual(named("  "), [undefined, [], 0]);
});

test("case and accents don't matter where labels are looked for, case alone where a label is meant", () => {
  assert.deepEqual(named(" BILLING "), ["billing", ["card billing", "rebilling"], 0]);
  assert.deepEqual(named("cafe order"), [undefined, ["Café order"], 0]);
  assert.deepEqual(named("cafe\u0301 Order"), ["Café order", [], 0], "composed or not");
  assert.deepEqual(named("STRASSE"), ["Straße", [], 0]);
});

test("of two labels that differ in case alone, the one as it is typed is meant", () => {
  assert.equal(offered([{ name: "Card" }, { name: "card" }], "card").known.name, "card");
});

test("of many labels some are offered, and how many more there are is said", () => {
  const many = Array.from({ length: 150 }, (_, place) => ({ name: `label ${place}` }));
  const { found, more } = offered(many, "label");
  assert.deepEqual([found.length, more], [8, 142]);
});
