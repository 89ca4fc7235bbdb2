// The rule builder: rows of conditions in groups, and what the rule does. The form carries both as JSON; the server
// checks them and says which row is wrong. Everything shown comes as text, never as markup.
"use strict";
(() => {
  const holder = document.getElementById("yr-builder");
  if (!holder) return;
  const known = JSON.parse(document.getElementById("yr-known").textContent);
  const words = known.words;
  const form = holder.closest("form");
  const fields = new Map(known.fields.map((field) => [field.code, field]));
  const state = { join: "all", groups: [], deeds: [] };
  Object.assign(state, JSON.parse(document.getElementById("yr-saved").textContent));
  const problems = JSON.parse(document.getElementById("yr-problems").textContent);

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  function choose(options, value, change, label) {
    const select = make("select", { "aria-label": label, onchange: (event) => change(event.target.value) });
    for (const one of options) {
      if (one.group) {
        const group = make("optgroup", { label: one.group });
        one.options.forEach(([code, text]) => group.append(make("option", { value: code, selected: code === value }, text)));
        select.append(group);
      } else select.append(make("option", { value: one[0], selected: one[0] === value }, one[1]));
    }
    return select;
  }

  function type(value, change, attributes) {
    return make("input", { value: value ?? "", oninput: (event) => change(event.target.value), autocomplete: "off", ...attributes });
  }

  function fault(group, row) {
    const found = problems.filter((one) => one.group === group && one.row === row);
    return found.length ? make("p", { class: "yo-error", role: "alert" }, found.map((one) => one.text).join(" ")) : null;
  }

  // --- values -------------------------------------------------------------------------------------------------------

  function chips(row, options, changed = () => {}) {
    const chosen = Array.isArray(row.value) ? row.value : (row.value = []);
    const names = new Map(options);
    const box = make("span", { class: "yr-chips" });
    chosen.forEach((code) => box.append(make("button", {
      type: "button", class: "yr-chip", title: words.remove,
      onclick: () => { row.value = chosen.filter((one) => one !== code); changed(); draw(); },
    }, `${names.get(code) ?? code} ×`)));
    const rest = options.filter(([code]) => !chosen.includes(code));
    box.append(choose([["", words.add], ...rest], "", (code) => { if (code) { row.value = [...chosen, code]; changed(); draw(); } }, words.add));
    return box;
  }

  function pair(row, attributes, between) {
    const values = Array.isArray(row.value) ? row.value : (row.value = ["", ""]);
    const set = (place) => (text) => { values[place] = text; };
    return make("span", { class: "yr-pair" }, type(values[0], set(0), { ...attributes, "aria-label": words.from }), between, type(values[1], set(1), { ...attributes, "aria-label": words.to }));
  }

  function value(row, field) {
    if (known.without.includes(row.op)) return null;
    const figure = { inputmode: "decimal", size: 8, class: "yr-figure", "aria-label": words.value };
    if (field.kind === "choice") return chips(row, known.choices[field.choices] ?? []);
    if (field.kind === "hour" || row.op === "between") return pair(row, figure, "–");
    if (field.kind === "number") return type(row.value, (text) => { row.value = text; }, figure);
    const list = known.lists.includes(row.op);
    const shown = Array.isArray(row.value) ? row.value.join(", ") : row.value;
    return type(shown, (text) => { row.value = text; }, { "aria-label": words.value, placeholder: list ? words.commas : "", class: "yr-text", maxlength: list ? 20000 : 300 });
  }

  // --- conditions ---------------------------------------------------------------------------------------------------

  const choicesOf = (of) => {
    const line = of !== "order";
    const groups = new Map();
    known.fields.filter((field) => (field.of === "line") === line).forEach((field) => {
      if (!groups.has(field.group)) groups.set(field.group, []);
      groups.get(field.group).push([field.code, field.label]);
    });
    return [...groups].map(([group, options]) => ({ group, options }));
  };
  const opsOf = (field) => known.operators[field.kind].map((op) => [op, known.labels[op]]);

  function blank(of) {
    const field = fields.get(choicesOf(of)[0].options[0][0]);
    return { field: field.code, op: known.operators[field.kind][0], value: null };
  }

  function drawRow(group, groupPlace, row, place) {
    const field = fields.get(row.field);
    const gone = make("strong", { class: "yo-error" }, row.field);
    const what = choose(choicesOf(group.of), row.field, (code) => {
      const next = fields.get(code);
      Object.assign(row, { field: code, op: known.operators[next.kind][0], value: null, days: next.days ? 30 : undefined });
      draw();
    }, words.field);
    const parts = [what];
    if (field) {
      parts.push(choose(opsOf(field), row.op, (op) => { row.op = op; row.value = null; draw(); }, words.comparison));
      const input = value(row, field);
      if (input) parts.push(input);
      if (field.unit) parts.push(make("span", { class: "yo-small" }, field.unit));
      if (field.days) parts.push(make("span", { class: "yr-pair" }, words.within, type(row.days ?? 30, (text) => { row.days = text; }, { inputmode: "numeric", size: 4, class: "yr-figure", "aria-label": words.days }), words.days));
    } else parts[0] = make("span", {}, gone, " ", what);
    const remove = make("button", { type: "button", class: "yr-x", title: words.remove, "aria-label": words.remove, onclick: () => { group.rows.splice(place, 1); draw(); } }, "×");
    return make("li", { class: "yr-row" }, make("div", { class: "yr-parts" }, ...parts, remove), fault(groupPlace + 1, place + 1));
  }

  function drawGroup(group, place) {
    const of = choose(known.ofs, group.of, (next) => {
      const kind = (next === "order") !== (group.of === "order");
      group.of = next;
      if (kind) group.rows = [blank(next)];
      draw();
    }, words.asks);
    const head = [of];
    if (group.rows.length > 1) head.push(choose(known.joins, group.join ?? "all", (join) => { group.join = join; }, words.joined));
    head.push(make("button", { type: "button", class: "yr-x", title: words.remove_group, "aria-label": words.remove_group, onclick: () => { state.groups.splice(place, 1); draw(); } }, "×"));
    return make("div", { class: "yr-group" },
      make("div", { class: "yr-parts" }, ...head), fault(place + 1, 0),
      make("ul", {}, ...group.rows.map((row, number) => drawRow(group, place, row, number))),
      make("button", { type: "button", onclick: () => { group.rows.push(blank(group.of)); draw(); } }, words.add_row));
  }

  // --- what it does -------------------------------------------------------------------------------------------------

  function deedInputs(deed) {
    const set = (name) => (text) => { deed[name] = text; };
    if (deed.do === "hold") return [
      choose(known.departments, deed.department, set("department"), words.department),
      type(deed.reason, set("reason"), { placeholder: words.reason, "aria-label": words.reason, class: "yr-text", maxlength: 200 }),
      make("span", { class: "yr-pair" }, words.at_most, type(deed.hours, set("hours"), { inputmode: "decimal", size: 4, class: "yr-figure", "aria-label": words.hours }), words.hours),
    ];
    if (deed.do === "approve") {
      const over = { value: Array.isArray(deed.over) ? deed.over : [] };
      const box = chips(over, known.passable, () => { deed.over = over.value; });
      return [make("span", { class: "yo-small" }, over.value.length ? words.over_these : words.over_all), box];
    }
    if (deed.do === "tag") return [type(Array.isArray(deed.marks) ? deed.marks.join(", ") : deed.marks, set("marks"), { placeholder: words.commas, "aria-label": words.marks, class: "yr-text", maxlength: 400 })];
    if (deed.do === "priority") return [choose([...Array(9)].map((_one, number) => [String(number + 1), String(number + 1)]), String(deed.priority ?? 5), set("priority"), words.priority)];
    if (deed.do === "ship_by") return [make("span", { class: "yr-pair" }, type(deed.hours, set("hours"), { inputmode: "decimal", size: 4, class: "yr-figure", "aria-label": words.hours }), words.after)];
    return (known.works[deed.do] ?? []).map((one) => {
      if (one.choices) {
        deed[one.name] ??= one.choices[0]?.[0] ?? "";
        return make("label", { class: "yr-pair" }, one.label, " ", choose(one.choices, String(deed[one.name]), set(one.name), one.label));
      }
      const size = one.figure ? { inputmode: "decimal", size: 6, class: "yr-figure" } : { class: "yr-text", maxlength: 300, placeholder: one.label };
      return make("label", { class: "yr-pair" }, one.figure ? `${one.label} ` : "", type(deed[one.name], set(one.name), { "aria-label": one.label, ...size }));
    });
  }

  function start(kind) {
    return { hold: { do: "hold", department: known.departments[0][0], reason: "" }, priority: { do: "priority", priority: "5" }, ship_by: { do: "ship_by", hours: "24" } }[kind] ?? { do: kind };
  }

  function drawDeed(deed, place) {
    const what = choose(known.deeds, deed.do, (kind) => { state.deeds[place] = start(kind); draw(); }, words.deed);
    const remove = make("button", { type: "button", class: "yr-x", title: words.remove, "aria-label": words.remove, onclick: () => { state.deeds.splice(place, 1); draw(); } }, "×");
    return make("li", { class: "yr-row" }, make("div", { class: "yr-parts" }, what, ...deedInputs(deed), remove), fault(-1, place + 1));
  }

  // --- the whole ----------------------------------------------------------------------------------------------------

  function draw() {
    const focus = document.activeElement?.getAttribute("aria-label");
    const groups = state.groups.map(drawGroup);
    const join = state.groups.length > 1 ? make("p", { class: "yr-parts" }, choose(known.group_joins, state.join, (next) => { state.join = next; }, words.joined)) : null;
    holder.replaceChildren(
      make("h2", {}, words.when), fault(0, 0) ?? "", join ?? "",
      state.groups.length ? make("div", { class: "yr-groups" }, ...groups) : make("p", { class: "yo-small" }, words.always),
      make("button", { type: "button", id: "yr-add-group", onclick: () => { state.groups.push({ of: "order", join: "all", rows: [blank("order")] }); draw(); } }, words.add_group),
      make("h2", {}, words.then), fault(-1, 0) ?? "",
      make("ul", {}, ...state.deeds.map(drawDeed)),
      make("button", { type: "button", id: "yr-add-deed", onclick: () => { const used = state.deeds.map((one) => one.do); state.deeds.push(start((known.deeds.find(([kind]) => !used.includes(kind)) ?? known.deeds[0])[0])); draw(); } }, words.add_deed),
    );
    if (focus && document.activeElement === document.body) holder.querySelector(`[aria-label="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  }

  form.addEventListener("submit", () => {
    form.elements.conditions.value = JSON.stringify({ join: state.join, groups: state.groups });
    form.elements.deeds.value = JSON.stringify(state.deeds);
  });
  draw();
})();
