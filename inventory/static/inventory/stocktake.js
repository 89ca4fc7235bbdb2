// Counting with a phone: scan or type a code, say how many, next. The server has the last word.
"use strict";
(() => {
  const page = document.getElementById("ys-count");
  const data = JSON.parse(document.getElementById("ys-data").textContent);
  const known = new Map();
  for (const goods of data.goods) {
    for (const [code, pack] of goods.codes) {
      const key = Floor.normal(code);
      if (!known.has(key)) known.set(key, { goods, pack, lots: [] });
      if (goods.lot) known.get(key).lots.push(goods); // tracked goods: a line for each lot
    }
  }
  const form = page.querySelector(".ys-how-many"), amount = form.querySelector("[name=quantity]"), bin = form.querySelector("[name=bin]");
  const box = form.querySelector(".ys-lots"), lot = form.querySelector("[name=lot]"), expires = form.querySelector("[name=expires_on]");
  const tracked = new Set(); // codes of goods this device does not know, of which the server has asked the lot
  let current = null;

  // What a GS1 code says of the goods; the server reads it again and has the last word.
  const FIXED = { "00": 18, "01": 14, "02": 14, 11: 6, 12: 6, 13: 6, 15: 6, 16: 6, 17: 6, 20: 2 };
  function gs1(text) {
    const said = {}, link = /\/0?1\/\d{8,14}/.test(text) && /^https?:/i.test(text);
    if (link) {
      for (const [, ai, value] of text.matchAll(/[/?&](01|10|17|21)[/=]([^/?&#]+)/g)) said[ai] = decodeURIComponent(value);
    } else if (/^\(\d{2,4}\)/.test(text)) {
      for (const [, ai, value] of text.matchAll(/\((\d{2,4})\)([^(]+)/g)) said[ai] = value.trim();
    } else {
      let rest = text.replace(/^\][A-Za-z]\d/, "").replace(/\u241d|<GS>|\{GS\}/g, "\x1d");
      if (!/^0[12]\d{14}./.test(rest)) return null;
      while (rest) {
        const ai = rest.slice(0, 2), end = FIXED[ai] ? 2 + FIXED[ai] : (rest.indexOf("\x1d") + 1 || rest.length + 1) - 1;
        said[ai] = rest.slice(2, end);
        rest = rest.slice(end).replace(/^\x1d/, "");
      }
    }
    const article = said["01"] || said["02"];
    if (!article) return null;
    const bare = article.replace(/^0+/, ""), day = /^(\d\d)(\d\d)(\d\d)$/.exec(said["17"] || "");
    return {
      codes: [bare.padStart(13, "0"), article, bare.padStart(12, "0"), bare], lot: said["10"] || "", serial: said["21"] || "",
      expires: day && day[3] !== "00" ? `20${day[1]}-${day[2]}-${day[3]}` : "",
    };
  }

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
      next.querySelector(".ys-lot").textContent = goods.lot ? [`${Floor.say(goods.tracking === 3 ? "serial" : "lot")} ${goods.lot}`, goods.expires_on && Floor.say("until", goods.expires_on)].filter(Boolean).join(" · ") : "";
      next.querySelector(".ys-name").textContent = goods.name;
      next.querySelector("button").onclick = () => scanned(goods.code, goods);
    }
    page.querySelector(".ys-all").hidden = Boolean(goods);
  }
  function scanned(code, chosen) {
    const said = gs1(code), key = (said?.codes || [code]).map(Floor.normal).find((one) => known.has(one));
    const found = known.get(key);
    current = { code, line: found?.goods.line || 0, name: found?.goods.code || code, lots: found?.lots || [] };
    form.hidden = false;
    form.querySelector(".ys-what").textContent = found ? `${found.goods.code} ${found.goods.name}` : code;
    form.querySelector(".ys-hint").textContent = found ? (found.pack ? Floor.say("pack", found.pack) : "") : Floor.say("unknown");
    bin.value = found?.goods.bin || "";
    amount.value = "";
    lots(said, chosen);
    Floor.tell(page, true, "");
    (box.hidden || lot.value ? amount : lot).focus();
    show();
  }
  // Tracked goods ask for their lot: one of those on the list, what a GS1 code says, or one that nobody knew.
  function lots(said, chosen) {
    const tracking = current.lots[0]?.tracking || (tracked.has(Floor.normal(current.code)) ? 2 : 0), serial = tracking === 3;
    box.hidden = !tracking;
    lot.required = Boolean(tracking);
    lot.value = chosen?.lot || (serial ? said?.serial : said?.lot) || (current.lots.length === 1 && !said ? current.lots[0].lot : "");
    expires.value = chosen ? "" : said?.expires || "";
    current.tracking = tracking;
    box.querySelector("datalist").replaceChildren(...current.lots.map((one) => new Option(one.expires_on, one.lot)));
    if (serial) amount.value = "1";
    lot.oninput();
  }
  const same = () => current?.lots.find((one) => Floor.normal(one.lot) === Floor.normal(lot.value));
  lot.oninput = () => { box.querySelector(".ys-expiry").hidden = current?.tracking !== 2 || lot.value.trim() === "?" || Boolean(same()); };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const quantity = amount.value.trim().replace(",", ".");
    if (!current || quantity === "") return;
    const line = current.tracking ? same()?.line || 0 : current.line, dated = current.tracking === 2 && line === 0;
    const more = current.tracking ? { lot: lot.value.trim(), expires_on: dated ? expires.value : "" } : {};
    const name = [current.name, more.lot].filter(Boolean).join(" ");
    queue.add({ code: current.code, line, quantity, bin: bin.value.trim(), ...more, at: new Date().toISOString(), label: `${name} × ${quantity}` });
    done(line);
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
    if (!answer.ok && ["lot_missing", "expiry_missing"].includes(answer.code)) {
      tracked.add(Floor.normal(item.code));
      if (form.hidden) scanned(item.code);
    }
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
