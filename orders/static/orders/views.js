// The views above the list get their figures once the list stands, so that they cost it nothing.
"use strict";
(() => {
  const bar = document.querySelector("[data-view-counts]");
  if (!bar) return;
  const places = new Map([...bar.querySelectorAll("[data-view]")].map((one) => [one.dataset.view, one]));
  const address = `${bar.dataset.viewCounts}?keys=${[...places.keys()].map(encodeURIComponent).join(",")}`;
  fetch(address, { credentials: "same-origin" })
    .then((answer) => (answer.ok ? answer.json() : {}))
    .then((counts) => {
      for (const [key, count] of Object.entries(counts)) {
        if (!count || count === "0" || !places.has(key)) continue;
        const badge = document.createElement("span");
        badge.className = "yl-count";
        badge.textContent = count;
        places.get(key).append(" ", badge);
      }
    })
    .catch(() => {});
})();
