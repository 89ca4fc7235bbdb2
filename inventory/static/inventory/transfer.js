// Receiving a transfer: scan what came, or type it; booked in one go, kept on the device until it is.
"use strict";
(() => {
  const page = document.getElementById("yt-receive"), form = page.querySelector(".yt-book");
  const codes = new Map(JSON.parse(document.getElementById("yt-codes").textContent).map(([code, line, pieces]) => [Floor.normal(code), { line, pieces: Number(pieces) }]));
  const rows = new Map([...page.querySelectorAll(".yt-row")].map((row) => [row.dataset.line, row]));
  const all = Object.fromEntries(page.querySelector("[data-act=all]").dataset.lines.trim().split(" ").filter(Boolean).map((pair) => pair.split(":")));
  const store = `yiku-${page.dataset.store}`, damaged = page.querySelector("[name=damaged-mode]"), offline = page.querySelector(".yp-offline");
  const number = (input) => Number(input.value.trim().replace(",", ".")) || 0;
  const show = (value) => String(Math.round(value * 1000) / 1000);
  let busy = false, timer = null, kept = null;
  try {
    kept = JSON.parse(localStorage.getItem(store) || "null");
  } catch { /* private mode */ }
  // What was entered before the page was loaded anew; sent already and not answered: with the turn and key it had then.
  if (!kept || (kept.seen !== Number(page.dataset.seen) && !kept.sent)) kept = { seen: Number(page.dataset.seen), once: key(), lines: {}, sent: false };
  for (const [line, figures] of Object.entries(kept.lines)) {
    const row = rows.get(line);
    if (row) for (const name of ["good", "damaged"]) row.querySelector(`[name=${name}]`).value = figures[name] || "";
  }
  function key() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  function keep() {
    kept.lines = {};
    for (const [line, row] of rows) {
      const figures = Object.fromEntries(["good", "damaged"].map((name) => [name, row.querySelector(`[name=${name}]`).value.trim().replace(",", ".")]));
      if (figures.good || figures.damaged) kept.lines[line] = figures;
      const sum = Number(figures.good || 0) + Number(figures.damaged || 0);
      row.classList.toggle("yt-full", sum > 0 && sum === Number(all[line]));
      row.classList.toggle("yt-over", sum > Number(all[line]));
    }
    try {
      localStorage.setItem(store, JSON.stringify(kept));
    } catch { /* private mode: it lives as long as the page */ }
  }
  function scanned(code) {
    const found = codes.get(Floor.normal(code));
    for (const row of rows.values()) row.classList.remove("yt-hit");
    if (!found) return Floor.tell(page, false, Floor.say("unknown", code));
    const row = rows.get(String(found.line)), input = row.querySelector(damaged.checked ? "[name=damaged]" : "[name=good]");
    input.value = show(number(input) + found.pieces);
    row.classList.add("yt-hit");
    row.scrollIntoView({ block: "nearest" });
    Floor.tell(page, true, `${row.querySelector(".ys-code").textContent} · ${input.value} / ${show(Number(all[found.line]))}`);
    changed();
  }
  function changed() {
    if (kept.sent) return; // being booked: another figure is another receipt
    keep();
  }
  form.addEventListener("input", changed);
  // A wedge scanner may fire while a figure has the focus: a long number ending in Enter is a code.
  form.addEventListener("keydown", (event) => {
    const typed = event.target.value?.trim() || "";
    if (event.key !== "Enter" || event.target.name === "note") return;
    event.preventDefault();
    const hidden = [...codes.keys()].find((code) => code.length > 5 && Floor.normal(typed).endsWith(code));
    if (!hidden) return event.target.blur();
    event.target.value = typed.slice(0, typed.length - hidden.length);
    scanned(hidden);
  });
  page.querySelector("[data-act=all]").addEventListener("click", () => {
    for (const [line, row] of rows) row.querySelector("[name=good]").value = Number(all[line]) ? show(Math.max(Number(all[line]) - number(row.querySelector("[name=damaged]")), 0)) : "";
    changed();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!kept.sent) keep();
    if (!Object.keys(kept.lines).length) return Floor.tell(page, false, Floor.say("nothing"));
    send();
  });
  async function send() {
    if (busy) return;
    busy = true;
    clearTimeout(timer);
    kept.sent = true;
    try {
      localStorage.setItem(store, JSON.stringify(kept));
    } catch { /* private mode */ }
    Floor.tell(page, true, Floor.say("sending"));
    let answer;
    try {
      const lines = Object.entries(kept.lines).map(([line, figures]) => ({ line: Number(line), ...figures }));
      const response = await fetch(page.dataset.url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": page.querySelector("[name=csrfmiddlewaretoken]").value },
        body: JSON.stringify({ once: kept.once, seen: kept.seen, note: form.querySelector("[name=note]").value, lines }),
        signal: AbortSignal.timeout(20000),
      });
      if (response.redirected || response.status === 403) return wait(Floor.say("signed_out"));
      if (response.status >= 500) return wait(Floor.say("offline"));
      answer = response.headers.get("Content-Type")?.includes("json") ? await response.json() : { ok: false, message: Floor.say("not_sent") };
    } catch {
      return wait(Floor.say("offline"));
    } finally {
      busy = false;
    }
    offline.hidden = true;
    kept.sent = false;
    Floor.tell(page, answer.ok, answer.message);
    if (answer.ok) {
      localStorage.removeItem(store);
      setTimeout(() => location.assign(answer.there), 900);
    } else {
      kept.once = key();
      if (answer.code === "received_meanwhile") localStorage.removeItem(store);
      else keep();
    }
  }
  function wait(text) {
    offline.textContent = text;
    offline.hidden = false;
    timer = setTimeout(send, 4000);
  }
  addEventListener("online", () => kept.sent && send());
  Floor.wedge(scanned);
  if (kept.sent) send();
  else keep();
})();
