"""What a rule may ask of an order or of one of its lines: name, kind, and which comparisons make sense."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.utils.translation import gettext_lazy as _

ORDER, LINE = "order", "line"
TEXT, WORDS, CHOICE, TAGS, NUMBER, FLAG, HOUR = "text", "words", "choice", "tags", "number", "flag", "hour"
GOODS, COSTS, STOCK, HISTORY = "goods", "costs", "stock", "history"  # what a field needs beyond the plain facts

# The comparisons of each kind, in the order of the list a clerk picks from.
OPERATORS: dict[str, tuple[str, ...]] = {
    TEXT: ("is", "is_not", "one_of", "none_of", "contains", "contains_not", "starts", "matches", "empty", "filled"),
    WORDS: ("has_word", "has_no_word", "matches", "empty", "filled"),
    CHOICE: ("one_of", "none_of"),
    TAGS: ("has", "has_not", "empty", "filled"),
    NUMBER: ("at_least", "at_most", "more", "less", "equals", "between"),
    FLAG: ("yes", "no"),
    HOUR: ("between",),
}
OPERATOR_LABELS: dict[str, Any] = {
    "is": _("is"),
    "is_not": _("is not"),
    "one_of": _("is one of"),
    "none_of": _("is none of"),
    "contains": _("contains"),
    "contains_not": _("does not contain"),
    "starts": _("begins with"),
    "matches": _("matches the pattern"),
    "empty": _("is empty"),
    "filled": _("is not empty"),
    "has_word": _("has one of the words"),
    "has_no_word": _("has none of the words"),
    "has": _("has one of"),
    "has_not": _("has none of"),
    "at_least": _("is at least"),
    "at_most": _("is at most"),
    "more": _("is more than"),
    "less": _("is less than"),
    "equals": _("equals"),
    "between": _("lies between"),
    "yes": _("yes"),
    "no": _("no"),
}
WITHOUT_VALUE = {"empty", "filled", "yes", "no"}
LISTS = {"one_of", "none_of", "has", "has_not", "has_word", "has_no_word"}
PAIRS = {"between"}


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One thing to ask. `days`: counts look back so many days, chosen in the row. `unit` stands behind the figure."""

    code: str
    label: Any
    kind: str
    of: str = ORDER
    unit: Any = ""
    days: bool = False
    choices: str = ""  # the name of a list that orders.desk.rules.choices brings
    part: Any = ""  # the heading it stands under
    needs: str = ""  # what has to be read for it beyond the plain facts


_ALL: tuple[tuple[Any, tuple[Field, ...]], ...] = (
    (
        _("Shop and platform"),
        (
            Field("shop", _("shop"), CHOICE, choices="shops"),
            Field("payment", _("payment"), CHOICE, choices="payments"),
            Field("currency", _("currency"), TEXT),
            Field("shipping_method", _("delivery method"), TEXT),
            Field("tags", _("tags"), TAGS),
            Field("risk", _("risk told by the platform"), TEXT),
            Field("test", _("test order"), FLAG),
        ),
    ),
    (
        _("Buyer and address"),
        (
            Field("country", _("country"), CHOICE, choices="countries"),
            Field("region", _("province or state"), TEXT),
            Field("city", _("town"), TEXT),
            Field("postcode", _("postcode"), TEXT),
            Field("street", _("street"), TEXT),
            Field("address_masked", _("address masked by the platform"), FLAG),
            Field("phone", _("phone"), TEXT),
            Field("buyer", _("buyer"), TEXT),
            Field("email", _("e-mail"), TEXT),
        ),
    ),
    (
        _("Notes"),
        (
            Field("buyer_note", _("note of the buyer"), WORDS),
            Field("seller_note", _("note of the seller"), WORDS),
        ),
    ),
    (
        _("Amounts"),
        (
            Field("total", _("order total, in our currency"), NUMBER),
            Field("discount_percent", _("discount"), NUMBER, unit="%"),
            Field("margin_percent", _("margin"), NUMBER, unit="%", needs=COSTS),
            Field("lines", _("number of lines"), NUMBER),
            Field("pieces", _("pieces altogether"), NUMBER),
            Field("weight", _("weight"), NUMBER, unit=_("g"), needs=GOODS),
            Field("all_in_stock", _("everything in stock"), FLAG, needs=STOCK),
        ),
    ),
    (
        _("Time"),
        (
            Field("hour", _("hour of the order"), HOUR),
            Field("weekday", _("day of the week"), CHOICE, choices="weekdays"),
            Field("holiday", _("ordered on a public holiday"), FLAG),
            Field("age_hours", _("age of the order"), NUMBER, unit=_("hours")),
        ),
    ),
    (
        _("History"),
        (
            Field("buyer_orders", _("earlier orders of the buyer"), NUMBER, days=True, needs=HISTORY),
            Field("address_orders", _("earlier orders to the address"), NUMBER, days=True, needs=HISTORY),
            Field("phone_orders", _("earlier orders with the phone"), NUMBER, days=True, needs=HISTORY),
            Field(
                "buyer_refund_percent",
                _("buyer's orders with a refund"),
                NUMBER,
                unit="%",
                days=True,
                needs=HISTORY,
            ),
        ),
    ),
    (
        _("Line"),
        (
            Field("sku", _("SKU code"), TEXT, LINE),
            Field("title", _("title"), TEXT, LINE),
            Field("category", _("category"), TEXT, LINE, needs=GOODS),
            Field("brand", _("brand"), TEXT, LINE, needs=GOODS),
            Field("quantity", _("pieces of the line"), NUMBER, LINE),
            Field("unit_price", _("unit price, in our currency"), NUMBER, LINE),
            Field("line_total", _("line total, in our currency"), NUMBER, LINE),
            Field("line_discount_percent", _("discount of the line"), NUMBER, LINE, unit="%"),
            Field("line_margin_percent", _("margin of the line"), NUMBER, LINE, unit="%", needs=COSTS),
            Field("line_weight", _("weight of the line"), NUMBER, LINE, unit=_("g"), needs=GOODS),
            Field("bundle", _("bundle"), FLAG, LINE),
            Field("matched", _("matched to a SKU"), FLAG, LINE),
            Field("in_stock", _("in stock"), FLAG, LINE, needs=STOCK),
        ),
    ),
)
FIELDS: dict[str, Field] = {
    field.code: dataclasses.replace(field, part=part) for part, fields in _ALL for field in fields
}
