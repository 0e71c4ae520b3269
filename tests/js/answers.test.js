import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.js";

const { answerKey, keyOfButton } = load("answerKey", "keyOfButton");
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

test("a button of the question stands for its key", () => {
  const of = (classes) => keyOfButton(classes, "1 2 X Enter", "belongs-1 belongs-2 mixed accept-proposal");
  const classes = (name) => `stElementContainer st-key-${name} st-emotion-cache-1`;
  assert.deepEqual(["belongs-2", "mixed", "accept-proposal"].map((name) => of(classes(name))), ["2", "X", "Enter"]);
  for (const other of ["stElementContainer", classes("belongs-10"), classes("undo"), ""]) assert.equal(of(other), null);
  assert.equal(keyOfButton(classes("mixed"), "", ""), null, "nothing is asked");
});
