import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.js";

const { nextStep, AT_REST } = load("nextStep", "AT_REST");

test("a key waits for its button as long as the server works, and is dropped when that rests", () => {
  assert.equal(nextStep({ pressable: true, rested: 0 }), "press");
  assert.equal(nextStep({ pressable: true, rested: AT_REST }), "press");
  assert.equal(nextStep({ pressable: false, rested: 0 }), "wait");
  assert.equal(nextStep({ pressable: false, rested: AT_REST - 1 }), "wait", "between two runs");
  assert.equal(nextStep({ pressable: false, rested: AT_REST }), "drop");
});
