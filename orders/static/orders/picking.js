// Picking on a phone: the next stop, big; a scan or a tap confirms it. The server has the last word.
"use strict";
(() => {
  const page = document.getElementById("yp-pick");
  const data = JSON.parse(document.getElementById("yp-data").textContent);
  const stops = [...page.querySelectorAll(".yp-stop")];
  const number = (text) => Number.parseFloat(text) || 0;
  const left = (stop) => number(stop.dataset.total) - number(stop.dataset.picked);
  const open = () => stops.filter((stop) => left(stop) > 0 && !stop.dataset.gone);
  let current = null;

  const queue = new Floor.Queue(page, answered);
  for (const item of queue.items) {
    const stop = stops.find((one) => one.dataset.row === item.row);
    if (stop && item.kind === "picked") stop.dataset.picked = stop.dataset.total; // sent before the page was loaded anew
  }

  function show(stop) {
    for (const one of stops) one.hidden = one !== stop;
    current = stop;
    const rest = open();
    page.querySelector(".yp-count").textContent = Floor.say("of", stops.length - rest.length, stops.length);
    page.querySelector(".yp-bar").value = stops.length - rest.length;
    page.querySelector(".yp-finished").hidden = rest.length > 0;
    if (stop) {
      stop.querySelector(".yp-left").textContent = left(stop);
      stop.querySelector(".yp-short").hidden = true;
      count(stop, 0);
    }
  }
  function count(stop, pieces) {
    stop.dataset.counted = pieces;
    const text = stop.querySelector(".yp-counted");
    text.hidden = !pieces;
    text.textContent = `· ${Floor.say("of", pieces, left(stop))}`;
  }
  const next = () => show(open()[0] || null);

  function took(stop, text) {
    const quantity = left(stop);
    stop.dataset.picked = stop.dataset.total;
    queue.add({ kind: "picked", row: stop.dataset.row, quantity: String(quantity), text, label: `${data.skus[stop.dataset.sku]} × ${quantity}` });
    Floor.tell(page, true, "");
    next();
  }

  function answered(item, answer) {
    const stop = stops.find((one) => one.dataset.row === item.row);
    if (!answer.ok) Floor.tell(page, false, answer.message);
    else if (["fewer", "short"].includes(answer.code)) Floor.tell(page, true, answer.message);
    if (!stop) return;
    if (item.kind === "short" && answer.ok) return location.reload(); // orders have left: the totals are others now
    if (!answer.ok && answer.code === "no_such_row") stop.dataset.gone = "1";
    else if (!answer.ok && item.kind === "picked") stop.dataset.picked = "0";
    if (!answer.ok) show(left(stop) > 0 && !stop.dataset.gone ? stop : open()[0] || null);
  }

  function scanned(code) {
    if (!current) return;
    const pieces = (data.codes[current.dataset.sku] || {})[Floor.normal(code)];
    if (pieces === undefined) {
      queue.add({ kind: "wrong", text: code });
      Floor.tell(page, false, Floor.say("wrong_here", data.skus[current.dataset.sku]));
      return;
    }
    const done = number(current.dataset.counted) + number(pieces);
    if (done >= left(current)) return took(current, code);
    count(current, done);
    Floor.tell(page, true, Floor.say("of", done, left(current)));
  }

  page.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act;
    if (!act || !current) return;
    if (act === "took") took(current, "");
    if (act === "short") current.querySelector(".yp-short").hidden = false;
    if (act === "skip") {
      const rest = open();
      show(rest[(rest.indexOf(current) + 1) % rest.length] || null);
    }
  });
  page.addEventListener("submit", (event) => {
    const form = event.target.closest(".yp-short");
    if (!form) return;
    event.preventDefault();
    const found = form.querySelector("input").value;
    queue.add({ kind: "short", row: current.dataset.row, found, label: `${data.skus[current.dataset.sku]} × ${found}` });
  });
  Floor.wedge(scanned);
  next();
})();
