"use strict";
document.querySelectorAll(".swipe").forEach((box) => {
  const stage = box.querySelector(".stage"), slide = box.querySelector(".slide");
  const left = box.querySelector(".left"), right = box.querySelector(".right");
  const edge = box.querySelector(".edge");
  const images = [...stage.querySelectorAll("img")];
  const find = (name) => images.find((image) => image.dataset.map === name);
  function show() {
    images.forEach((image) => { image.className = ""; image.style.clipPath = ""; });
    const under = find(right.value), over = find(left.value);
    under.className = "under";
    if (over !== under) {
      over.className = "over";
      over.style.clipPath = `inset(0 ${100 - slide.value}% 0 0)`;
    }
    edge.style.left = `${slide.value}%`;
    slide.setAttribute("aria-valuetext", `${slide.value} % ${left.value}, the rest ${right.value}`);
  }
  function drag(event) {
    const frame = stage.getBoundingClientRect();
    slide.value = (100 * (event.clientX - frame.left)) / frame.width;
    show();
  }
  stage.addEventListener("pointerdown", (event) => { stage.setPointerCapture(event.pointerId); drag(event); });
  stage.addEventListener("pointermove", (event) => { if (event.buttons) drag(event); });
  [slide, left, right].forEach((control) => control.addEventListener("input", show));
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
function openTarget() {
  const fold = location.hash && document.getElementById(location.hash.slice(1))?.closest("details");
  if (fold) fold.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();
