// @ts-check
// The keys that answer what is asked beside the map: of a check, of a proposal. They go to the server as events, each with
// the question that was on show when it was pressed: none is lost while the server is busy, and none is taken for a
// question that nobody has seen yet. One module with the others.

// The name of the key among those that a question takes; null where it takes none of that name.
/** @type {(event: {key: string, shiftKey: boolean}, keys: string) => string | null} */
function answerKey({ key, shiftKey }, keys) {
  const name = key.length === 1 ? key.toUpperCase() : key;
  if (shiftKey && !/^\d$/.test(name)) return null; // on some keyboards a digit needs it
  return keys.split(" ").includes(name) ? name : null;
}

class Answers {
  constructor(map) {
    this.map = map;
  }

  listen(on) {
    on(window, "keydown", (event) => this.take(event), { capture: true });
  }

  // Of the question on show; null while nothing is asked.
  get asked() {
    return /** @type {HTMLElement | null} */ (document.querySelector("[data-corral-asked]"))?.dataset ?? null;
  }

  take(event) {
    const { asked, map } = this;
    if (!asked || !map.data?.interactive || event.ctrlKey || event.metaKey || event.altKey || typing()) return;
    const key = answerKey(event, asked.corralKeys ?? "");
    if (!key || (key === "Enter" && focused()?.matches("button, a, [role=button]"))) return; // which it presses
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.repeat) map.send("answer", { of: asked.corralAsked, key });
  }
}
