import assert from "node:assert/strict";
import { test } from "node:test";
import { load, plain } from "./load.js";

const { Events } = load("Events");

test("what was not answered yet comes along with the next", () => {
  const told = [];
  const events = new Events();
  events.configure(null, (name, value) => told.push(plain(value)));
  for (const name of ["drawn", "chip", "drawn"]) events.send(name, { what: name });
  assert.deepEqual(told.map(({ before }) => before.map(({ number }) => number)), [[], [1], [1, 2]]);
  assert.equal(told[2].before[1].name, "chip");
  events.configure(told[1].id, (name, value) => told.push(plain(value)));
  assert.equal(events.answered, 2);
  events.send("picked", { row: 4 });
  assert.deepEqual(told[3].before.map(({ number }) => number), [3]);
  events.configure("1234.5 9", () => {});
  assert.equal(events.answered, 2, "of another page");
});
