// @ts-check
// The keys of the map. Whose the next key is, see keys.js. One module with the others.

const NEARER = 0.7;
const STEP = 0.15; // of what is shown
const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
const BOXES = { "/": "Search", n: "New label" };

// `here`: whether the pointer or the focus is on the map. Returns whether the key was for the map.
/** @type {(map: any, key: string, here: boolean) => boolean} */
function shortcut(map, key, here) {
  const row = focused()?.dataset?.corralRow;
  if (key === "Enter" && row !== undefined) map.pin.toggle(Number(row));
  else if (key === "w") map.regions.toggle();
  else if (key === "?") helpButton()?.click();
  else if (key === ".") map.strokes.begin();
  else if (key === "f") map.goToSelection();
  else if (key === "h") map.goHome();
  else if (key === "+" || key === "=") map.lookAt(zoomed(map.range, NEARER));
  else if (key === "-") map.lookAt(zoomed(map.range, 1 / NEARER));
  else if (MOVES[key] && here) map.lookAt(moved(map.range, MOVES[key][0], MOVES[key][1]));
  else if (key === " " && here) map.gestures.holdSpace(true);
  else if (BOXES[key]) enterBox(BOXES[key]);
  else return false;
  return true;
}

function keyPressed(map, event) {
  if (!map.data?.interactive || event.ctrlKey || event.metaKey || event.altKey || typing()) return;
  const here = map.gestures.over || document.activeElement === map.stage;
  if (shortcut(map, event.key, here)) event.preventDefault();
}

const HELP = ".st-key-keys button";
const helpButton = () => /** @type {HTMLElement} */ (document.querySelector(HELP));

// What it holds is typed over.
function enterBox(name) {
  const box = /** @type {HTMLInputElement} */ (document.querySelector(`input[aria-label="${name}"]`));
  box?.focus();
  box?.select();
}
