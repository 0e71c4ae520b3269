// @ts-check
// Shows a recording's figure in `host` with plotly.js, in the colours and font of the page round it, and plays it once.
// The page's own colours are read anew by `theme()`; `destroy()` ends it.
async function showRecording(Plotly, host, figure) {
  const look = () => {
    const style = getComputedStyle(host);
    const paper = style.getPropertyValue("--paper").trim();
    return {
      "font.color": style.color,
      "font.family": style.fontFamily,
      "hoverlabel.bgcolor": paper,
      "hoverlabel.font.color": style.color,
      "hoverlabel.font.family": style.fontFamily,
      "modebar.bgcolor": "rgba(0,0,0,0)",
      "modebar.color": "#8a8a8a",
      "modebar.activecolor": style.color,
    };
  };
  // Plotly's own buttons leave it unhandled that a new animation, or a pause, ends the one under way.
  const animate = ({ args }) => Plotly.animate(host, ...args).catch(() => {});
  const [{ buttons }] = figure.layout.updatemenus;
  const [play, pause] = buttons;
  for (const button of buttons) button.execute = false;
  let playing = false;
  const press = (button) => {
    playing = button === play;
    animate(button);
  };
  let resuming = false;
  let width = host.clientWidth;
  let timer;
  const resize = () => {
    if (!host.clientWidth || host.clientWidth === width) return;
    width = host.clientWidth;
    resuming ||= playing;
    press(pause);
    clearTimeout(timer);
    // Charts that are still moving would stay at the places of the old size.
    const mine = (timer = setTimeout(async () => {
      await Plotly.Plots.resize(host);
      if (resuming && timer === mine) {
        resuming = false;
        press(play);
      }
    }, 2 * play.args[1].transition.duration));
  };
  await Plotly.newPlot(host, figure.data, figure.layout, {
    displaylogo: false,
    typesetMath: false,
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
  });
  await Plotly.relayout(host, look());
  await Plotly.addFrames(host, figure.frames);
  host.dataset.frames = figure.frames.length;
  host.on("plotly_animatingframe", ({ name }) => (host.dataset.frame = name));
  host.on("plotly_animated", () => (playing = false));
  host.on("plotly_sliderstart", () => (playing = false));
  host.on("plotly_buttonclicked", ({ button }) => press(button.label === play.label ? play : pause));
  const names = figure.frames.map(({ name }) => name);
  const at = () => names.indexOf(host.dataset.frame ?? names[0]);
  const show = (place) => {
    const frame = names[Math.max(0, Math.min(place, names.length - 1))];
    press({ args: [[frame], pause.args[1]] });
  };
  const keys = {
    " ": () => press(playing ? pause : play),
    ArrowLeft: () => show(at() - 1),
    ArrowRight: () => show(at() + 1),
    Home: () => show(0),
    End: () => show(names.length - 1),
  };
  host.tabIndex = 0;
  host.setAttribute("aria-label", "Recording: space plays and pauses, the arrow keys step");
  host.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  if (document.activeElement === document.body) host.focus({ preventScroll: true });
  const observer = new ResizeObserver(resize);
  observer.observe(host);
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) press(play);
  return {
    theme: () => Plotly.relayout(host, look()),
    destroy: () => {
      observer.disconnect();
      Plotly.purge(host);
    },
  };
}
