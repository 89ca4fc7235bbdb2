"""Templates: only {{ name }} of a known variable is replaced, everything else is literal text."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.messages.queueing import MessageError, queue, recently_sent
from backoffice.models import MessageTemplate, OutgoingMessage

PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


@dataclasses.dataclass(frozen=True, slots=True)
class Variable:
    """One place that can be filled: its name, what it is, an example."""

    name: str
    help: Any
    example: str = ""


OWN = (
    Variable("order_number", _("the order's number"), "SO-1001"),
    Variable("buyer_name", _("the buyer's name"), "王小明"),
    Variable("shop_name", _("the shop's name"), "Yiku Shop"),
    Variable("ship_by", _("the day the parcel was promised for"), "2026-11-30"),
    Variable("new_date", _("the new day"), "2026-12-03"),
    Variable("goods", _("the goods, one a line"), "A-100 × 2"),
    Variable("carrier", _("the carrier"), "SF Express"),
    Variable("tracking", _("the parcel's number"), "SF1234567890"),
    Variable("coupon", _("a coupon code"), "SORRY10"),
    Variable("compensation", _("what the buyer gets for the trouble"), "¥ 10.00"),
)
_variables: dict[str, Variable] = {one.name: one for one in OWN}
_examples: list[Callable[[Any], Mapping[str, str]]] = []


def register_variables(*variables: Variable, example: Callable[[Any], Mapping[str, str]] | None = None) -> None:
    """Add variables an app can fill; `example` fills them from a row of its own that the person may see."""
    _variables.update({one.name: one for one in variables})
    if example is not None:
        _examples.append(example)


def variables() -> list[Variable]:
    """Return all variables that a template may use."""
    return list(_variables.values())


def example(user: Any) -> dict[str, str]:
    """Return a value for each variable: from an order where an app gives one, else the made-up example."""
    found = {one.name: one.example for one in _variables.values()}
    for fill in _examples:
        found |= {name: value for name, value in fill(user).items() if name in found and value}
    return found


def unknown_in(*texts: str) -> list[str]:
    """Return the names in the texts that are no variable; a template with one is refused when saved."""
    names = dict.fromkeys(name for text in texts for name in PLACE.findall(text))
    return [name for name in names if name not in _variables]


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace the known places once; a value that looks like a place stays as it is."""
    return PLACE.sub(lambda place: str(values.get(place[1], "")) if place[1] in _variables else place[0], text)


def render(template: MessageTemplate, variables: Mapping[str, str], language: str) -> tuple[str, str]:
    """Return subject and text in a language ("zh…" or "en…"); the other one where this is not written.

    A variable without a value becomes nothing; line breaks in a value never reach the subject.
    """
    pairs = {"zh": (template.subject_zh, template.body_zh), "en": (template.subject_en, template.body_en)}
    wanted = "zh" if language.lower().startswith("zh") else "en"
    subject, body = pairs[wanted] if pairs[wanted][1].strip() else pairs["en" if wanted == "zh" else "zh"]
    return " ".join(fill(subject, variables).split()), fill(body, variables)


def queue_template(
    *,
    template: MessageTemplate,
    to: str,
    variables: Mapping[str, str],
    language: str,
    reference: str,
    actor: str,
    key: str,
    shop_id: int | None = None,
    forced: bool = False,
) -> OutgoingMessage:
    """Queue a template's message to a customer.

    Raises MessageError "message_again" when the same went to the same row within the template's hours, unless forced.
    """
    standing = OutgoingMessage.objects.filter(key=key[:200]).first()
    if standing is not None:
        return standing
    if not forced and recently_sent(template, [reference]):
        raise MessageError("message_again", template=str(template), hours=template.hours_between)
    subject, body = render(template, variables, language)
    return queue(
        channel=template.channel, to=to, subject=subject, body=body, reference=reference, actor=actor,
        shop_id=shop_id, key=key, template=template, language=language, html=template.html,
    )  # fmt: skip
