"use strict";
// Numbers in the retailer's locale, and the pictures. Every figure is on the page without this, digit by digit.
(() => {
  const { locale, currency } = document.body.dataset;
  const whole = { maximumFractionDigits: 0 };
  const formats = {
    money: (value) => new Intl.NumberFormat(locale, { style: "currency", currency, ...(Math.abs(value) < 100 ? {} : whole) }).format(value),
    number: (value) => new Intl.NumberFormat(locale, Math.abs(value) < 100 ? { maximumFractionDigits: 1 } : whole).format(value),
    share: (value) => new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(value),
    ratio: (value) => new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format(value),
    change: (value) => new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" }).format(value),
    points: (value) => new Intl.NumberFormat(locale, { maximumFractionDigits: 1, signDisplay: "exceptZero" }).format(value) + " points",
    plain: (value) => String(value),
  };
  const format = (name, value) => {
    if (value === null || value === undefined || value === "") return "–";
    return typeof value === "number" && formats[name] ? formats[name](value) : String(value);
  };
  // In a table, money has its cents.
  const inTable = {
    money: (text) => new Intl.NumberFormat(locale, { style: "currency", currency }).format(text),
    number: (text) => new Intl.NumberFormat(locale, { maximumFractionDigits: 4 }).format(text),
  };
  for (const cell of document.querySelectorAll("[data-format]")) {
    const name = cell.dataset.format;
    const exact = cell.textContent.trim();
    if (exact === "" || name === "plain" || Number.isNaN(Number(exact))) continue;
    // Intl formats a decimal from its text, digit by digit.
    cell.textContent = cell.tagName === "TD" && inTable[name] ? inTable[name](exact) : formats[name](Number(exact));
    if (name !== "change" && name !== "points") cell.title = exact;
  }

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // Told apart by people who do not tell red from green (Okabe and Ito 2008).
  const colours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7a7a7a", "#b8a800"];

  const distinct = (values) => [...new Set(values)];
  const short = (text) => (text.length > 26 ? `${text.slice(0, 25)}…` : text);
  const label = (name) => name.replaceAll("_", " ");

  // Days from the first to the last one, those of which there is no row included.
  function everyDay(days) {
    if (!days.every((each) => /^\d{4}-\d\d-\d\d$/.test(each))) return days;
    const [first, last] = [days[0], days.at(-1)].map((each) => Date.parse(each));
    const count = Math.round((last - first) / 86_400_000) + 1;
    return Array.from({ length: count || 0 }, (_, day) => new Date(first + day * 86_400_000).toISOString().slice(0, 10));
  }

  // One entry per line or group of bars: its name, its value by x, and how it is written.
  function lines({ rows, x, y, series }) {
    const found = new Map();
    for (const row of rows) {
      for (const value of y) {
        const part = series ? String(row[series] ?? "unknown") : label(value);
        const name = series && y.length > 1 ? `${part}, ${label(value)}` : part;
        if (!found.has(name)) found.set(name, { name, column: value, values: new Map() });
        found.get(name).values.set(row[x], row[value]);
      }
    }
    return [...found.values()];
  }

  function option(chart) {
    const { kind, rows, x, y, formats: named } = chart;
    const ink = style("--ink"), quiet = style("--quiet"), line = style("--line");
    const axis = { axisLabel: { color: quiet, hideOverlap: true }, axisLine: { lineStyle: { color: line } }, splitLine: { lineStyle: { color: line } } };
    const shared = {
      color: colours, textStyle: { color: ink, fontFamily: "system-ui, sans-serif" }, animation: false,
      // Names from the data are text here, never HTML.
      tooltip: { renderMode: "richText", confine: true, backgroundColor: style("--paper"), borderColor: line, textStyle: { color: ink } },
      grid: { left: 8, right: 16, top: 36, bottom: 8, containLabel: true },
    };
    if (kind === "heat") {
      const [row, value] = y;
      const across = distinct(rows.map((each) => each[x])), down = distinct(rows.map((each) => String(each[row]))).reverse();
      const values = rows.map((each) => each[value]).filter((each) => each !== null);
      return {
        ...shared, grid: { ...shared.grid, top: 8 },
        tooltip: { ...shared.tooltip, formatter: ({ data }) => `${down[data[1]]}, ${label(x)} ${across[data[0]]}: ${format(named[value], data[2])}` },
        xAxis: { type: "category", data: across, name: label(x), ...axis }, yAxis: { type: "category", data: down, ...axis },
        visualMap: { min: Math.min(...values), max: Math.max(...values), show: false, inRange: { color: [style("--card"), colours[0]] } },
        series: [{ type: "heatmap", data: rows.filter((each) => each[value] !== null).map((each) => [across.indexOf(each[x]), down.indexOf(String(each[row])), each[value]]) }],
      };
    }
    if (kind === "map") {
      const [latitude, size] = y;
      const most = Math.max(...rows.map((each) => each[size] ?? 0), 1);
      return {
        ...shared, grid: { ...shared.grid, top: 8 },
        tooltip: { ...shared.tooltip, formatter: ({ data }) => `${data.name}: ${format(named[size], data.value[2])}` },
        xAxis: { type: "value", scale: true, name: "longitude", ...axis }, yAxis: { type: "value", scale: true, name: "latitude", ...axis },
        series: [{
          type: "scatter", symbolSize: (value) => 6 + 34 * Math.sqrt(Math.max(value[2], 0) / most), itemStyle: { opacity: 0.65 },
          data: rows.map((each) => ({ name: String(each[chart.series] ?? "unknown"), value: [each[x], each[latitude], each[size]] })),
        }],
      };
    }
    const absent = chart.absent ?? null, there = distinct(rows.map((each) => each[x]));
    const found = lines(chart), across = absent === null ? there : everyDay(there);
    // Names are read beside their bars, days below them.
    const isDated = across.every((each) => /^\d{4}-\d\d(-\d\d)?$/.test(String(each)));
    const lies = kind !== "line" && !isDated && across.length > 4;
    const names = { type: "category", data: across.map((each) => String(each ?? "unknown")), inverse: lies, ...axis };
    if (lies) names.axisLabel = { ...names.axisLabel, formatter: short, hideOverlap: false };
    const values = { type: "value", ...axis, axisLabel: { color: quiet, formatter: (value) => new Intl.NumberFormat(locale, named[y[0]] === "share" ? { style: "percent" } : { notation: "compact" }).format(value), hideOverlap: true } };
    return {
      ...shared,
      legend: found.length > 1 ? { type: "scroll", textStyle: { color: ink }, top: 0 } : undefined,
      // As wide as the longest name, which would be cut otherwise.
      grid: { ...shared.grid, top: found.length > 1 ? 36 : 12, ...(lies ? { containLabel: false, bottom: 28, right: 28, left: 16 + 6.6 * Math.max(...across.map((each) => short(String(each)).length)) } : {}) },
      tooltip: {
        ...shared.tooltip, trigger: "axis",
        formatter: (points) => [points[0].axisValueLabel, ...points.map((point) => `${point.seriesName}: ${format(named[found[point.seriesIndex].column], point.value)}`)].join("\n"),
      },
      xAxis: lies ? values : names, yAxis: lies ? names : values,
      series: found.map(({ name, values: byX }) => ({
        name, type: kind === "line" ? "line" : "bar", stack: kind === "stack" ? "all" : undefined, barMaxWidth: 28,
        symbol: across.length > 40 ? "none" : "circle", symbolSize: 4, data: across.map((each) => (byX.has(each) ? byX.get(each) : absent)),
      })),
    };
  }

  const drawn = [];
  for (const place of document.querySelectorAll(".plot")) {
    const chart = JSON.parse(place.nextElementSibling.textContent);
    const picture = echarts.init(place, null, { renderer: "svg" });
    picture.setOption(option(chart));
    drawn.push(() => { picture.resize(); picture.setOption(option(chart), true); });
  }
  const again = () => drawn.forEach((draw) => draw());
  addEventListener("resize", again);
  addEventListener("beforeprint", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  // The dictionary: rows that have all words that are searched for, in tables that have such a row.
  const search = document.getElementById("search");
  const look = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const has = (text) => words.every((word) => text.toLowerCase().replaceAll("_", " ").includes(word) || text.toLowerCase().includes(word));
    let found = 0;
    for (const table of document.querySelectorAll("details.table")) {
      const isOne = has(table.querySelector("summary").textContent);
      let rows = 0;
      for (const row of table.querySelectorAll("tbody tr")) {
        row.hidden = !isOne && !has(row.textContent);
        rows += row.hidden ? 0 : 1;
      }
      table.hidden = !isOne && rows === 0;
      table.open = words.length > 0 && !isOne && rows > 0;
      found += table.hidden ? 0 : 1;
    }
    document.getElementById("found").textContent = words.length ? `${found} tables` : "";
  };
  if (search) search.addEventListener("input", look);
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDetailsElement) named.open = true;

  for (const select of document.querySelectorAll(".filters select")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }
})();
