// @ts-check
// What plotly.js is told, for the map's toolbar, zoom and axes. One module with the others.

// Without a trace that has markers plotly offers no lasso in its toolbar.
/** @param {View} range */
function tracesOf(range) {
  return [{ type: "scatter", mode: "markers", x: range.x, y: range.y, marker: { opacity: 0 }, hoverinfo: "skip" }];
}

function layoutOf(map) {
  const axis = (range) => ({ visible: false, range: [...range], fixedrange: false });
  return {
    margin: { l: 0, r: 0, t: 0, b: 0 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    xaxis: axis(map.range.x),
    yaxis: axis(map.range.y),
    dragmode: map.data.interactive ? "lasso" : "pan",
    hovermode: false,
    showlegend: false,
    uirevision: map.positionsId,
    modebar: { orientation: "v", bgcolor: "rgba(0,0,0,0)", color: map.painter.quiet, activecolor: map.ink },
  };
}

function toolsOf(map, icons) {
  // Plotly's own reset goes back to the ranges of its first drawing, of another map perhaps.
  const own = (name, title, icon, click) => ({ name, title, icon: icons[icon], click });
  const home = own("home", "Show all (H)", "home", () => map.goHome());
  const near = own("fit", "Zoom to the selection (F)", "autoscale", () => map.goToSelection());
  return map.data.interactive
    ? [["lasso2d", "select2d"], ["pan2d", "zoom2d"], ["zoomIn2d", "zoomOut2d", home, near]]
    : [["pan2d", "zoom2d"], ["zoomIn2d", "zoomOut2d", home]];
}

// What is shown after plotly's event, of the wheel or of a drag: it names an axis as a whole, end by end or not at all.
/** @type {(event: Record<string, any>, layout: Record<string, any>) => View} */
function viewAfter(event, layout) {
  const along = (axis) => {
    const [low, high] = event[`${axis}.range`] ?? [event[`${axis}.range[0]`], event[`${axis}.range[1]`]];
    return (low === undefined ? layout[axis].range : [low, high]).map(Number);
  };
  return { x: along("xaxis"), y: along("yaxis") };
}
