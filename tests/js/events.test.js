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
  events.end();
});

test("what stays without an answer is told again, while the server is at rest, but not for ever", () => {
  const told = [];
  const events = new Events();
  events.configure(null, (name, value) => told.push(plain(value)));
  events.send("answer", { key: "A" });
  events.send("answer", { key: "Enter" });
  const [first, second] = told.map(({ number }) => number);
  events.again(true);
  assert.equal(told.length, 2, "the server is busy");
  events.again(false);
  assert.deepEqual([told[2].number, told[2].before.map(({ number }) => number)], [second, [first]], "with the same numbers");
  for (let i = 0; i < 50; i++) events.again(false);
  assert.ok(told.length < 20, String(told.length));
  events.configure(told[1].id, (name, value) => told.push(plain(value)));
  const n = told.length;
  events.again(false);
  assert.equal(told.length, n, "all is answered");
  events.send("answer", { key: "1" });
  events.again(false);
  assert.equal(told.length, n + 2);
  events.end();
});
