// @ts-check
// Brings plotly.js, by HTTP: a browser that has been here before has it already.

const TRIES = 60;

function load(address, tries = TRIES) {
  const script = document.createElement("script");
  script.src = new URL(address, location.href).href;
  script.onerror = () => {
    script.remove();
    if (tries > 1) setTimeout(() => load(address, tries - 1), 1000); // no network, or the server is being started anew
  };
  document.head.append(script);
}

export default ({ data }) => {
  const registry = (globalThis.__corral ??= { maps: new Map(), wires: new Map(), hovers: new Map() });
  if (!registry.plotlyAsked) load(data.plotly);
  registry.plotlyAsked = true;
};
