// Finds goods while somebody types their code, a barcode or a part of their name. What comes is shown as text only.
"use strict";
window.YikuFinder = window.YikuFinder || (() => {
  // Lists what `ask` finds below an input; arrows and Enter choose, Escape closes. `show` makes [head, small] of a row.
  function attach(input, ask, show, chosen) {
    let box = null, rows = [], at = -1, asked = 0, timer = null;
    const holder = document.createElement("span");
    holder.className = "yb-holder";
    input.replaceWith(holder);
    holder.append(input);

    function close() {
      if (box) box.remove();
      box = null; rows = []; at = -1;
      input.setAttribute("aria-expanded", "false");
    }

    function mark(next) {
      at = (next + rows.length) % rows.length;
      [...box.children].forEach((one, nth) => one.setAttribute("aria-selected", String(nth === at)));
      box.children[at].scrollIntoView({ block: "nearest" });
    }

    function take(nth) {
      const row = rows[nth];
      close();
      chosen(row);
    }

    function open(found, nothing) {
      close();
      rows = found;
      box = document.createElement("div");
      box.className = "yb-found";
      box.setAttribute("role", "listbox");
      found.forEach((row, nth) => {
        const line = document.createElement("div"), small = document.createElement("small");
        const [head, told] = show(row);
        line.setAttribute("role", "option");
        small.textContent = told;
        line.append(head, small);
        line.addEventListener("mousedown", (event) => { event.preventDefault(); take(nth); });
        box.append(line);
      });
      if (!found.length) box.append(Object.assign(document.createElement("div"), { textContent: nothing }));
      holder.append(box);
      input.setAttribute("aria-expanded", "true");
      if (found.length) mark(0);
    }

    async function look() {
      const mine = ++asked, text = input.value.trim();
      if (!text) return close();
      const found = await ask(text);
      if (mine === asked && document.activeElement === input && found) open(found.rows, found.nothing || "–");
    }

    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 180); });
    input.addEventListener("blur", () => { asked += 1; close(); });
    input.addEventListener("keydown", (event) => {
      if (!box || !rows.length) return;
      if (event.key === "ArrowDown") { event.preventDefault(); mark(at + 1); }
      else if (event.key === "ArrowUp") { event.preventDefault(); mark(at - 1); }
      else if (event.key === "Enter" && !event.ctrlKey) { event.preventDefault(); event.stopPropagation(); take(at); }
      else if (event.key === "Escape") close();
    });
  }

  async function json(url, options) {
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" }, ...options });
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  document.querySelectorAll("input[data-skus]").forEach((input) => {
    const url = input.dataset.skus + (input.dataset.skus.includes("?") ? "&" : "?") + "q=";
    attach(input, (text) => json(url + encodeURIComponent(text)), (row) => [row.code, `${row.title} · ${row.free}`], (row) => { input.value = row.code; });
  });
  return { attach, json };
})();
