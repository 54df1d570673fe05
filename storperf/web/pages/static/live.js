/* Keeps the page of a run up to date: reads the run's events as they happen. */
"use strict";

(() => {
  const MOST_POINTS = 600;
  const KINDS = ["run_started", "run_ended", "transition", "trial_started", "trial_ended",
    "interval", "progress", "note"];
  const byId = (id) => document.getElementById(id);
  const table = byId("steps");
  const run = document.body.dataset.run;
  const points = [];
  /* Of each step the trials that have ended: the events are told from the run's beginning on. */
  const ended = new Map();
  let trial = null;

  const scaled = (value, units, step) => {
    let unit = 0;
    while (value >= step && unit < units.length - 1) { value /= step; unit += 1; }
    return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${units[unit]}`;
  };
  const operations = (value) => scaled(value, ["IOPS", "kIOPS", "MIOPS"], 1000);
  const bytes = (value) => scaled(value, ["B/s", "KiB/s", "MiB/s", "GiB/s"], 1024);
  const duration = (ns) => scaled(ns, ["ns", "\u00b5s", "ms", "s"], 1000);

  const cell = (step, name) => {
    for (const row of table ? table.tBodies[0].rows : []) {
      if (row.dataset.step === step) { return row.querySelector(`.${name}`); }
    }
    return null;
  };
  const put = (step, name, text) => {
    const found = cell(step, name);
    if (found && found.textContent !== text) { found.textContent = text; }
  };
  const say = (text) => { byId("note").textContent = text; };
  const log = (at_s, text) => {
    const list = byId("log");
    byId("happened").hidden = false;
    const item = document.createElement("li");
    const time = document.createElement("time");
    time.className = "dim";
    time.textContent = `${new Date(at_s * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
    item.append(time, ` ${text}`);
    list.append(item);
  };

  const count = (step, trial) => {
    const trials = ended.get(step) || new Set();
    ended.set(step, trials.add(trial));
    const place = cell(step, "trials");
    if (!place) { return; }
    const [known, all] = place.textContent.split(" of ").map(Number);
    place.textContent = `${Math.min(Math.max(known, trials.size), all)} of ${all}`;
  };

  let isDrawing = false;
  const draw = () => {
    if (isDrawing) { return; }
    isDrawing = true;
    window.requestAnimationFrame(() => { isDrawing = false; drawLine(); });
  };
  const drawLine = () => {
    const figure = byId("live");
    figure.hidden = points.length < 2;
    const highest = Math.max(...points, 1);
    const across = 720 / Math.max(1, points.length - 1);
    const path = points.map((value, n) =>
      `${n ? "L" : "M"}${(n * across).toFixed(1)} ${(152 - 144 * value / highest).toFixed(1)}`);
    figure.querySelector("path").setAttribute("d", path.join(""));
    byId("highest").textContent = operations(highest);
    byId("latest").textContent = operations(points[points.length - 1] || 0);
  };

  const interval = (told) => {
    if (told.trial !== trial) { trial = told.trial; points.length = 0; }
    const ops = Object.values(told.ops);
    const list = (name, shown) => ops.map((each) => shown(each[name] || 0)).join(" / ");
    put(told.step, "now", "running");
    put(told.step, "iops", list("iops", operations));
    put(told.step, "bandwidth", list("bandwidth", bytes));
    put(told.step, "p99", list("clat_p99_ns", duration));
    points.push(ops.reduce((sum, each) => sum + each.iops, 0));
    if (points.length > MOST_POINTS) { points.shift(); }
    draw();
  };

  const hear = (message) => {
    let told;
    try { told = JSON.parse(message.data); } catch { return; }
    if (told.kind === "interval") { interval(told); return; }
    if (told.kind === "transition" && told.moment === "stored" && !told.trial) {
      byId("phase").textContent = String(told.name).replaceAll("_", " ");
    }
    if (told.kind === "trial_started" && told.step) {
      put(told.step, "now", "running");
      say(`Trial ${told.trial} of step ${told.step} has begun.`);
    }
    if (told.kind === "trial_started" && !told.step) { say(`${told.what} has begun.`); }
    if (told.kind === "trial_ended" && told.step) {
      put(told.step, "now", told.end || "ended");
      count(told.step, told.trial);
      say(`Trial ${told.trial} has ended: ${told.end || "ended"}.`);
    }
    if (told.kind === "note") { log(told.at_s, told.text); }
    if (told.kind === "run_ended") {
      source.close();
      /* The verdict and the figures stand on the page as it is now. */
      window.setTimeout(() => window.location.reload(), 1500);
    }
  };

  const source = new EventSource(`/api/v3/runs/${encodeURIComponent(run)}/events`);
  source.onmessage = hear;
  KINDS.forEach((kind) => source.addEventListener(kind, hear));
  source.addEventListener("end", () => { source.close(); window.location.reload(); });
  source.onerror = () => say("The server does not answer at the moment; this page tries again.");
  source.onopen = () => say("");
})();
