// A dot for each run of a job.

const SYMBOLS = { pass: "circle", fail: "x", inconclusive: "diamond", none: "circle-open" };

function historyFigure(data, place) {
  const isNarrow = place.clientWidth < 600, isTime = data.unit === "ns", isBytes = data.unit === "B/s";
  const by = isTime ? 1e9 : isBytes ? 1048576 : 1, scaled = (value) => (value === null ? null : value / by);
  const dates = data.t.map((ms) => new Date(ms).toISOString());
  const values = data.value.map(scaled), ends = [...data.low, ...data.high].filter((end) => end !== null).map(scaled);
  const centre = scaled(data.centre), edge = scaled(data.suspicious);
  // A limit far beyond all that was measured would press the dots flat; its number is below.
  const limits = [centre, edge <= 2.5 * Math.max(...values, centre) ? edge : null].filter((each) => each !== null);
  const every = [...values, ...ends, ...limits], top = Math.max(...every), bottom = Math.min(...every);
  // Zero is on the axis unless the figures lie close together: then a scale of their own shows more.
  const from = bottom > top * .6 ? bottom - (top - bottom || top) * .25 : Math.min(0, bottom), to = top + (top - from) * .08;
  const layout = baseLayout(isNarrow ? 210 : 230, { l: isNarrow ? 52 : 70, r: 12, t: 10, b: 36 });
  const suffix = isTime ? "s" : isBytes ? " MiB/s" : "";
  const pad = (data.t[data.t.length - 1] - data.t[0]) * .04 || 3.6e6;
  Object.assign(layout, {
    showlegend: false, shapes: [], hovermode: "closest",
    xaxis: axisLook({ type: "date", range: [data.t[0] - pad, data.t[data.t.length - 1] + pad].map((ms) => new Date(ms).toISOString()), nticks: isNarrow ? 4 : 8 }),
    yaxis: axisLook({ range: [from, to], tickformat: isBytes ? "~g" : "~s", ticksuffix: suffix, nticks: 6 }),
  });
  if (data.centre !== null) {
    const beyond = edge < centre ? from : to;
    layout.shapes.push(
      { type: "rect", xref: "paper", yref: "y", x0: 0, x1: 1, y0: edge, y1: edge > to ? edge : beyond, line: { width: 0 }, fillcolor: tone("--warmup"), layer: "below" },
      { type: "line", xref: "paper", yref: "y", x0: 0, x1: 1, y0: centre, y1: centre, line: { width: 1.6, color: tone("--dim") }, layer: "below" },
    );
  }
  for (const ms of data.changes) {
    const at = new Date(ms).toISOString();
    layout.shapes.push({ type: "line", xref: "x", yref: "paper", x0: at, x1: at, y0: 0, y1: 1, line: { width: 1.4, dash: "dot", color: tone("--ink") }, layer: "below" });
  }
  const colours = data.look.map((look) => tone("--" + look));
  const bar = (ends) => ends.map((end, i) => (end === null ? 0 : Math.abs(scaled(end) - values[i])));
  const trace = {
    type: "scatter", mode: "markers", x: dates, y: values, customdata: data.runs.map((run, i) => [run, data.reason[i]]),
    marker: { size: 11, symbol: data.look.map((look) => SYMBOLS[look]), color: colours, opacity: data.comparable.map((is) => (is ? 1 : .35)), line: { width: 1.5, color: colours } },
    error_y: { type: "data", symmetric: false, array: bar(data.high), arrayminus: bar(data.low), color: tone("--grey"), thickness: 1.4, width: 4 },
    hovertemplate: `%{customdata[0]}<br>%{y:.4~${isBytes ? "g" : "s"}}${suffix}, %{customdata[1]}<extra></extra>`,
  };
  if (!place.dataset.wired) {
    place.dataset.wired = "true";
    const wire = () => place.on("plotly_click", (event) => {
      const link = data.links[event.points[0].pointIndex];
      if (link) location.href = link;
    });
    setTimeout(wire, 0);
  }
  return { traces: [trace], layout: layout };
}

startPage({ history: historyFigure });
