"""A rule in words: for lists, differences between versions and the page that says why."""

from __future__ import annotations

import gettext
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import pycountry
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from inventory.access import visible
from inventory.models import Shop
from orders.desk.rules import works
from orders.desk.rules.deeds import APPROVE, HOLD, LABELS, PRIORITY, SHIP_BY, TAG
from orders.desk.rules.fields import FIELDS, OPERATOR_LABELS, WITHOUT_VALUE
from orders.desk.sentences import hold_title
from orders.models import Order
from orders.models.order import Department

OF_LABELS: dict[str, Any] = {
    "order": gettext_lazy("The order"),
    "any_line": gettext_lazy("At least one line"),
    "every_line": gettext_lazy("Every line"),
    "no_line": gettext_lazy("No line"),
}
FIELD_LABELS: dict[str, Any] = {
    "name": gettext_lazy("name"),
    "place": gettext_lazy("place"),
    "dry": gettext_lazy("only try it out"),
    "stop": gettext_lazy("try no rule after it"),
    "since": gettext_lazy("valid from"),
    "until": gettext_lazy("valid until"),
    "shops": gettext_lazy("shops"),
    "countries": gettext_lazy("countries"),
    "categories": gettext_lazy("categories of goods"),
    "conditions": gettext_lazy("conditions"),
    "deeds": gettext_lazy("what it does"),
}
WEEKDAYS: tuple[Any, ...] = (
    gettext_lazy("Monday"), gettext_lazy("Tuesday"), gettext_lazy("Wednesday"), gettext_lazy("Thursday"),
    gettext_lazy("Friday"), gettext_lazy("Saturday"), gettext_lazy("Sunday"),
)  # fmt: skip
Choices = Mapping[str, Sequence[tuple[str, str]]]


def choices(principal: Any = None) -> dict[str, list[tuple[str, str]]]:
    """Return the lists a clerk picks from: (value, label) each, in the reader's language; shops the person may see."""
    shops = visible(principal, Shop.objects.order_by("name")).values_list("pk", "name")
    return {
        "shops": [(str(pk), name) for pk, name in shops],
        "countries": countries(get_language() or "en"),
        "payments": [(value, str(label)) for value, label in Order.Payment.choices],
        "weekdays": [(str(number), str(label)) for number, label in enumerate(WEEKDAYS, 1)],
    }


@lru_cache(maxsize=8)
def countries(language: str) -> list[tuple[str, str]]:
    """Return all countries as (code, name), by name."""
    found = []
    spoken = "zh_CN" if language.startswith("zh") else language
    names = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[spoken], fallback=True)
    for country in pycountry.countries:
        found.append((country.alpha_2, names.gettext(getattr(country, "common_name", country.name))))
    return sorted(found, key=lambda one: one[1])


def condition(row: Mapping[str, Any], lists: Choices) -> str:
    """Return one condition as a sentence; what cannot be read is shown as it was saved."""
    field = FIELDS.get(str(row.get("field")))
    if field is None:
        return str(row.get("field"))
    comparison, value = str(OPERATOR_LABELS.get(str(row.get("op")), row.get("op"))), _value(row, field.choices, lists)
    words = [str(field.label)]
    if field.days:
        words.append(_("(%s days)") % row.get("days"))
    if row.get("op") in WITHOUT_VALUE:
        words.append(comparison if row.get("op") in ("empty", "filled") else f": {comparison}")
        return " ".join(words).replace(" :", ":")
    return " ".join([*words, comparison, value, str(field.unit)]).strip()


def _value(row: Mapping[str, Any], source: str, lists: Choices) -> str:
    value = row.get("value")
    names = dict(lists.get(source, ())) if source else {}
    if row.get("op") == "between" and isinstance(value, list):
        return " – ".join(map(_plain, value))
    if isinstance(value, list):
        shown = [names.get(str(one), str(one)) for one in value]
        return ", ".join(shown[:12]) + ("…" if len(shown) > 12 else "")
    return _plain(value)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value if value is not None else "")


def conditions(saved: Mapping[str, Any], lists: Choices) -> list[str]:
    """Return one sentence per group: `At least one line: SKU code is TEA and …`."""
    found = []
    for group in saved.get("groups", []):
        joint = _(" or ") if group.get("join") == "any" else _(" and ")
        rows = joint.join(condition(row, lists) for row in group.get("rows", []))
        found.append(f"{OF_LABELS.get(group.get('of'), '')}: {rows}")
    return found


def joined(saved: Mapping[str, Any]) -> str:
    """Return what stands between the groups of a rule."""
    return _("or") if saved.get("join") == "any" else _("and")


def deed(saved: Mapping[str, Any]) -> str:
    """Return one thing a rule does, in words."""
    do = str(saved.get("do"))
    if do == HOLD:
        owner = dict(Department.choices).get(str(saved.get("department")), "")
        text = _("Hold for %(department)s: %(reason)s") % {"department": owner, "reason": saved.get("reason", "")}
        hours = saved.get("hours")
        most = _("at most %s hours") % hours  # outside the f-string: the catalogue's tool does not look into those
        return f"{text} ({most})" if hours else text
    if do == TAG:
        marks = saved.get("marks", [])
        return _("Mark: %s") % (", ".join(marks) if isinstance(marks, list) else marks)
    if do == PRIORITY:
        return _("Priority %s") % saved.get("priority")
    if do == SHIP_BY:
        return _("Must leave within %s hours") % saved.get("hours")
    if do == APPROVE and saved.get("over"):
        return _("Let it pass over: %s") % ", ".join(hold_title(str(code)) for code in saved["over"])
    kind = works.kinds().get(do)
    return kind.words(saved) if kind else str(LABELS.get(do, do))


def scope(document: Mapping[str, Any], lists: Choices) -> str:
    """Return for which orders a rule is, empty for all."""
    shops = dict(lists["shops"])
    names = [shops.get(str(pk), f"#{pk}") for pk in document.get("shops", [])]
    lands = dict(lists["countries"])
    places = [lands.get(code, code) for code in document.get("countries", [])]
    return " · ".join(filter(None, (", ".join(one) for one in (names, places, document.get("categories", [])))))
