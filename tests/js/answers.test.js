import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.js";

const { answerKey } = load("answerKey");
const key = (key, keys, shiftKey = false) => answerKey({ key, shiftKey }, keys);

test("a question takes its own keys, and no others", () => {
  const keys = "1 2 3 A Enter Escape";
  assert.deepEqual(["1", "a", "A", "Enter", "Escape"].map((each) => key(each, keys)), ["1", "A", "A", "Enter", "Escape"]);
  for (const other of ["4", "q", "j", ".", "ArrowDown", "", "1 2"]) assert.equal(key(other, keys), null, other);
});

test("shift makes another key of a letter, but is needed for a digit on some keyboards", () => {
  assert.equal(key("A", "A 1", true), null);
  assert.equal(key("1", "A 1", true), "1");
});
