import assert from "node:assert/strict";
import { test } from "node:test";
import { load, plain } from "./load.js";

const { stretch, textPress, wordsIn } = load("stretch", "textPress", "wordsIn");
const labels = [{ id: 4, name: "billing", key: "1" }, { id: 7, name: "card", key: "A" }, { id: 9, name: "x", key: null }];

test("a key on texts takes them out or labels them", () => {
  assert.deepEqual(plain(textPress("x", labels, false)), { what: "out" });
  assert.deepEqual(plain(textPress("0", labels, false)), { what: "clear" });
  assert.deepEqual(plain(textPress("1", labels, false)), { what: "label", label: 4 });
  assert.deepEqual(plain(textPress("a", labels, false)), { what: "label", label: 7 });
  assert.deepEqual(plain(textPress("y", labels, false)), { what: "yes" });
  for (const key of ["2", "o", "Escape", "Enter"]) assert.equal(textPress(key, labels, false), null, key);
});

test("where each label is asked on its own, yes and no are for them, a label's key is not", () => {
  assert.deepEqual(["Y", "o", "1"].map((key) => plain(textPress(key, labels, true))), [{ what: "yes" }, { what: "no" }, null]);
});

test("words are found whole, in any case, with their accents", () => {
  const found = (text, ...words) => plain(wordsIn(text, new Set(words))).map(([start, end]) => text.slice(start, end));
  assert.deepEqual(found("Refund: refunds, REFUND (Café's card2)", "refund", "café's", "card2"), ["Refund", "REFUND", "Café's", "card2"]);
  assert.deepEqual(found("nothing here", "card"), []);
});

test("a stretch has both of its ends, whichever comes first", () => {
  assert.deepEqual(plain(stretch([1, 2, 3, 4], 3, 1)), [2, 3, 4]);
});
