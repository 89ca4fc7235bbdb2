// The packing table: each scan goes to the server, which counts; the page shows, sounds and waits out lost connections.
"use strict";
(() => {
  function open(code) {
    const form = document.getElementById("yp-open"); // a form, not an address: a link must not open an order
    form.elements.code.value = code;
    form.submit();
  }

  const start = document.getElementById("yp-start");
  if (start) {
    Floor.wedge(open);
    if (start.dataset.bad) Floor.tell(start, false, "");
    return;
  }
  const page = document.getElementById("yp-table");
  const rows = new Map([...page.querySelectorAll("[data-goods]")].map((row) => [row.dataset.goods, row]));
  const queue = new Floor.Queue(page, answered);

  function answered(item, answer) {
    if (answer.code === "dropped" || answer.code === "packed_already" || answer.code === "packed_by_other") {
      Floor.tell(page, false, answer.message);
      setTimeout(() => location.reload(), 700); // the page says in red what to do with the goods
      return;
    }
    Floor.tell(page, answer.ok, answer.message);
    for (const [id, packed] of Object.entries(answer.goods || {})) {
      const row = rows.get(id);
      if (!row) continue;
      row.querySelector(".yp-packed").textContent = packed;
      row.classList.toggle("yp-complete", packed === row.dataset.wanted);
      row.classList.add("yp-just");
      setTimeout(() => row.classList.remove("yp-just"), 900);
      if (packed !== row.dataset.wanted) row.scrollIntoView({ block: "nearest" });
    }
    if (answer.left !== undefined) left(answer.left);
  }
  function left(count) {
    page.querySelector(".yp-left-all").textContent = count;
    page.querySelector(".yp-finish").classList.toggle("yp-ready", count === "0");
    page.dataset.left = count;
  }

  function scanned(code) {
    if (/^w\d+(-\d+)?$/i.test(code)) {
      open(code); // the next tote
      return;
    }
    queue.add({ kind: "scan", text: code });
  }
  page.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]")?.dataset.act;
    const row = event.target.closest("[data-goods]");
    if (!act || !row) return;
    if (act === "missing") return ask(row);
    const label = row.querySelector("b").textContent;
    queue.add({ kind: act === "out" ? "out" : "tap", goods: row.dataset.goods, whole: act === "all", label });
  });

  function ask(row) {
    const form = page.querySelector(".yp-missing");
    form.hidden = !form.hidden && form.parentElement === row;
    form.elements.goods.value = row.dataset.goods;
    row.append(form);
  }

  left(page.dataset.left);
  Floor.wedge(scanned);
  if (page.dataset.first) scanned(page.dataset.first);
})();
