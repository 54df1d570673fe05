"use strict";
// What all pages have in common: tables that can be sorted, figures drawn when they are seen.

const TEXT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

function tone(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function faded(colour, alpha) {
  const number = parseInt(colour.slice(1), 16);
  return `rgba(${number >> 16}, ${(number >> 8) & 255}, ${number & 255}, ${alpha})`;
}

function round(value) {
  return String(Number(value.toPrecision(3)));
}

function short(value) {
  return value >= 1e9 ? `${value / 1e9}G` : value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : String(value);
}

// A logarithmic axis of seconds with a label at every power of ten, or at 1, 2 and 5 where it is short.
function secondsAxis(low, high) {
  const from = Math.log10(low) - .03, to = Math.log10(high) + .06, steps = to - from > 2.4 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = -9; power < 6; power += 1) {
    for (const step of steps) ticks.push(Number(`${step}e${power}`));
  }
  const label = (value) => value < .9e-6 ? `${round(value * 1e9)} ns` : value < .9e-3 ? `${round(value * 1e6)} µs` : value < .9 ? `${round(value * 1e3)} ms` : `${round(value)} s`;
  return { type: "log", range: [from, to], tickvals: ticks, ticktext: ticks.map(label) };
}

// Cividis, which the colour-blind see as others do; few are pale on a light page, dark on a dark one.
function heatColours() {
  const stops = ["#fee838", "#e1cc55", "#c3b369", "#a59c74", "#8a8678", "#707173", "#575d6d", "#3b496c", "#123570", "#00224e"];
  const isDark = tone("--paper") !== "#fff";
  return (isDark ? stops.slice().reverse() : stops).map((colour, i) => [i / (stops.length - 1), colour]);
}

function axisLook(own) {
  return Object.assign({
    gridcolor: tone("--grid"), linecolor: tone("--rule"), zerolinecolor: tone("--rule"), tickfont: { size: 11 },
    automargin: false, ticks: "outside", ticklen: 3, tickcolor: tone("--rule"), exponentformat: "SI",
  }, own);
}

function baseLayout(height, margin) {
  return {
    height: height, margin: margin, autosize: true, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: TEXT, size: 12, color: tone("--dim") }, dragmode: "zoom",
    hoverlabel: { bgcolor: tone("--card"), bordercolor: tone("--rule"), font: { color: tone("--ink"), size: 12 } },
  };
}

// --- tables -----------------------------------------------------------------------------------

function sortValue(row, column) {
  const cell = row.cells[column];
  if (!cell) return null;
  if (cell.dataset.sort !== undefined) return Number(cell.dataset.sort);
  const text = cell.textContent.trim();
  return text === "-" || text === "" ? null : text;
}

// What is missing stands last, whichever way the table is sorted.
function compareValues(a, b, sign) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), "en", { numeric: true });
}

function sortTable(table, heading) {
  const column = [...heading.parentNode.children].indexOf(heading);
  const isRising = heading.getAttribute("aria-sort") !== "ascending";
  for (const each of heading.parentNode.children) each.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", isRising ? "ascending" : "descending");
  const body = table.tBodies[0], rows = [...body.rows];
  rows.sort((a, b) => compareValues(sortValue(a, column), sortValue(b, column), isRising ? 1 : -1));
  body.append(...rows);
}

function startTables() {
  for (const table of document.querySelectorAll("table.sortable")) {
    for (const heading of table.tHead.rows[0].cells) {
      heading.querySelector("button").addEventListener("click", () => sortTable(table, heading));
    }
  }
}

// --- plotly -----------------------------------------------------------------------------------

async function unpackPlotly() {
  const packed = document.getElementById("plotly").textContent;
  const bytes = Uint8Array.from(atob(packed), (each) => each.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  if (typeof Plotly === "undefined") throw new Error("plotly's script did not run");
}

// --- figures ----------------------------------------------------------------------------------

// What is folded has a width in new browsers, and is not seen.
function isShown(place) {
  return place.clientWidth > 0 && (!place.checkVisibility || place.checkVisibility());
}

function startFigures(makers) {
  const places = [...document.querySelectorAll(".plot")], drawn = new Set(), isNarrow = matchMedia("(max-width: 640px)");
  const config = { responsive: false, displaylogo: false, displayModeBar: false, showSendToCloud: false };
  let plotly = null;
  const ready = () => (plotly = plotly || unpackPlotly());

  function draw(place) {
    const data = JSON.parse(document.getElementById(place.dataset.source).textContent);
    const figure = makers[place.dataset.kind](data, place);
    drawn.add(place);
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", place.parentNode.querySelector("figcaption").textContent.trim());
    return Plotly.react(place, figure.traces, Object.assign(figure.layout, { width: place.clientWidth }), config);
  }

  function show(place) {
    return ready().then(() => draw(place)).catch((error) => {
      place.dataset.failed = "";
      place.textContent = `This figure cannot be drawn: ${error.message}. The tables hold the same numbers.`;
      console.error(error);
    });
  }

  // A figure is drawn when it comes near the screen: a hundred steps open as fast as one.
  const near = new IntersectionObserver((seen) => {
    for (const each of seen) {
      if (each.isIntersecting) {
        near.unobserve(each.target);
        show(each.target);
      }
    }
  }, { rootMargin: "400px" });
  for (const place of places) near.observe(place);

  const again = () => { for (const place of drawn) if (isShown(place)) draw(place); };
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(again, 150); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  isNarrow.addEventListener("change", again);

  // On paper everything unfolded is drawn, in the paper's width and colours.
  const drawAll = () => { for (const place of places) if (isShown(place)) draw(place); };
  matchMedia("print").addEventListener("change", (print) => { if (print.matches && typeof Plotly !== "undefined") drawAll(); });
  addEventListener("beforeprint", () => { if (typeof Plotly !== "undefined") drawAll(); });
  addEventListener("afterprint", again);
  // For programs that print or photograph the page: everything unfolded, drawn at once.
  window.drawAllFigures = () => Promise.all(places.filter(isShown).map(show));
}

function startFolds() {
  for (const button of document.querySelectorAll("[data-unfold]")) {
    button.addEventListener("click", () => {
      for (const step of document.querySelectorAll("details.step")) step.open = button.dataset.unfold === "true";
    });
  }
  const unfold = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") target.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();
}

function startPage(makers) {
  startTables();
  startFolds();
  startFigures(makers);
}
