import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.js";

const { meantBy } = load("meantBy");
const labels = [{ code: null }, { code: "10" }, { code: "11" }, { code: "a0" }];
const found = (pressed) => {
  const { open, meant } = meantBy(labels, pressed);
  return [[...open].map(({ code }) => code), meant?.code];
};

test("two keys are one label, and the first leaves those that begin so", () => {
  assert.deepEqual(found(""), [["10", "11", "a0"], undefined]);
  assert.deepEqual(found("1"), [["10", "11"], undefined]);
  assert.deepEqual(found("11"), [["11"], "11"]);
  assert.deepEqual(found("a1"), [[], undefined]);
});
