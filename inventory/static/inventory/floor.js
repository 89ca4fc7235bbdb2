// The warehouse floor: receive, move, look up. What is done goes through the queue; the server has the last word.
"use strict";
(() => {
  const page = document.getElementById("yf-page"), name = page.dataset.page;
  page.querySelector(`[data-tab="${name}"]`)?.setAttribute("aria-current", "page");
  const queue = new Floor.Queue(page, (item, answer) => {
    Floor.tell(page, answer.ok, answer.message);
    const row = answer.ok ? null : data.expected.find((one) => one.arrival === item.arrival);
    if (row) { // nothing came of it: the delivery is still expected
      Object.assign(row, { done: false, pieces: item.before, left: item.before });
      list();
    }
  });
  const make = (tag, text, more = {}) => Object.assign(document.createElement(tag), { textContent: text, ...more });

  async function find(code) {
    try {
      const response = await fetch(`${page.dataset.find}?${new URLSearchParams({ code })}`, { signal: AbortSignal.timeout(8000) });
      if (response.redirected || response.status === 403) return { ok: false, message: Floor.say("signed_out") };
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }

  // --- the warehouse is chosen once for a shift ----------------------------------------------------------------------
  const place = page.querySelector(".yf-place select");
  if (place) {
    try {
      const kept = localStorage.getItem("yiku-floor-warehouse");
      if ([...place.options].some((one) => one.value === kept)) place.value = kept;
    } catch { /* private mode */ }
    place.addEventListener("change", () => {
      try { localStorage.setItem("yiku-floor-warehouse", place.value); } catch { /* private mode */ }
      away();
      list();
    });
  }

  const form = page.querySelector(".yf-form");
  const field = (named) => form?.elements.namedItem(named);
  let current = null;
  const data = JSON.parse(document.getElementById("yf-data")?.textContent || '{"expected": []}');
  const here = () => data.expected.filter((one) => String(one.warehouse) === place.value && !one.done);

  function away() {
    current = null;
    if (!form) return;
    form.hidden = true;
    form.reset();
    document.activeElement?.blur();
  }
  form?.querySelector("[data-act=away]").addEventListener("click", away);

  function propose(bins) {
    const box = form.querySelector(".yf-proposed");
    box.replaceChildren(...bins.map((one) => {
      const button = make("button", one.bin, { type: "button", onclick: () => { field("bin").value = one.bin; } });
      button.append(make("small", one.why));
      return button;
    }));
  }
  function known(found) {
    return found?.ok ? found.places.find((one) => String(one.warehouse) === place.value) : null;
  }
  // A wedge scanner may fire while a number has the focus: a long one ending in Enter is a code.
  field("quantity")?.addEventListener("keydown", (event) => {
    const typed = event.target.value.trim();
    if (event.key === "Enter" && typed.length >= 8) {
      event.preventDefault();
      scanned(typed);
    }
  });
  // Tracked goods ask for their lot; what a GS1 code said stands there already.
  function lots(found) {
    const box = form.querySelector(".yf-lots");
    if (!box) return;
    const tracking = found?.tracking || 0;
    box.hidden = !tracking;
    field("lot").required = Boolean(tracking);
    box.querySelector(".yf-expiry").hidden = tracking !== 2;
    if (tracking === 3) box.querySelector(".yf-lot-name").textContent = field("lot").dataset.serials;
    if (!field("lot").value) field("lot").value = found?.lot || "";
    if (!field("expires_on").value) field("expires_on").value = found?.expires_on || "";
  }
  const amount = () => field("quantity").value.trim().replace(",", ".");

  // --- receive -------------------------------------------------------------------------------------------------------
  function list() {
    const box = page.querySelector(".yf-expected");
    if (!box) return;
    const rows = here();
    box.querySelector("p").hidden = rows.length > 0;
    box.querySelector("ul").replaceChildren(...rows.slice(0, 60).map((one) => {
      const item = document.createElement("li");
      const button = make("button", `${one.code} ${one.name}`, { type: "button", onclick: () => receive(one.code, one) });
      button.append(make("small", told(one)));
      item.append(button);
      return item;
    }));
  }
  const told = (one) => [Floor.say("expected", one.left), Floor.say("of_day", one.day), one.source].filter(Boolean).join(" · ");
  function choose(one) {
    if (!current) return;
    current.arrival = one?.arrival || 0;
    form.querySelector(".yf-free").hidden = Boolean(one);
    form.querySelector(".yf-finished").hidden = !one;
    if (one) field("quantity").value = one.pieces;
  }
  async function receive(code, chosen, said) {
    const key = Floor.normal(code), rows = here().filter((one) => one.codes.includes(key) || Floor.normal(one.code) === key);
    const mine = (current = { code });
    form.reset();
    form.hidden = false;
    form.querySelector(".yf-what").textContent = rows[0] ? `${rows[0].code} ${rows[0].name}` : code;
    form.querySelector(".yf-hint").textContent = rows[0] ? "" : Floor.say("unknown");
    field("bin").value = rows[0]?.bin || "";
    propose([]);
    lots(said || rows[0]);
    const box = form.querySelector(".yf-deliveries");
    box.hidden = !rows.length;
    box.querySelectorAll("label").forEach((one) => one.remove());
    const options = data.free ? [...rows, null] : rows;
    const first = chosen ? rows.find((one) => one.arrival === chosen.arrival) : rows[0];
    for (const one of options) {
      const label = document.createElement("label");
      label.append(make("input", "", { type: "radio", name: "delivery", checked: one === (first || null), onchange: () => choose(one) }), make("span", one ? told(one) : Floor.say("without")));
      box.append(label);
    }
    choose(first || null);
    Floor.tell(page, true, "");
    field("quantity").focus();
    field("quantity").select();
    const found = await find(code);
    if (current !== mine || !found) return;
    if (!found.ok) { Floor.tell(page, false, found.message); return away(); }
    form.querySelector(".yf-what").textContent = `${found.code} ${found.name}`;
    form.querySelector(".yf-hint").textContent = [found.note, found.pack && Floor.say("pack", found.pack), rows.length ? "" : Floor.say("no_delivery")].filter(Boolean).join(" ");
    if (!rows.length && here().some((one) => one.code === found.code)) return receive(found.code, undefined, found); // a GS1 code: now we know the goods
    lots(found);
    propose(known(found)?.proposed || []);
    if (!field("bin").value) field("bin").value = known(found)?.bin || "";
  }

  // --- move ----------------------------------------------------------------------------------------------------------
  const chosen = () => page.querySelector(".yf-choose [aria-pressed=true]")?.dataset.to || "bin";
  for (const button of page.querySelectorAll(".yf-choose button")) {
    button.addEventListener("click", () => {
      for (const one of page.querySelectorAll(".yf-choose button")) one.setAttribute("aria-pressed", String(one === button));
      shape();
    });
  }
  function shape() {
    const moves = chosen() === "move";
    form.querySelector(".yf-free").hidden = !moves;
    field("quantity").required = moves;
    field("bin").required = !moves;
    if (moves && field("destination").value === place.value) {
      const other = [...field("destination").options].find((one) => one.value !== place.value);
      if (other) field("destination").value = other.value;
    }
    propose(moves ? [] : known(current?.found)?.proposed.filter((one) => one.bin !== known(current.found).bin) || []);
  }
  async function move(code) {
    const mine = (current = { code });
    form.reset();
    form.hidden = false;
    form.querySelector(".yf-what").textContent = code;
    form.querySelector(".yf-hint").textContent = Floor.say("unknown");
    Floor.tell(page, true, "");
    shape();
    field(chosen() === "move" ? "quantity" : "bin").focus();
    const found = await find(code);
    if (current !== mine || !found) return;
    if (!found.ok) { Floor.tell(page, false, found.message); return away(); }
    mine.found = found;
    const lies = known(found);
    form.querySelector(".yf-what").textContent = `${found.code} ${found.name}`;
    form.querySelector(".yf-hint").textContent = [found.note, lies?.bin && Floor.say("lies", lies.bin), lies && `${Floor.say("on_hand")} ${lies.on_hand} · ${Floor.say("free")} ${lies.free}`, found.pack && chosen() === "move" && Floor.say("pack", found.pack)].filter(Boolean).join(" · ");
    shape();
  }

  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!current) return;
    const common = { code: current.code, warehouse: Number(place.value), bin: field("bin").value.trim(), note: field("note")?.value.trim() || "", lot: field("lot")?.value.trim() || "", expires_on: field("expires_on")?.value || "", at: new Date().toISOString() };
    if (name === "receive") {
      if (!amount()) return;
      const row = data.expected.find((one) => one.arrival === current.arrival);
      const label = `${row?.code || current.code} × ${amount()}`;
      if (current.arrival) queue.add({ ...common, do: "receive", arrival: current.arrival, before: row?.pieces, quantity: amount(), finished: field("finished").checked, label });
      else queue.add({ ...common, do: "free", quantity: amount(), reason: field("reason").value, label });
      if (row) {
        const left = Number(row.pieces) - Number(amount());
        if (left > 0 && !field("finished").checked) Object.assign(row, { pieces: String(left), left: String(left) });
        else row.done = true;
      }
      list();
    } else if (chosen() === "bin") queue.add({ ...common, do: "bin", label: `${current.code} → ${common.bin}` });
    else {
      const to = field("destination");
      queue.add({ ...common, do: "move", destination: Number(to.value), quantity: amount(), label: `${current.code} × ${amount()} → ${to.selectedOptions[0].textContent}` });
    }
    away();
  });

  // --- look up -------------------------------------------------------------------------------------------------------
  async function look(code) {
    const box = page.querySelector(".yf-found"), found = await find(code);
    box.hidden = true;
    if (!found) return Floor.tell(page, false, Floor.say("away"));
    if (!found.ok) return Floor.tell(page, false, found.message);
    Floor.tell(page, true, "");
    box.hidden = false;
    box.replaceChildren(make("div", `${found.code} ${found.name}`, { className: "yf-what" }));
    if (found.picture) box.append(make("img", "", { src: found.picture, alt: found.name, loading: "lazy", onerror() { this.remove(); } }));
    for (const text of [found.pack && Floor.say("pack", found.pack), found.note]) if (text) box.append(make("p", text));
    const places = found.places.filter((one) => one.known || one.bin);
    if (places.length) box.append(table(places, places.some((one) => one.cost)));
    else if (!found.note) box.append(make("p", Floor.say("nowhere")));
    if (found.incoming.length) {
      box.append(make("h2", Floor.say("incoming")));
      const rows = document.createElement("ul");
      for (const one of found.incoming) rows.append(make("li", `${one.left} · ${one.day} · ${one.place}${one.source ? ` · ${one.source}` : ""}`));
      box.append(rows);
    }
  }
  function table(places, cost) {
    const made = document.createElement("table"), head = made.createTHead().insertRow();
    for (const title of ["", "on_hand", "reserved", "free", ...(cost ? ["cost"] : [])]) head.append(make("th", title && Floor.say(title)));
    for (const one of places) {
      const row = made.insertRow(), cell = row.insertCell();
      if (one.bin) cell.append(make("div", one.bin, { className: "yf-where" }));
      cell.append(make("div", one.name, { className: "yi-small" }));
      row.insertCell().append(make("b", one.on_hand));
      for (const figure of [one.reserved, one.free, ...(cost ? [one.cost || ""] : [])]) row.insertCell().textContent = figure;
    }
    return made;
  }

  const scanned = { receive: (code) => receive(code), move, look }[name];
  if (scanned) Floor.wedge(scanned);
  list();
})();
