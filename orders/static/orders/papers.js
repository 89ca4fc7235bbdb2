/* Fill the parcel form of an order's page with the carrier and number of the label that waits for it. */
const card = document.querySelector("#labels[data-tracking]");
const form = document.querySelector("#ship form");
if (card && form) {
  for (const name of ["carrier", "tracking"]) {
    const field = form.elements.namedItem(name);
    if (field && !field.value) field.value = card.dataset[name];
  }
}
