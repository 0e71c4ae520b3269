// What the map's scripts hand to one another. Only the type checker reads this; nothing of it is served.

/** A place in pixels of the stage from its left top, or in units of the map. */
type Place = { x: number; y: number };
/** The part of the plane that is shown. */
type View = { x: [number, number]; y: [number, number] };
type Size = { width: number; height: number };
/** A bit a row; null where it is of no row. */
type Mask = Uint8Array | null;
type Order = { rows: Uint32Array; ends: number[] };
/** What is drawn on top: the selected points, or those that are lit up. */
type Marks = { rows: Uint32Array; lit: boolean };
type Grid = {
  side: number;
  start: Uint32Array;
  rows: Uint32Array;
  column: (x: number) => number;
  line: (y: number) => number;
  foot: (line: number) => number;
  near: (left: number, right: number, bottom: number, top: number, visit: (row: number) => void) => void;
};
/** What is drawn: "lasso" or "box". */
type Mode = string;
/** A label as the page sends it; `code`: the two keys that give it, where it has no key of its own. */
type Sent = { id: number; name: string; key: string | null; code: string | null; colour: string; shape: number };
/** What all mounts of a page share: the maps by their key. */
type Registry = any;
