// @ts-check
// Brings plotly.js, by HTTP: a browser that has been here before has it already.

function load(address) {
  const script = document.createElement("script");
  script.src = new URL(address, location.href).href;
  script.onerror = () => setTimeout(() => load(address), 1000); // the network failed, or the server is being started anew
  document.head.append(script);
}

export default ({ data }) => {
  const registry = (globalThis.__corral ??= { maps: new Map(), wires: new Map(), hovers: new Map() });
  if (!registry.plotlyAsked) load(data.plotly);
  registry.plotlyAsked = true;
};
