// @ts-check
// Whose the next key is. A control that was used keeps the focus, and Streamlit takes no shortcut while an input has it:
// so what was chosen or typed gives the keys back to the page as soon as it is taken, and a key that is meant for a box
// stays in it. A page loads this once, outside of every fragment.

export default () => {
  globalThis.__corralKeys ??= watchKeys();
};

function watchKeys() {
  const focused = () => /** @type {HTMLElement} */ (document.activeElement);
  const noText = /^(checkbox|radio|range|button|submit|reset|file|color)$/;
  const isBox = (at) => at.tagName === "TEXTAREA" || (at.tagName === "INPUT" && !noText.test(at.type));
  const isOpen = (at) => at.ariaExpanded === "true";
  const isOpenList = (at) => at.role === "combobox" && isOpen(at);
  // After the control itself has taken the key, and before the next one comes.
  const leave = (box) => setTimeout(() => document.activeElement === box && !isOpenList(box) && box.blur());
  let last = ""; // what the person did last: a key, or "pointer"
  let held = null; // of keys: with what they found open
  let list = null;

  // A list that closes has been chosen from, or given up. Where a name is being typed into it, it may close as well.
  const closing = new MutationObserver(([{ target, oldValue }]) => {
    const done = ["pointer", "Enter", "Escape"].includes(last);
    if (oldValue === "true" && !isOpen(target) && done) leave(target);
  });
  document.addEventListener("focusin", (event) => {
    const target = /** @type {HTMLInputElement} */ (event.target);
    closing.disconnect();
    list = target.role === "combobox" ? target : null;
    // A number is typed anew, not into what stands there. After the click, which sets the caret.
    if (target.matches("input[type=number]")) target.addEventListener("click", () => target.select(), { once: true });
    if (list) closing.observe(list, { attributeFilter: ["aria-expanded"], attributeOldValue: true });
  });

  document.addEventListener("pointerdown", () => (last = "pointer"), true);
  // With the mouse a switch or a button is used once; a person who goes by keys stays where they are.
  document.addEventListener("pointerup", () => {
    setTimeout(() => {
      const at = focused();
      const used = at.tagName === "BUTTON" ? !at.ariaHasPopup && !isOpen(at) : at.tagName === "INPUT" && !isBox(at);
      if (last === "pointer" && used) at.blur();
    }, 100); // its click has come
  });

  const keyDown = (event) => {
    last = event.key;
    const popover = document.querySelector('[aria-haspopup="dialog"][aria-expanded="true"]');
    held = { at: document.activeElement, open: Boolean(popover) || isOpen(document.activeElement) };
  };
  document.addEventListener("keydown", keyDown, true);
  // The shortcuts listen at the document: what ends here reaches the box, but none of them.
  document.body.addEventListener("keydown", (event) => {
    const { at, open } = held ?? {};
    if (!at || event.isComposing) return;
    const box = isBox(at);
    if (event.key === "Escape" && (box || open)) event.stopPropagation();
    if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && box && at.value) event.stopPropagation();
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    const taken = event.key === "Escape" || (event.key === "Enter" && at.tagName === "INPUT");
    if (taken && (event.key === "Escape" || at.role !== "combobox")) leave(at);
  });
  // On a busy machine the next key comes before any timer: it is the page's, too. The box has taken Enter by now.
  document.body.addEventListener("keypress", (event) => {
    const at = focused();
    if (event.key === "Enter" && at.tagName === "INPUT" && isBox(at) && at.role !== "combobox") at.blur();
  });
  return true;
}
