// @ts-check
// The mounts of the map, told apart by their data:
//   bytes        a wire: positions, colours, labels, selection or hidden points of a map; sent again only when it changed
//   {map: ...}   the map itself: its element, legend and events
//   {hover: ...} the text of the point under the pointer, asked for row by row
//   {words: ...} the names of the map's regions
//   {names: ...} the labels, for the box for a name
// One module with the others, the last of them.

// Each mount brings its own few lines (mount.js), that call this; what came before this script is waiting.
registry.receive = ({ data, parentElement, setStateValue, setTriggerValue }) => {
  if (data instanceof Uint8Array || data instanceof ArrayBuffer) return receiveWire(new Uint8Array(data));
  if (data.hover) return receiveHover(data, setStateValue);
  if (data.words) return receiveWords(data);
  if (data.names) return receiveNames(data, parentElement);
  return receiveMap(data, parentElement, setTriggerValue);
};
setTimeout(() => registry.waiting?.splice(0).forEach((run) => run()));

export default () => {};

function receiveWire(bytes) {
  const end = bytes.indexOf(10);
  const { map, channel, id } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const wires = registry.wires.get(map) ?? {};
  registry.wires.set(map, wires);
  const wire = { id, bytes: bytes.slice(end + 1) }; // a copy: typed arrays want aligned buffers
  wires[channel] = wire;
  registry.maps.get(map)?.take(channel);
  return () => {
    if (wires[channel] === wire) delete wires[channel];
  };
}

function receiveHover(data, setStateValue) {
  registry.hovers.set(data.hover, (row) => setStateValue("row", row));
  registry.maps.get(data.hover)?.hover.take(data);
  return () => registry.hovers.delete(data.hover);
}

function receiveWords(data) {
  registry.words.set(data.words, data);
  registry.maps.get(data.words)?.showWords();
}

function receiveNames(data, parentElement) {
  let box = registry.nameBox;
  if (box?.host !== parentElement) {
    box?.destroy();
    box = registry.nameBox = new NameBox(parentElement);
  }
  box.labels = data.labels;
  box.multiLabel = data.multiLabel;
  return () => {
    box.destroy();
    if (registry.nameBox === box) registry.nameBox = null;
  };
}

function receiveMap(data, parentElement, setTriggerValue) {
  let map = registry.maps.get(data.map);
  if (!map || map.host !== parentElement) {
    map?.destroy();
    map = new CorralMap(data.map, parentElement);
    registry.maps.set(data.map, map);
  }
  map.configure(data, setTriggerValue);
  return () => {
    map.destroy();
    if (registry.maps.get(data.map) === map) registry.maps.delete(data.map);
  };
}
