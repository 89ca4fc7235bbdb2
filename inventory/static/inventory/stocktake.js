// Counting with a phone: scan or type a code, say how many, next. The server has the last word.
"use strict";
(() => {
  const page = document.getElementById("ys-count");
  const data = JSON.parse(document.getElementById("ys-data").textContent);
  const known = new Map();
  for (const goods of data.goods) for (const [code, pack] of goods.codes) known.set(Floor.normal(code), { goods, pack });
  const form = page.querySelector(".ys-how-many"), amount = form.querySelector("[name=quantity]"), bin = form.querySelector("[name=bin]");
  let current = null;

  const queue = new Floor.Queue(page, answered);
  for (const item of queue.items) done(item.line); // counted before the page was loaded anew

  function done(line) {
    const goods = data.goods.find((one) => one.line === line);
    if (goods) goods.done = true;
    show();
  }
  function show() {
    const all = data.goods.length, counted = data.goods.filter((one) => one.done).length;
    page.querySelector(".ys-so-far").textContent = Floor.say("of", counted, all);
    page.querySelector("progress").value = counted;
    const next = page.querySelector(".ys-next");
    const goods = data.goods.find((one) => !one.done);
    next.hidden = !goods || !form.hidden;
    if (goods) {
      next.querySelector(".ys-bin").textContent = goods.bin || "–";
      next.querySelector(".ys-code").textContent = goods.code;
      next.querySelector(".ys-name").textContent = goods.name;
      next.querySelector("button").onclick = () => scanned(goods.code);
    }
    page.querySelector(".ys-all").hidden = Boolean(goods);
  }
  function scanned(code) {
    const found = known.get(Floor.normal(code));
    current = { code, line: found?.goods.line || 0, name: found?.goods.code || code };
    form.hidden = false;
    form.querySelector(".ys-what").textContent = found ? `${found.goods.code} ${found.goods.name}` : code;
    form.querySelector(".ys-hint").textContent = found ? (found.pack ? Floor.say("pack", found.pack) : "") : Floor.say("unknown");
    bin.value = found?.goods.bin || "";
    amount.value = "";
    Floor.tell(page, true, "");
    amount.focus();
    show();
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const quantity = amount.value.trim().replace(",", ".");
    if (!current || quantity === "") return;
    queue.add({ code: current.code, line: current.line, quantity, bin: bin.value.trim(), at: new Date().toISOString(), label: `${current.name} × ${quantity}` });
    done(current.line);
    away();
  });
  form.querySelector("[data-act=away]").addEventListener("click", away);
  function away() {
    current = null;
    form.hidden = true;
    amount.blur();
    show();
  }
  // A wedge scanner may fire while the quantity has the focus: a long number ending in Enter is a code, not a count.
  amount.addEventListener("keydown", (event) => {
    const typed = amount.value.trim();
    if (event.key === "Enter" && (typed.length >= 8 || known.has(Floor.normal(typed)) && typed.length > 5)) {
      event.preventDefault();
      scanned(typed);
    }
  });
  function answered(item, answer) {
    if (!answer.ok || answer.code === "conflict") Floor.tell(page, false, answer.message);
    else Floor.tell(page, true, answer.message);
    const goods = data.goods.find((one) => one.line === item.line);
    if (!answer.ok && goods) {
      goods.done = false;
      show();
    }
  }
  Floor.wedge(scanned);
  show();
})();
