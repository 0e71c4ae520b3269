// @ts-check
// What the parts of the map share: who is mounted on the page, and how an element is made. One module with the others.
//
// Mounts find each other by the map's key. Texts and label names are only ever set as textContent.

/** @type {Registry} */
const registry = (globalThis.__corral ??= { maps: new Map(), wires: new Map(), hovers: new Map() });
registry.words ??= new Map();

async function plotly() {
  while (!globalThis.Plotly) await new Promise((resolve) => setTimeout(resolve, 20));
  return globalThis.Plotly;
}

const element = (tag, className, parent, more = {}) => {
  const made = document.createElement(tag);
  made.className = className;
  Object.assign(made, more);
  parent.append(made);
  return made;
};

// What a screen reader says: in a place that stays, as one that is put in anew is often passed over.
/** @type {(text: string) => void} */
function speak(text) {
  registry.spoken ??= element("div", "corral-spoken", document.body, { role: "status", ariaLive: "polite" });
  if (registry.spoken.textContent !== text) registry.spoken.textContent = text;
}

const number = new Intl.NumberFormat("en");

const focused = () => /** @type {HTMLElement | null} */ (document.activeElement);

// Whether a run of the page is under way.
const serverIsBusy = () => {
  const app = /** @type {HTMLElement} */ (document.querySelector("[data-testid=stApp]"));
  return app?.dataset.testScriptState !== "notRunning";
};

// Whether the next key is for a box.
const typing = () => /^(INPUT|TEXTAREA|SELECT)$/.test(focused()?.tagName ?? "");

// A text beside the map, and its row.
const rowOf = (text) => Number(text.dataset.corralRow);
const textAt = (target) => /** @type {HTMLElement | null} */ (target?.closest?.("[data-corral-row]"));

// Whether a text is cut off, and by how much: so far it lies over the next ones when it is shown whole.
/** @type {(text: any) => void} */
function seeCut(text) {
  if (text.closest(".corral-sample")?.matches(":hover")) return; // it may be shown whole
  const more = text.scrollHeight - text.clientHeight;
  text.classList.toggle("corral-cut", more > 2);
  text.style.setProperty("--corral-more", `${more}px`);
}

const A_WORD = /\p{L}[\p{L}\p{N}_'’]*/gu; // as the server counts them

// Where in a text the words stand, as [start, end].
/** @type {(text: string, words: Set<string>) => [number, number][]} */
function wordsIn(text, words) {
  const found = [...text.matchAll(A_WORD)].filter(([word]) => words.has(word.toLowerCase()));
  return found.map((match) => [match.index, match.index + match[0].length]);
}
