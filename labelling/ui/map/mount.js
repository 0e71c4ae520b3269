// @ts-check
// What each mount of the map is sent with, again and again: a call to receive.js, which is sent once.
export default function (mount) {
  const registry = (globalThis.__corral ??= { maps: new Map(), wires: new Map(), hovers: new Map() });
  if (registry.receive) return registry.receive(mount);
  let end = null;
  let ended = false;
  (registry.waiting ??= []).push(() => (end = ended ? null : registry.receive(mount)));
  return () => {
    ended = true;
    end?.();
  };
}
