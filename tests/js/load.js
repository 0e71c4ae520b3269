// The map's scripts as the page has them: one after the other, in the order of SCRIPTS, so that what one defines the
// next ones see. Only what they define is looked at here; nothing is drawn.
import { readFileSync } from "node:fs";
import vm from "node:vm";

const FOLDER = new URL("../../labelling/ui/map/", import.meta.url);
const order = readFileSync(new URL("__init__.py", FOLDER), "utf-8").match(/SCRIPTS = \(([^]*?)\n\)/)[1];
const files = [...order.matchAll(/"(\w+\.js)"/g)].map((match) => match[1]);

/** What the scripts define under these names. */
export function load(...names) {
  const text = files.map((file) => readFileSync(new URL(file, FOLDER), "utf-8")).join("\n");
  const code = text.replace(/^export default .*$/gm, "");
  const context = vm.createContext({ performance, setTimeout, clearTimeout, TextDecoder, structuredClone });
  return vm.runInContext(`${code}\n;({ ${names.join(", ")} })`, context);
}

/** A plain copy: what comes out of the scripts has other prototypes than a test's own values. */
export const plain = (value) => JSON.parse(JSON.stringify(value));
