// What map.py measures with inside the page: runs in every frame of it, before the page's own scripts.
//
// Times are in ms since the epoch, as frames of the same page have clocks that start apart. An event's own time stamp
// starts a clock: it is taken when the browser gets the event, so a page that is too busy to hear it is not spared.
(() => {
  const LIMIT = 60_000;
  const LONGEST_DRAG = 600_000; // a view that stalls at every move is given its time
  const STEADY = 1000; // what has not changed for so long is the last value
  const SETTLED = 600; // a page that has been idle for so long is at rest
  let bench;
  try {
    bench = window.top.bench ??= { last: {}, points: 0, gap: 0 };
  } catch {
    return; // a frame of another origin
  }
  const now = () => performance.timeOrigin + performance.now();
  // A change is looked for in animation frames: the frame that finds it paints it, and is over at the next.
  const painted = (then) => requestAnimationFrame(then);

  for (const type of ["pointerup", "keydown", "click"]) {
    const note = (event) => (bench.last[type] = performance.timeOrigin + event.timeStamp);
    addEventListener(type, note, { capture: true });
  }

  // The longest time between two animation frames while a button is held.
  addEventListener("pointerdown", () => {
    let [held, before] = [true, performance.now()];
    bench.gap = 0;
    const tick = () => {
      bench.gap = Math.max(bench.gap, performance.now() - before);
      before = performance.now();
      if (held) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    const end = () => {
      tick();
      held = false;
    };
    addEventListener("pointerup", end, { capture: true, once: true });
  }, { capture: true });

  // The most points that were drawn in one go: for a view that does not say what it has drawn.
  const count = (prototype, name, ...places) => {
    const draw = prototype?.[name];
    if (!draw) return;
    prototype[name] = function (...given) {
      bench.points = Math.max(bench.points, ...places.map((place) => given[place] ?? 0));
      return draw.apply(this, given);
    };
  };
  if (window !== window.top) {
    count(globalThis.WebGL2RenderingContext?.prototype, "drawArrays", 2);
    count(globalThis.WebGL2RenderingContext?.prototype, "drawArraysInstanced", 2, 3);
    count(globalThis.WebGL2RenderingContext?.prototype, "drawElementsInstanced", 1, 4);
    count(globalThis.GPURenderPassEncoder?.prototype, "draw", 0, 1);
    return;
  }

  // ms from the next event of this type (null: from the navigation) until `value()` has become another one and is
  // painted; null after a minute. Of several values the last counts: a view may tell the server while a lasso is drawn.
  bench.until = (type, value) => {
    const armed = now();
    let seen = value();
    let changed = null;
    bench.wait = new Promise((resolve) => {
      const tick = () => {
        const start = type ? bench.last[type] ?? 0 : performance.timeOrigin;
        const begun = !type || start >= armed;
        const found = value();
        if (found !== null && found !== seen) {
          seen = found;
          changed = Infinity;
          painted(() => (changed = now()));
        }
        if (begun && changed !== null && now() - Math.max(changed, start) > STEADY) resolve(Math.max(changed - start, 0));
        else if (now() - (begun ? start : armed) > (begun ? LIMIT : LONGEST_DRAG)) resolve(null);
        else requestAnimationFrame(tick);
      };
      tick();
    });
  };

  // ms from the next event of this type until `value()` is first another one, and painted.
  bench.first = (type, value) => {
    const armed = now();
    const seen = value();
    bench.soon = new Promise((resolve) => {
      const tick = () => {
        const start = bench.last[type] ?? 0;
        if (start >= armed && value() !== seen) painted(() => resolve(now() - start));
        else if (now() - armed > LONGEST_DRAG) resolve(null);
        else requestAnimationFrame(tick);
      };
      tick();
    });
  };

  // ms from the last event of this type until the page has come to rest.
  bench.rest = async (type) => {
    const asked = now();
    while (now() - bench.busy < SETTLED && now() - asked < LIMIT) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return bench.busy - (bench.last[type] ?? performance.timeOrigin);
  };

  // When the server was last seen at work for this page.
  bench.busy = now();
  const STATE = "data-test-script-state";
  const look = () => {
    if (document.querySelector(`[${STATE}]`)?.getAttribute(STATE) !== "notRunning") bench.busy = now();
    requestAnimationFrame(look);
  };
  look();
  const shortly = new MutationObserver(() => (bench.busy = now())); // between two frames
  shortly.observe(document, { subtree: true, attributeFilter: [STATE] });

  // What the server says in the page's text.
  bench.heading = () => {
    for (const heading of document.querySelectorAll("h5")) {
      const found = /^([\d,]+) selected$/.exec(heading.textContent.trim());
      if (found) return Number(found[1].replaceAll(",", ""));
    }
    return null;
  };

  // What each contender offers: the number of points drawn, the number selected where the page and the points agree
  // on it, and as the browser itself has marked and counted it where it does, what stands for the colours that are
  // drawn, and where the points are in the window.
  const root = () => document.querySelector(".corral-map");
  const chart = () => {
    const found = document.querySelector(".js-plotly-plot");
    return found?._fullLayout?._plots?.xy?._scene?.dirty === false ? found : null;
  };
  bench.contenders = {
    corral: {
      drawn: () => Number(root()?.dataset.drawn ?? 0),
      selected: () => (Number(root()?.dataset.selected) === bench.heading() ? bench.heading() : null),
      marked: () => `${root()?.dataset.selected} ${document.querySelector(".corral-count")?.textContent}`,
      colours: () => root()?.dataset.colours ?? null,
      frame: () => {
        const { left, top, width, height } = document.querySelector(".corral-stage").getBoundingClientRect();
        return { left, top, width, height, ...globalThis.__corral.maps.get("map").range };
      },
    },
    plotly: {
      drawn: () => chart()?._fullData[0].x.length ?? 0,
      selected: () => bench.heading(),
      colours: () => chart()?._fullLayout.meta ?? null,
      frame: () => {
        const { left, top } = chart().getBoundingClientRect();
        const { xaxis, yaxis } = chart()._fullLayout;
        const box = { left: left + xaxis._offset, top: top + yaxis._offset };
        return { ...box, width: xaxis._length, height: yaxis._length, x: [...xaxis.range], y: [...yaxis.range] };
      },
    },
    atlas: { drawn: () => bench.points, selected: () => bench.heading() },
  };
  bench.contenders.before = bench.contenders.corral;
})();
