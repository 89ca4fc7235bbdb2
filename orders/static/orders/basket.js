// The form of orders and quotes: goods are found while typing, the sums follow (the server adds up), keys do the rest.
"use strict";
(() => {
  const form = document.getElementById("yb-form");
  if (!form) return;
  const { attach, json } = window.YikuFinder;
  const lines = document.getElementById("yb-lines"), sums = document.getElementById("yb-sums");
  const field = (name) => form.elements.namedItem(name);
  const blank = lines.querySelector("[data-line]:last-child").cloneNode(true);
  let timer = null, asked = 0;

  function shop() {
    return field("shop").value;
  }

  // --- sums ---------------------------------------------------------------------------------------------------------

  async function add_up() {
    const mine = ++asked;
    const answer = await json(form.dataset.preview, { method: "POST", body: new FormData(form) });
    if (!answer || mine !== asked) return;
    if (!answer.sums.length) { sums.style.opacity = ".4"; return; } // something is half typed: what stood there is old
    sums.style.opacity = "";
    sums.replaceChildren(...answer.sums.flatMap(([label, amount]) => [
      Object.assign(document.createElement("dt"), { textContent: label }),
      Object.assign(document.createElement("dd"), { textContent: amount }),
    ]));
    for (const row of lines.querySelectorAll("[data-line]")) {
      const title = answer.titles[row.querySelector("[name=line_code]").value.trim()];
      if (title) row.querySelector("[data-title]").textContent = title;
    }
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(add_up, 250);
  }

  // --- lines --------------------------------------------------------------------------------------------------------

  function ready(row) {
    const code = row.querySelector("[name=line_code]"), quantity = row.querySelector("[name=line_quantity]");
    const price = row.querySelector("[name=line_price]"), title = row.querySelector("[data-title]");
    const ask = async (text) => {
      const found = await json(`${form.dataset.skus}?shop=${shop()}&currency=${encodeURIComponent(field("currency").value)}&q=${encodeURIComponent(text)}`);
      return found && { rows: found.rows, nothing: form.dataset.nothing };
    };
    attach(code, ask, (one) => [`${one.code} ${one.price}`, `${one.title} · ${form.dataset.free} ${one.free}`], (one) => {
      code.value = one.code;
      title.textContent = one.title;
      price.value = one.price || price.value;
      quantity.value = quantity.value || "1";
      quantity.focus();
      quantity.select();
      soon();
    });
    row.querySelector("[data-remove]").addEventListener("click", () => {
      row.remove();
      if (!lines.querySelector("[data-line]")) more();
      soon();
    });
  }

  function more() {
    const row = blank.cloneNode(true);
    row.querySelectorAll("input").forEach((input) => { input.value = ""; });
    row.querySelectorAll(".yo-error").forEach((error) => error.remove());
    row.querySelector("[data-title]").textContent = "";
    lines.append(row);
    ready(row);
    return row;
  }

  lines.querySelectorAll("[data-line]").forEach(ready);
  const button = document.getElementById("yb-more");
  button.hidden = false;
  button.addEventListener("click", () => more().querySelector("[name=line_code]").focus());

  form.addEventListener("input", soon);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.defaultPrevented) return;
    if (event.ctrlKey || event.metaKey) { form.requestSubmit(); return; }
    if (event.target.tagName !== "INPUT") return;
    event.preventDefault(); // a barcode scanner ends with Enter: it must not send the form
    const row = event.target.closest("[data-line]");
    if (row) (row.nextElementSibling || more()).querySelector("[name=line_code]").focus();
  });
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
    setTimeout(() => { sent = false; }, 5000);
  });

  // --- shop, country, buyer -------------------------------------------------------------------------------------------

  const shops = document.getElementById("yb-shop");
  if (shops) shops.addEventListener("change", () => {
    field("currency").value = shops.selectedOptions[0].dataset.currency;
    soon();
  });

  async function country() {
    const answer = await json(`${form.dataset.country}?code=${encodeURIComponent(field("address_country").value)}`);
    if (!answer) return;
    for (const label of document.querySelectorAll("#yb-address [data-field]")) label.classList.toggle("yb-needed", answer.needed.includes(label.dataset.field));
    field("address_postcode").placeholder = answer.postcode;
  }
  field("address_country").addEventListener("change", country);
  country();

  const find = document.getElementById("yb-find");
  if (find) {
    const ask = async (text) => {
      const found = await json(`${form.dataset.buyers}?q=${encodeURIComponent(text)}`);
      return found && { rows: found.rows, nothing: form.dataset.nothing };
    };
    attach(find, ask, (one) => [one.name || "–", `${one.place} · ${one.told}`], async (one) => {
      const body = new FormData();
      body.set("order", one.order);
      body.set("csrfmiddlewaretoken", field("csrfmiddlewaretoken").value);
      const buyer = await json(form.dataset.buyer, { method: "POST", body });
      if (!buyer) return;
      for (const [name, value] of Object.entries(buyer)) field(name).value = value;
      find.value = "";
      country();
    });
  }
})();
