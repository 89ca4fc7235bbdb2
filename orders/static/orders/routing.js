// The form of a routing policy: rows move up and down, rows of lists are added and taken away. The order of the rows in
// the page is the order that is sent.
"use strict";
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const row = button.closest(".yg-row");
  if (button.dataset.move === "up" && row.previousElementSibling) row.previousElementSibling.before(row);
  else if (button.dataset.move === "down" && row.nextElementSibling) row.nextElementSibling.after(row);
  else if ("drop" in button.dataset) {
    const rows = row.parentElement;
    if (rows.children.length > 1) row.remove();
    else row.querySelector("input").value = "";
  } else if ("add" in button.dataset) {
    const rows = button.closest("[data-lists]").querySelector("ul");
    const copy = rows.lastElementChild.cloneNode(true);
    copy.querySelector("input").value = "";
    copy.querySelectorAll("select").forEach((select) => { select.selectedIndex = 0; });
    rows.append(copy);
    copy.querySelector("select").focus();
    return;
  } else return;
  if (button.dataset.move) button.focus();
});
