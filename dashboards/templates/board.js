// Fills a board: its filters, its charts (Vega-Lite specifications made by dashboards/charts.py), its tables.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  // a message in the page's language
  const _ = (message) => data.messages[message] ?? message;
  const filled = (message, values) => message.replace(/{(\w+)}/g, (field, name) => values[name] ?? field);
  const language = document.documentElement.lang;
  const GRAINS = { week: _("Week"), month: _("Month"), quarter: _("Quarter"), year: _("Year"), year_to_date: _("Year to date") };
  const CATEGORIES = {
    performance: _("Performance"),
    activity: _("Activity"),
    productivity: _("Productivity"),
    beyond: _("What a manager asks next"),
  };
  const COLUMNS = {
    metric: _("Metric"),
    value: _("Value"),
    trend: _("Trend"),
    before: _("Period before"),
    year_before: _("Year before"),
    target: _("Target"),
    status: _("Status"),
  };
  const SO_FAR = _("so far");
  const STATES = { good: _("reached"), near: _("within 10 %"), off: _("off") };
  const NO_VALUE = "–";

  // ---- rows, which come as columns (dashboards/packing.py) -----------------------------------------------------------

  function unpacked(columns) {
    const rows = [];
    for (const [name, column] of Object.entries(columns)) {
      const runs = column.of ? column.at.map((place, run) => Array(column.runs ? column.runs[run] : 1).fill(column.of[place])) : column;
      const values = runs.flat();
      values.forEach((value, place) => ((rows[place] ??= {})[name] = value));
    }
    return rows;
  }

  // by entity, metric and grain the rows [start, value, period before, year before, target, is complete]
  const scores = {};
  for (const row of unpacked(data.scores)) {
    const metrics = (scores[row.e] ??= {});
    const grains = (metrics[row.i] ??= {});
    (grains[row.g] ??= []).push([row.t, row.v, row.b, row.y, row.x, row.c]);
  }

  // ---- numbers, in their units -------------------------------------------------------------------------------------

  const plain = (options) => new Intl.NumberFormat(language, options);
  const money = { style: "currency", currency: data.currency, currencyDisplay: "narrowSymbol" };
  const FORMATS = {
    short: {
      money: plain({ ...money, notation: "compact", maximumSignificantDigits: 3 }),
      count: plain({ notation: "compact", maximumSignificantDigits: 3 }),
      rate: plain({ style: "percent", maximumFractionDigits: 1 }),
      whole_rate: plain({ style: "percent", maximumFractionDigits: 0 }),
      other: plain({ notation: "compact", maximumSignificantDigits: 3 }),
    },
    long: {
      money: plain(money),
      count: plain({ maximumFractionDigits: 0 }),
      rate: plain({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }),
      other: plain({ minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    },
  };
  const LENGTHS = { days: _("{n} days"), hours: _("{n} h"), minutes: _("{n} min"), months: _("{n} months") };
  const percent = plain({ style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" });
  const points = plain({ maximumFractionDigits: 1, signDisplay: "exceptZero" });

  function told(length) {
    return (value, unit) => {
      if (value === null || value === undefined || Number.isNaN(value)) return NO_VALUE;
      const number = (FORMATS[length][unit] || FORMATS[length].other).format(value);
      return unit in LENGTHS ? filled(LENGTHS[unit], { n: number }) : number;
    };
  }
  const long = told("long");
  const OPTIONS = { actions: false, renderer: "svg", logLevel: 1, expressionFunctions: { short: told("short"), long } };

  // ---- what is chosen ----------------------------------------------------------------------------------------------

  const chosen = { grain: "month", by: "all", period: "", rep: "" };
  const selects = {};
  for (const name of Object.keys(chosen)) {
    const select = document.getElementById(name);
    if (!select) continue;
    selects[name] = select;
    select.addEventListener("change", () => choose(name, select.value));
  }

  function fill(name, options) {
    if (!selects[name]) return;
    selects[name].replaceChildren(...options.map(([value, label]) => new Option(label, value)));
    selects[name].value = chosen[name];
  }

  const lastComplete = (grain) => (data.periods[grain].find((one) => one.c) || data.periods[grain][0] || {}).t;

  function choose(name, value) {
    chosen[name] = value;
    if (name === "grain") chosen.period = lastComplete(value);
    remember();
    show();
  }

  function remember() {
    const kept = Object.keys(selects).filter((name) => chosen[name]);
    history.replaceState(null, "", "#" + new URLSearchParams(kept.map((name) => [name, chosen[name]])));
    for (const link of document.querySelectorAll("header a")) link.hash = location.hash;
  }

  function recall() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    const grains = grainsOfPage();
    if (grains.includes(wanted.get("grain"))) chosen.grain = wanted.get("grain");
    if (wanted.get("by") in data.members) chosen.by = wanted.get("by");
    const periods = data.periods[chosen.grain].map((one) => one.t);
    chosen.period = periods.includes(wanted.get("period")) ? wanted.get("period") : lastComplete(chosen.grain);
    const entities = data.entities.map((one) => one.v);
    chosen.rep = entities.includes(wanted.get("rep")) ? wanted.get("rep") : entities[0] || "";
  }

  // ---- charts ------------------------------------------------------------------------------------------------------

  const charts = Object.entries(data.figures)
    .map(([key, figure]) => ({ key, spec: figure.spec, rows: unpacked(figure.rows), element: document.getElementById(key) }))
    .filter((chart) => chart.element.querySelector(".chart"));

  // what of the choice a chart can show: its own grains and cuts, else the month and the company
  function shownBy(chart) {
    const grains = new Set(chart.rows.map((row) => row.g));
    const cuts = new Set(chart.rows.map((row) => row.d));
    const has = (name) => (chart.spec.params || []).some((param) => param.name === name);
    const grain = !has("grain") || grains.has(chosen.grain) ? chosen.grain : "month";
    const by = !has("by") || cuts.has(chosen.by) ? chosen.by : "all";
    const grainForCut = has("by") && !chart.rows.some((row) => row.d === by && row.g === grain) ? "month" : grain;
    const period = grainForCut === chosen.grain ? chosen.period : lastComplete(grainForCut);
    return { grain: has("by") ? grainForCut : grain, by, period, has };
  }

  function grainsOfPage() {
    const found = new Set(charts.flatMap((chart) => chart.rows.map((row) => row.g)));
    for (const metrics of Object.values(scores))
      for (const grains of Object.values(metrics)) Object.keys(grains).forEach((grain) => found.add(grain));
    return found.size ? Object.keys(GRAINS).filter((grain) => found.has(grain)) : ["month"];
  }

  async function draw(chart) {
    const shown = shownBy(chart);
    const visible = chart.rows.filter(
      (row) =>
        (!shown.has("grain") || row.g === shown.grain) &&
        (!shown.has("by") || row.d === shown.by) &&
        (!shown.has("period") || row.t === shown.period),
    );
    const place = chart.element.querySelector(".chart");
    const nothing = !visible.some((row) => row.v !== null && row.v !== undefined);
    place.hidden = nothing;
    chart.element.querySelector(".none").hidden = !nothing;
    const remarks = [];
    if (shown.has("by") && shown.by !== chosen.by) remarks.push(_("not kept by this cut: the company is shown"));
    if (shown.grain !== chosen.grain) remarks.push(_("not kept for this period: months are shown"));
    const remark = chart.element.querySelector(".remark");
    remark.hidden = !remarks.length;
    remark.textContent = remarks.join("; ");
    chart.shown = shown;
    chart.visible = visible;
    if (nothing) return;
    chart.element.classList.toggle("stretched", place.clientWidth > 640);
    if (!chart.view) {
      const spec = { ...chart.spec, $schema: "https://vega.github.io/schema/vega-lite/v6.json", datasets: { rows: chart.rows } };
      const params = (spec.params || []).map((param) => (param.name in shown ? { ...param, value: shown[param.name] } : param));
      const embedded = await vegaEmbed(place, { ...spec, params }, OPTIONS);
      chart.view = embedded.view;
      return;
    }
    for (const name of ["grain", "by", "period"]) if (shown.has(name)) chart.view.signal(name, shown[name]);
    await chart.view.resize().runAsync();
  }

  function legend() {
    const place = document.getElementById("legend");
    if (!place) return;
    const members = [...(data.members[chosen.by] || [])];
    const isCut = members.filter((member) => member.v !== "unknown").length >= data.most_members;
    if (isCut) members.push({ m: _("others"), colour: data.others_colour });
    const items = members.map((member) => {
      const item = document.createElement("span");
      const swatch = document.createElement("i");
      swatch.style.background = member.colour;
      item.append(swatch, member.m);
      return item;
    });
    const remarks = [_("pale: period still running")];
    if (chosen.by === "all") remarks.unshift(_("grey line: the year before"), _("black tick: target"));
    if (isCut) remarks.push(filled(_("the {count} largest are shown"), { count: data.most_members }));
    place.replaceChildren(...items, remarks.join(" · "));
  }

  // ---- tables ------------------------------------------------------------------------------------------------------

  function element(name, properties = {}, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  // the row of a metric's period: [start, value, period before, year before, target, is complete]
  const rowOf = (entity, metric) =>
    (((scores[entity] || {})[metric] || {})[chosen.grain] || []).find((row) => row[0] === chosen.period);

  // green where the yardstick is reached, amber within a tenth of it, red beyond
  function judged(value, yardstick, isHigherBetter) {
    if (value === null || yardstick === null) return "none";
    const short = isHigherBetter ? yardstick - value : value - yardstick;
    return short <= 0 ? "good" : short <= Math.abs(yardstick) * 0.1 ? "near" : "off";
  }

  function status(row, isHigherBetter) {
    if (!row || row[1] === null) return { state: "none", against: null };
    if (!row[5]) return { state: "running", against: null };
    for (const [place, name] of [[4, "target"], [3, "year_before"], [2, "before"]])
      if (row[place] !== null) return { state: judged(row[1], row[place], isHigherBetter), against: name };
    return { state: "none", against: null };
  }

  const SIGNS = { good: "●", near: "◆", off: "▼", none: NO_VALUE, running: "…" };

  function changed(value, reference, unit, isHigherBetter) {
    const cell = element("td");
    if (value === null || reference === null) {
      cell.append(NO_VALUE);
      return cell;
    }
    const change = value - reference;
    const isRate = unit === "rate";
    const share = isRate ? points.format(change * 100) + " pp" : reference ? percent.format(change / Math.abs(reference)) : NO_VALUE;
    const arrow = change > 0 ? "▲ " : change < 0 ? "▼ " : "= ";
    const better = change === 0 ? "none" : change > 0 === isHigherBetter ? "good" : "off";
    cell.append(element("span", { className: `delta is-${better}` }, arrow + share), element("small", {}, long(reference, unit)));
    return cell;
  }

  function spark(values) {
    const numbers = values.filter((value) => value !== null);
    const low = Math.min(...numbers);
    const span = Math.max(...numbers) - low || 1;
    const at = (value, place) => [4 + (place * 112) / Math.max(values.length - 1, 1), 22 - ((value - low) / span) * 18];
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    svg.setAttribute("viewBox", "0 0 120 26");
    svg.setAttribute("aria-hidden", "true");
    let path = "";
    let last = null;
    let pen = "M";
    values.forEach((value, place) => {
      if (value === null) {
        pen = "M";
        return;
      }
      last = at(value, place);
      path += `${pen}${last[0].toFixed(1)},${last[1].toFixed(1)}`;
      pen = "L";
    });
    const line = document.createElementNS(ns, "path");
    for (const [name, value] of Object.entries({ d: path, fill: "none", stroke: "#0072B2", "stroke-width": 1.5 })) line.setAttribute(name, value);
    svg.append(line);
    if (last) {
      const dot = document.createElementNS(ns, "circle");
      for (const [name, value] of Object.entries({ cx: last[0], cy: last[1], r: 2.5, fill: "#0072B2" })) dot.setAttribute(name, value);
      svg.append(dot);
    }
    return svg;
  }

  // the values of the last periods up to the chosen one; null where a member has no row
  function series(entity, metric) {
    const rows = ((scores[entity] || {})[metric] || {})[chosen.grain] || [];
    const values = new Map(rows.map((row) => [row[0], row[1]]));
    const periods = data.periods[chosen.grain].filter((one) => one.t <= chosen.period).slice(0, 13);
    return periods.map((one) => values.get(one.t) ?? null).reverse();
  }

  function scoreRow(entity, metric) {
    const line = element("tr", { id: `metric-${metric.metric_id}` });
    const better = metric.is_higher_better ? _("higher is better") : _("lower is better");
    line.append(element("th", { scope: "row", title: `${metric.formula} (${better})` }, metric.name));
    if (metric.missing && entity === "all") {
      const told = metric.missing.length
        ? filled(_("No data landed for {tables}"), { tables: metric.missing.join(", ") })
        : _("Nothing happened in the periods shown.");
      line.append(element("td", { className: "missing", colSpan: 6 }, told));
      return line;
    }
    const row = rowOf(entity, metric.metric_id) || [chosen.period, null, null, null, null, true];
    const value = element("td", { className: "value" }, long(row[1], metric.unit));
    if (row[1] !== null) value.dataset.value = row[1];
    if (!row[5]) value.append(element("small", {}, SO_FAR));
    const trend = element("td", { className: "spark" }, spark(series(entity, metric.metric_id)));
    const cells = [[2, "before"], [3, "year_before"], [4, "target"]].map(([place, name]) => {
      const cell = changed(row[1], row[place], metric.unit, metric.is_higher_better);
      cell.dataset.label = COLUMNS[name];
      if (row[place] !== null) cell.dataset.value = row[place];
      cell.dataset.column = name;
      return cell;
    });
    const { state, against } = status(row, metric.is_higher_better);
    const meanings = { running: _("period still running"), none: _("nothing to compare with") };
    const meaning = meanings[state] ?? filled(_("{status} (against {yardstick})"), { status: STATES[state], yardstick: COLUMNS[against] });
    const label = state in STATES ? ` ${STATES[state]}` : "";
    const badge = element("span", { className: `badge is-${state}`, title: meaning }, SIGNS[state] + label);
    line.append(value, trend, ...cells, element("td", { className: "state" }, badge));
    line.dataset.status = state;
    return line;
  }

  function scoreTable() {
    const table = document.getElementById("score");
    if (!table) return;
    const entity = selects.rep ? chosen.rep : "all";
    const heads = Object.values(COLUMNS).map((title) => element("th", { scope: "col" }, title));
    const head = element("thead", {}, element("tr", {}, ...heads));
    const body = element("tbody");
    for (const [category, title] of Object.entries(CATEGORIES)) {
      const metrics = Object.values(data.metrics).filter(
        (metric) => metric.category === category && (entity === "all" || (scores[entity] || {})[metric.metric_id]),
      );
      if (!metrics.length) continue;
      body.append(element("tr", { className: "group" }, element("th", { scope: "rowgroup", colSpan: 7 }, title)));
      body.append(...metrics.map((metric) => scoreRow(entity, metric)));
    }
    table.replaceChildren(head, body);
    const named = data.entities.find((one) => one.v === entity);
    if (selects.rep) document.getElementById("entity").textContent = named ? named.m : "";
  }

  function tiles() {
    const place = document.getElementById("tiles");
    if (!place) return;
    const shown = data.tiles.map((key) => data.metrics[key]).filter((metric) => !metric.missing);
    place.replaceChildren(
      ...shown.map((metric) => {
        const row = rowOf("all", metric.metric_id) || [chosen.period, null, null, null, null, true];
        const { state, against } = status(row, metric.is_higher_better);
        const value = element("strong", {}, told("short")(row[1], metric.unit));
        value.dataset.metric = metric.metric_id;
        const yardstick = { target: 4, year_before: 3, before: 2 }[against];
        const compared = yardstick ? `${SIGNS[state]} ${STATES[state]} · ${COLUMNS[against]} ${told("short")(row[yardstick], metric.unit)}` : NO_VALUE;
        const under = element("span", { className: `delta is-${state}` }, compared);
        return element("li", {}, element("span", { className: "name" }, metric.name), value, under, spark(series("all", metric.metric_id)));
      }),
    );
  }

  function leaderboard() {
    const table = document.getElementById("leaders");
    if (!table) return;
    const metrics = data.leaders.map((key) => data.metrics[key]);
    const first = data.leaders[0];
    const value = (entity, metric) => (rowOf(entity, metric) || [null, null])[1];
    const ranked = data.entities
      .filter((entity) => data.leaders.some((metric) => value(entity.v, metric) !== null))
      .sort((a, b) => (a.v === "unknown") - (b.v === "unknown") || (value(b.v, first) ?? -Infinity) - (value(a.v, first) ?? -Infinity));
    const heads = [_("Sales rep"), ...metrics.map((metric) => metric.name), COLUMNS.trend];
    const head = element("thead", {}, element("tr", {}, ...heads.map((told) => element("th", { scope: "col" }, told))));
    const body = element("tbody");
    for (const entity of ranked) {
      const name = element("button", { type: "button" }, entity.m);
      name.addEventListener("click", () => choose("rep", entity.v));
      const line = element("tr", {}, element("th", { scope: "row" }, name));
      line.setAttribute("aria-selected", entity.v === chosen.rep);
      line.dataset.rep = entity.v;
      for (const metric of metrics) {
        const cell = element("td", {}, long(value(entity.v, metric.metric_id), metric.unit));
        cell.dataset.metric = metric.metric_id;
        line.append(cell);
      }
      line.append(element("td", { className: "spark" }, spark(series(entity.v, first))));
      body.append(line);
    }
    if (!ranked.length) body.append(element("tr", {}, element("td", { className: "missing", colSpan: heads.length }, _("Nothing happened in the periods shown."))));
    table.replaceChildren(head, body);
  }

  // ---- all of it ---------------------------------------------------------------------------------------------------

  function show() {
    fill("grain", grainsOfPage().map((grain) => [grain, GRAINS[grain]]));
    fill("by", [["all", data.company], ...Object.entries(data.cuts)]);
    fill("period", data.periods[chosen.grain].map((one) => [one.t, one.c ? one.p : `${one.p} (${SO_FAR})`]));
    fill("rep", data.entities.map((one) => [one.v, one.m]));
    const period = data.periods[chosen.grain].find((one) => one.t === chosen.period);
    for (const place of document.querySelectorAll("[data-shown]"))
      place.textContent = period ? period.p + (period.c ? "" : ` (${SO_FAR})`) : "";
    legend();
    tiles();
    leaderboard();
    scoreTable();
    window.boardReady = Promise.all(charts.map(draw)).then(() => true);
  }

  recall();
  remember();
  show();
  document.querySelector("nav [aria-current]").scrollIntoView({ inline: "center", block: "nearest" });
  window.board = { chosen, charts };
})();
