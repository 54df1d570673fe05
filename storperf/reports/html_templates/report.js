// The figures of a run's report.

// A line in which a missing value is a gap.
function line(series, axis, legend, extra) {
  return Object.assign({
    type: "scatter", mode: series.x.length > 80 ? "lines" : "lines+markers",
    x: series.x, y: series.y, yaxis: axis, legend: legend, connectgaps: false,
    line: { width: 1.8 }, marker: { size: 4 },
  }, extra);
}

// The band from lowest to highest: one polygon for each stretch without a gap.
function band(t, low, high, axis, colour) {
  const x = [], y = [];
  for (let i = 0; i < t.length; i += 1) {
    const start = i;
    while (i < t.length && low[i] !== null) i += 1;
    if (i === start) continue;
    x.push(...t.slice(start, i), ...t.slice(start, i).reverse(), null);
    y.push(...low.slice(start, i), ...high.slice(start, i).reverse(), null);
  }
  return {
    type: "scatter", mode: "lines", x: x, y: y, yaxis: axis, fill: "toself", fillcolor: faded(colour, .22),
    line: { width: 0 }, hoverinfo: "skip", showlegend: false,
  };
}

const LATENCY_DASH = { "p50": "solid", "p99": "dash", "p99.9": "dot" };

function latencyAxis(data) {
  const values = Object.values(data.ops).flatMap((own) => Object.keys(LATENCY_DASH).flatMap((key) => own[key] || []))
    .filter((value) => value > 0).map((value) => value / 1e9);
  return values.length ? secondsAxis(Math.min(...values), Math.max(...values)) : {};
}

function panelsOf(data, colour) {
  const ops = Object.keys(data.ops), scaled = (values, by) => values.map((v) => (v === null ? null : v / by));
  const rate = (name, by, hover) => (axis, legend) => ops.flatMap((op) => {
    const own = data.ops[op], traces = [];
    if (own[name + "_low"]) {
      traces.push(band(own.t, scaled(own[name + "_low"], by), scaled(own[name + "_high"], by), axis, colour(op)));
    }
    traces.push(line({ x: own.t, y: scaled(own[name], by) }, axis, legend, {
      name: op, showlegend: ops.length > 1, line: { color: colour(op), width: 1.8 }, hovertemplate: `${op} ${hover}<extra></extra>`,
    }));
    return traces;
  });
  const latency = (axis, legend) => ops.flatMap((op) => Object.keys(LATENCY_DASH).map((key) =>
    line({ x: data.ops[op].t, y: scaled(data.ops[op][key], 1e9) }, axis, legend, {
      name: ops.length > 1 ? `${op} ${key}` : key, mode: "lines",
      line: { color: colour(op), width: 1.6, dash: LATENCY_DASH[key] },
      hovertemplate: `${op} ${key} %{y:.3s}s<extra></extra>`,
    })));
  const tones = ["sky", "orange", "purple", "trim", "grey", "write"];
  const shares = (found) => (axis, legend) => found
    .map(([label, times, values], number) => line({ x: times, y: values }, axis, legend, {
      name: label, mode: "lines", line: { color: colour(tones[number % tones.length]), width: 1.6,
        dash: ["solid", "solid", "dot", "dash"][number % 4] },
      hovertemplate: `${label} %{y:.1f} %<extra></extra>`,
    }));
  const host = (panel) => shares(Object.keys(data.host).filter((name) => name.startsWith(panel + " "))
    .map((name) => [name.slice(panel.length + 1), data.host.t, data.host[name]]));
  const observed = shares(data.observed.flatMap((own) => Object.keys(own).filter((name) => name !== "t")
    .map((name) => [name, own.t, own[name]])));
  return [
    { title: "IOPS", unit: "I/Os a second", px: 170, make: rate("iops", 1, "%{y:.4s} IOPS"), axis: { tickformat: "~s", rangemode: "tozero" } },
    { title: "Bandwidth", unit: "MiB a second", px: 120, make: rate("bandwidth", 1048576, "%{y:.4~g} MiB/s"), axis: { rangemode: "tozero" } },
    { title: "Completion latency", unit: "clat, log scale", px: 180, make: latency, axis: latencyAxis(data) },
    { title: "Processors of the host", unit: "% of all", px: 105, make: host("cpu"), axis: { range: [0, 102], ticksuffix: " %" } },
    { title: "Device and pressure", unit: "% of time", px: 105, make: host("wait"), axis: { range: [0, 102], ticksuffix: " %" } },
    { title: "Observed hosts", unit: "% of all processors, % of time", px: 105, make: observed, axis: { range: [0, 102], ticksuffix: " %" } },
  ];
}

function timeFigure(data, width) {
  const colour = (name) => tone("--" + name), isNarrow = width < 600;
  const gap = isNarrow ? 50 : 38, top = gap + 18, bottom = 44;
  const panels = panelsOf(data, colour).map((panel, number) => {
    const axis = number ? `y${number + 1}` : "y", legend = number ? `legend${number + 1}` : "legend";
    return Object.assign(panel, { name: axis, legend: legend, traces: panel.make(axis, legend) });
  }).filter((panel) => panel.traces.length);
  const inner = panels.reduce((sum, panel) => sum + panel.px, 0) + gap * (panels.length - 1);
  const layout = baseLayout(inner + top + bottom, { l: isNarrow ? 48 : 64, r: 12, t: top, b: bottom });
  Object.assign(layout, { annotations: [], shapes: [], hovermode: "x unified", hoversubplots: "axis" });
  layout.xaxis = axisLook({
    title: { text: "seconds since the trial's first I/O", standoff: 6 }, range: [0, data.end_s],
    anchor: panels[panels.length - 1].name, hoverformat: ".4~g", showspikes: false, unifiedhovertitle: { text: "%{x} s" },
  });
  let above = 0;
  for (const panel of panels) {
    const from = 1 - (above + panel.px) / inner, to = 1 - above / inner;
    layout["yaxis" + panel.name.slice(1)] = axisLook(Object.assign({ domain: [Math.max(0, from), to], anchor: "x", fixedrange: true }, panel.axis));
    layout.annotations.push({
      text: `<b>${panel.title}</b>` + (isNarrow ? "" : `  <span style="font-size:11px">${panel.unit}</span>`), showarrow: false, xref: "paper", yref: "paper",
      x: 0, xanchor: "left", y: to, yanchor: "bottom", yshift: isNarrow ? 18 : 2, font: { color: tone("--ink"), size: 13 },
    });
    layout[panel.legend] = {
      orientation: "h", x: 1, xanchor: "right", y: to, yanchor: "bottom", font: { size: 11 }, bgcolor: "rgba(0,0,0,0)",
    };
    above += panel.px + gap;
  }
  if (data.window_s) {
    const [start, end] = data.window_s, cut = (x0, x1) => layout.shapes.push({
      type: "rect", xref: "x", yref: "paper", x0: x0, x1: x1, y0: 0, y1: 1, line: { width: 0 }, fillcolor: tone("--warmup"), layer: "below",
    });
    const edge = (x) => layout.shapes.push({
      type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1 + 30 / inner, line: { width: 1.4, dash: "dash", color: tone("--dim") },
    });
    const share = start / data.end_s;
    if (share > .002) {
      cut(0, start);
      edge(start);
    }
    if (end < data.end_s * .998) {
      cut(end, data.end_s);
      edge(end);
    }
    layout.annotations.push({
      text: `kept and judged: ${round(start)} to ${round(end)} s`, showarrow: false, xref: "x", yref: "paper", x: start, xanchor: "left",
      y: 1, yanchor: "bottom", yshift: isNarrow ? 38 : 22, font: { size: 11, color: tone("--ink") },
    });
  }
  return { traces: panels.flatMap((panel) => panel.traces), layout: layout };
}

function heatFigure(data, width, op) {
  const heat = data.heat[op], isNarrow = width < 600, marks = (data.marks || {})[op] || {};
  const middles = heat.edges_s.slice(1).map((edge, i) => Math.sqrt(edge * heat.edges_s[i]));
  const highest = Math.max(1, ...heat.counts.flat()), decades = Math.floor(Math.log10(highest));
  const ticks = [...Array(decades + 1).keys()];
  const layout = baseLayout(isNarrow ? 300 : 330, { l: isNarrow ? 48 : 64, r: 12, t: 34, b: 44 });
  Object.assign(layout, {
    showlegend: false, annotations: [], shapes: [], bargap: 0, hovermode: "closest",
    xaxis: axisLook({ domain: [0, isNarrow ? .56 : .66], title: { text: "seconds", standoff: 6 }, range: [0, data.end_s], showgrid: false }),
    yaxis: axisLook(secondsAxis(heat.edges_s[0], heat.edges_s[heat.edges_s.length - 1])),
    xaxis2: axisLook({ domain: [isNarrow ? .66 : .76, 1], type: "log", range: [-.3, Math.log10(Math.max(10, ...heat.kept)) + .15], title: { text: `${op}s, log scale`, standoff: 6 }, dtick: 1, tickformat: "~s", exponentformat: "SI", anchor: "y" }),
  });
  const title = (text, x) => layout.annotations.push({
    text: `<b>${text}</b>`, showarrow: false, xref: "paper", yref: "paper", x: x, xanchor: "left", y: 1, yanchor: "bottom", yshift: 6, font: { color: tone("--ink"), size: 13 },
  });
  title(isNarrow ? `${op} clat over time` : `${op} latency (clat) over time`, 0);
  title(isNarrow ? "kept part" : "kept part, by latency", isNarrow ? .66 : .76);
  for (const [key, value] of Object.entries(marks)) {
    layout.shapes.push({ type: "line", xref: "x2 domain", yref: "y", x0: 0, x1: 1, y0: value, y1: value, line: { width: 1.4, dash: LATENCY_DASH[key], color: tone("--ink") } });
    layout.annotations.push({ text: key, showarrow: false, xref: "x2 domain", yref: "y", x: 1, xanchor: "right", y: Math.log10(value), yanchor: "bottom", font: { size: 11, color: tone("--ink") } });
  }
  if (data.window_s && data.window_s[0] > 0) {
    layout.shapes.push({ type: "line", xref: "x", yref: "paper", x0: data.window_s[0], x1: data.window_s[0], y0: 0, y1: 1, line: { width: 1.4, dash: "dash", color: tone("--dim") } });
  }
  const traces = [
    {
      type: "heatmap", x: heat.t, y: middles, xgap: 0, ygap: 0, colorscale: heatColours(), zmin: 0, zmax: Math.max(1, Math.log10(highest)),
      z: heat.counts.map((row) => row.map((count) => (count ? Math.log10(count) : null))), text: heat.counts, hoverongaps: false,
      hovertemplate: `%{text} ${op}s of %{y:.3s}s<br>around %{x} s<extra></extra>`,
      colorbar: {
        title: { text: `${op}s`, side: "top" }, thickness: 9, len: 1, x: isNarrow ? .565 : .668, xpad: 2, tickvals: ticks, outlinewidth: 0,
        ticktext: ticks.map((power) => short(10 ** power)), tickfont: { size: 10 },
      },
    },
    {
      type: "bar", orientation: "h", x: heat.kept.map((count) => count || null), y: middles, xaxis: "x2", yaxis: "y",
      width: heat.edges_s.slice(1).map((edge, i) => edge - heat.edges_s[i]), marker: { color: tone("--" + op) },
      hovertemplate: `%{x} ${op}s of about %{y:.3s}s<extra></extra>`,
    },
  ];
  return { traces: traces, layout: layout };
}

startPage({
  time: (data, place) => timeFigure(data, place.clientWidth),
  heat: (data, place) => heatFigure(data, place.clientWidth, place.dataset.op),
});
