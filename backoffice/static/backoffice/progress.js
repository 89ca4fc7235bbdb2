// Keeps every progress bar on the page moving; `data-then` on an ancestor is opened when the job is done.
"use strict";
(() => {
  const pause = 700;

  async function follow(bar) {
    const reply = await fetch(bar.dataset.progress + "?html", { headers: { "X-Yiku-Refresh": "1" } }).catch(() => null);
    if (!reply || !reply.ok) return void setTimeout(() => follow(bar), pause * 4);
    const holder = document.createElement("div");
    holder.innerHTML = await reply.text();
    const fresh = holder.firstElementChild;
    bar.replaceWith(fresh);
    if (fresh.dataset.state === "running") return void setTimeout(() => follow(fresh), pause);
    const then = fresh.closest("[data-then]");
    if (then && fresh.dataset.state === "done") window.location.assign(then.dataset.then);
  }

  document.querySelectorAll('[data-progress][data-state="running"]').forEach((bar) => setTimeout(() => follow(bar), pause));
})();
