"use strict";
// What is known of each element: contents, intervals, samples, targets (see explore.py).
const known = new Map([...document.querySelectorAll("script.explore")].map((one) =>
  [one.dataset.element, JSON.parse(one.textContent)]));
const decoded = new WeakMap();

function contentAt(layer, cell) {
  if (!layer) return null;
  if (!decoded.has(layer)) {
    const bytes = Uint8Array.from(atob(layer.codes), (letter) => letter.charCodeAt(0));
    decoded.set(layer, new DataView(bytes.buffer));
  }
  const code = decoded.get(layer).getUint16(2 * cell, true);
  if (!code) return null;
  const value = layer.low + ((code - 1) / 65534) * layer.span;
  return layer.log ? Math.exp(value) : value;
}

const figures = (value) => Number(value.toPrecision(3)).toString();

function nearest(points, x, y) {
  let best = -1, least = Infinity;
  (points.x ?? []).forEach((east, i) => {
    const away = Math.hypot(east - x, points.y[i] - y);
    if (away < least) { least = away; best = i; }
  });
  return best < 0 ? null : { index: best, metres: least };
}

function bearing(dx, dy) {
  const angle = (Math.atan2(dx, dy) * 180 / Math.PI + 360) % 360;
  return ["N", "NE", "E", "SE", "S", "SW", "W", "NW"][Math.round(angle / 45) % 8];
}

function tell(ground, x, y) {
  const about = known.get(ground.dataset.element), says = ground.querySelector(".read");
  if (!about || !says) return;
  const [columns, rows, left, top, width, height] = about.grid;
  const column = Math.floor((x - left) / width), row = Math.floor((top - y) / height);
  const inside = column >= 0 && row >= 0 && column < columns && row < rows;
  const cell = row * columns + column;
  const value = inside ? contentAt(about.estimate, cell) : null;
  const parts = [`${Math.round(x)} E, ${Math.round(y)} N`];
  if (value === null) parts.push("no value here");
  else {
    const [low, high] = [contentAt(about.lower, cell), contentAt(about.upper, cell)];
    const between = low !== null && high !== null ? ` (90 % interval ${figures(low)} to ${figures(high)})` : "";
    parts.push(`${about.title}: ${figures(value)} ${about.unit}${between}`);
  }
  const near = nearest(about.samples, x, y);
  if (near) {
    const i = near.index, s = about.samples;
    const beyond = s.censored[i] ? " (beyond a limit)" : "";
    const way = bearing(s.x[i] - x, s.y[i] - y);
    parts.push(`nearest sample ${s.value[i]} ${about.unit}${beyond}, ${Math.round(near.metres)} m ${way} (${s.survey[i]})`);
  }
  says.hidden = false;
  says.textContent = parts.join(" · ");
}

// A click on a figure: find the map under it, and the place on its ground.
document.querySelectorAll("img.map").forEach((image) => image.addEventListener("click", (event) => {
  const frame = image.getBoundingClientRect(), ground = image.closest(".ground");
  const u = (event.clientX - frame.left) / frame.width, v = (event.clientY - frame.top) / frame.height;
  const panel = JSON.parse(image.dataset.panels).find(([x0, y0, x1, y1]) => u >= x0 && u <= x1 && v >= y0 && v <= y1);
  if (!panel || !ground) return;
  const [x0, y0, x1, y1, left, top, right, bottom] = panel;
  tell(ground, left + (right - left) * (u - x0) / (x1 - x0), top + (bottom - top) * (v - y0) / (y1 - y0));
}));

const marks = {
  samples: { colour: "#ffffff", radius: 2.5 },
  occurrences: { colour: "#d55e00", radius: 4 },
  plan: { colour: "#1b7837", radius: 4 },
  targets: { colour: "#ffffff", radius: 8, rim: "#e8332a", numbered: true },
};

// Two maps under one sliding edge, with zoom and points on top.
document.querySelectorAll(".swipe").forEach((box) => {
  const stage = box.querySelector(".stage"), slide = box.querySelector(".slide");
  const left = box.querySelector(".left"), right = box.querySelector(".right");
  const edge = box.querySelector(".edge"), canvas = box.querySelector("canvas");
  const images = [...stage.querySelectorAll("img")], boxes = [...box.querySelectorAll(".tools input")];
  const [west, south, east, north] = box.dataset.bounds.split(" ").map(Number);
  const find = (name) => images.find((image) => image.dataset.map === name);
  const view = { scale: 1, x: 0, y: 0 };

  function show() {
    const wide = stage.clientWidth || 1;
    images.forEach((image) => {
      image.className = ""; image.style.clipPath = "";
      image.style.transform = view.scale === 1 ? "" : `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    });
    const under = find(right.value), over = find(left.value);
    under.className = "under";
    if (over !== under) {
      const at = 100 * (slide.value / 100 * wide - view.x) / view.scale / wide;
      over.className = "over";
      over.style.clipPath = `inset(0 ${+(100 - at).toFixed(3)}% 0 0)`;
    }
    edge.style.left = `${slide.value}%`;
    slide.setAttribute("aria-valuetext", `${slide.value} % ${left.value}, the rest ${right.value}`);
    points();
  }
  function points() {
    const about = known.get(box.dataset.element), ratio = devicePixelRatio || 1;
    canvas.width = stage.clientWidth * ratio; canvas.height = stage.clientHeight * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.textAlign = "center"; pen.textBaseline = "middle"; pen.font = "bold 11px sans-serif";
    boxes.filter((one) => one.checked && about).forEach(({ value }) => {
      const { colour, radius, rim, numbered } = marks[value], list = about[value];
      (list.x ?? []).forEach((x, i) => {
        const px = view.x + view.scale * stage.clientWidth * (x - west) / (east - west);
        const py = view.y + view.scale * stage.clientHeight * (north - list.y[i]) / (north - south);
        pen.beginPath(); pen.arc(px, py, radius, 0, 7);
        pen.fillStyle = colour; pen.fill(); pen.strokeStyle = rim ?? "#1d2b2f"; pen.stroke();
        if (numbered) { pen.fillStyle = "#1d2b2f"; pen.fillText(list.name[i], px, py); }
      });
    });
  }
  function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
    const scale = factor ? Math.min(16, Math.max(1, view.scale * factor)) : 1;
    move(x - (x - view.x) * scale / view.scale, y - (y - view.y) * scale / view.scale, scale);
  }
  function move(x, y, scale = view.scale) {
    const within = (value, size) => Math.min(0, Math.max(size * (1 - scale), value));
    Object.assign(view, { scale, x: within(x, stage.clientWidth), y: within(y, stage.clientHeight) });
    show();
  }
  let begun = null;
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    const offset = Math.abs(event.clientX - stage.getBoundingClientRect().left - slide.value / 100 * stage.clientWidth);
    begun = { x: event.clientX, y: event.clientY, at: { ...view }, edge: offset < 24, moved: false };
  });
  stage.addEventListener("pointermove", (event) => {
    if (!begun || !event.buttons) return;
    const dx = event.clientX - begun.x, dy = event.clientY - begun.y;
    begun.moved ||= Math.hypot(dx, dy) > 4;
    if (begun.moved && (begun.edge || view.scale === 1)) {
      slide.value = 100 * (event.clientX - stage.getBoundingClientRect().left) / stage.clientWidth;
      show();
    } else if (begun.moved) move(begun.at.x + dx, begun.at.y + dy);
  });
  stage.addEventListener("pointerup", (event) => {
    if (begun && !begun.moved) {
      const frame = stage.getBoundingClientRect();
      const u = (event.clientX - frame.left - view.x) / view.scale / stage.clientWidth;
      const v = (event.clientY - frame.top - view.y) / view.scale / stage.clientHeight;
      tell(box, west + u * (east - west), north - v * (north - south));
    }
    begun = null;
  });
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, event.offsetX, event.offsetY);
  }, { passive: false });
  box.querySelectorAll(".zoom button").forEach((one) => one.addEventListener("click", () => zoom(+one.value)));
  [slide, left, right, ...boxes].forEach((control) => control.addEventListener("input", show));
  new ResizeObserver(() => move(view.x, view.y)).observe(stage);
  show();
});

document.querySelectorAll("table.sortable").forEach((table) => {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const rising = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const keyed = [...body.rows].map((row) => {
      const cell = row.cells[column];
      return { row, key: cell.dataset.key, number: cell.classList.contains("number") };
    });
    keyed.sort((a, b) => {
      if (a.key === "" || b.key === "") return (a.key === "") - (b.key === "");
      const order = a.number && b.number ? a.key - b.key : a.key.localeCompare(b.key);
      return rising ? order : -order;
    });
    body.append(...keyed.map((entry) => entry.row));
  }));
});

// Tables as CSV: numbers with all their figures, text as it is read; no cell can run as a formula.
function csvOf(table) {
  const quoted = (text) => `"${(/^[=+@\t\r-]/.test(text) ? "'" : "") + text.replaceAll('"', '""')}"`;
  const head = [...table.tHead.rows[0].cells].map((cell) => quoted(cell.querySelector("button").textContent));
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) =>
    cell.classList.contains("number") ? cell.dataset.key : quoted(cell.textContent)));
  return [head, ...rows].map((row) => row.join(",")).join("\r\n") + "\r\n";
}
document.querySelectorAll("button.save").forEach((button) => button.addEventListener("click", () => {
  const table = button.previousElementSibling.querySelector("table"), link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", csvOf(table)], { type: "text/csv" }));
  link.download = `${table.dataset.title}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}));

// The contents mark the section that is read; links and printing open what is folded.
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const sections = [...document.querySelectorAll("main > section")].filter((one) => links.has(one.id));
function follow() {
  const read = sections.filter((one) => one.getBoundingClientRect().top < 120).at(-1) ?? sections[0];
  links.forEach((link, id) => link.toggleAttribute("aria-current", id === read?.id));
}
addEventListener("scroll", follow, { passive: true });
follow();
function openTarget() {
  const place = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = place && place.closest("details");
  if (fold && !fold.open) { fold.open = true; place.scrollIntoView(); }
}
addEventListener("hashchange", openTarget);
openTarget();
addEventListener("beforeprint", () => document.querySelectorAll("details.sheets").forEach((one) => { one.open = true; }));
