// Refreshes the cards of the home page without reloading it; says so when the figures have grown old.
"use strict";
(() => {
  const home = document.getElementById("yk-home");
  if (!home) return;
  const every = Number(home.dataset.seconds) * 1000;
  let asked = 0;

  async function refresh() {
    if (document.hidden || Date.now() - asked < every / 2) return;
    asked = Date.now();
    try {
      const reply = await fetch(home.dataset.url, {
        headers: { "X-Yiku-Refresh": "1" },
        credentials: "same-origin",
        redirect: "manual",
      });
      if (reply.type === "opaqueredirect" || reply.status === 403) {
        window.location.reload(); // the session is over: the log-in page says so better than we do
        return;
      }
      if (!reply.ok) throw new Error(String(reply.status));
      home.innerHTML = await reply.text();
    } catch {
      const stamp = document.getElementById("yk-stamp");
      if (stamp && !stamp.classList.contains("yk-stale")) {
        stamp.classList.add("yk-stale");
        stamp.prepend(home.dataset.stale + " ");
      }
    }
  }

  setInterval(refresh, every);
  document.addEventListener("visibilitychange", refresh);
})();
