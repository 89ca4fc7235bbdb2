// The page of an order tells that it is open, who else has it open, and whether the order has changed meanwhile.
"use strict";
(() => {
  const page = document.querySelector("[data-order]");
  if (!page) return;
  const { here, seen, beat } = page.dataset;
  const action = page.dataset.do;
  const token = document.querySelector("input[name=csrfmiddlewaretoken]");

  // Buttons that parts of the desk bring say too which state of the order they were pressed on.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.getAttribute("action") !== action || form.querySelector("input[name=seen]")) return;
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "seen";
    field.value = seen;
    form.append(field);
  }, true);

  function fields(more) {
    const body = new FormData();
    body.append("csrfmiddlewaretoken", token ? token.value : "");
    body.append("seen", seen);
    for (const [name, value] of Object.entries(more || {})) body.append(name, value);
    return body;
  }

  function show(told) {
    const place = page.querySelector(".yl-colleagues");
    place.replaceChildren(...(told.colleagues || []).map((text) => {
      const line = document.createElement("p");
      line.className = "yl-colleague";
      line.textContent = text;
      return line;
    }));
    const changed = page.querySelector("[data-changed]");
    changed.hidden = !told.changed;
    changed.querySelector("span").textContent = told.changed || "";
  }

  async function tell() {
    if (document.visibilityState !== "visible") return;
    try {
      const answer = await fetch(here, { method: "POST", body: fields(), credentials: "same-origin" });
      if (answer.ok) show(await answer.json());
    } catch {
      // The connection is gone for a moment; the next sign of life comes soon.
    }
  }

  tell();
  setInterval(tell, Number(beat) * 1000);
  document.addEventListener("visibilitychange", tell);
  addEventListener("pagehide", () => navigator.sendBeacon(here, fields({ gone: "1" })));
})();
