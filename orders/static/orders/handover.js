// Parcels leave: scan after scan, each with its answer and its sound.
"use strict";
(() => {
  const page = document.getElementById("yp-out");
  const gone = page.querySelector(".yp-gone");
  const queue = new Floor.Queue(page, (item, answer) => {
    Floor.tell(page, answer.ok, answer.message);
    if (answer.ok && !answer.again) gone.textContent = Number(gone.textContent) + 1;
  });
  Floor.wedge((text) => queue.add({ text }));
})();
