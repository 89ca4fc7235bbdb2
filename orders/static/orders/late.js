// One tick for all orders of a play; another text shows how its messages read.
"use strict";
(() => {
  const all = document.querySelector(".yl-all");
  const each = () => [...document.querySelectorAll('input[name="chosen"]')];
  if (all) {
    all.addEventListener("change", () => each().forEach((one) => { one.checked = all.checked; }));
    each().forEach((one) => one.addEventListener("change", () => { all.checked = each().every((box) => box.checked); }));
  }
  const text = document.querySelector(".yl-text");
  if (text) text.addEventListener("change", () => window.location.assign(text.dataset.reload + encodeURIComponent(text.value) + "#message"));
})();
