"""Erase a buyer: every order of the same buyer that is over, with all that stands beside it; by hand or by age.

Orders, numbers, goods and amounts stay. Keyed fingerprints stay too: they tell that a buyer was here before, not who.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Collection, Sequence
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, erasing, locks
from backoffice.erasing import Person
from orders import contracts
from orders.contracts import Address, Buyer, IncomingOrder
from orders.desk import own_orders
from orders.errors import OrderError
from orders.fulfil.carrier_texts import people_of
from orders.models import Company, Invoice, Label, Order, OrderContact, OrderVersion, Quote, Return, ReturnPhoto
from orders.models.order import order_reference
from orders.models.returns import OPEN as RETURNS_OPEN
from orders.returns import photos

PREFIX = "orders.order:"
OVER = (Order.State.SHIPPED, Order.State.CANCELLED, Order.State.HISTORY)
QUOTES_OVER = (Quote.State.REFUSED, Quote.State.EXPIRED)
KEPT = ("country", "region")  # of an address: where goods went is a figure, not a person
MOST_HOPS = 3
EMPTY: dict[str, Any] = {
    "buyer_id": "", "buyer_name": "", "email": "", "phone": "", "buyer_note": "", "seller_note": "", "name_key": "",
    "email_key": "", "phone_key": "",
}  # fmt: skip


def orders_of(order: Order, rows: QuerySet[Order]) -> list[Order]:
    """Return all orders of the buyer of one order among those that may be touched."""
    same = Q(pk=order.pk) | (Q(buyer_key=order.buyer_key) if order.buyer_key else Q())
    return list(rows.filter(same).order_by("pk"))


def person_of(orders: Sequence[Order]) -> Person:
    """Return what is known of the buyer of some orders."""
    ids = [one.pk for one in orders]
    contacts = OrderContact.objects.filter(order__in=ids)
    to = {value for pair in contacts.values_list("email", "phone") for value in pair if value}
    references = tuple(order_reference(pk) for pk in ids)
    return Person(references, frozenset(people_of(ids) | _of_quotes(ids, to)), frozenset(to))


def _of_quotes(ids: Collection[int], to: Collection[str]) -> set[str]:
    found: set[str] = set()
    for basket in _quotes(ids, to).values_list("basket", flat=True):
        parts = (basket.get("address") or {}).values()
        named = {str(basket.get(name) or "") for name in ("buyer_name", "email", "phone")}
        found |= named | {str(value) for value in parts if len(str(value)) > len("CN-13")}
    return found - {""}


def _quotes(ids: Collection[int], to: Collection[str]) -> QuerySet[Quote]:
    """Quotes that became one of the orders, and those to the person that are over; an open one needs its buyer."""
    to_person = Q(basket__email__in=list(to)) | Q(basket__phone__in=list(to))
    over = Q(order=None, state__in=QUOTES_OVER)
    return Quote.objects.filter(Q(order__in=ids) | (to_person & over if to else Q(pk__in=[])))


@transaction.atomic
def erase(*, orders: Sequence[Order], actor: str) -> dict[str, int]:
    """Erase the buyer of some orders in every place of the house; returns how many rows of each place.

    On record: who, when, how many rows; nothing of the person. Raises OrderError: person_open, naming an order that is
    still to be shipped or paid; person_returns, naming a return that is still under way.
    """
    rows = locks.locked_rows(Order.objects.filter(pk__in=[one.pk for one in orders]))
    still = next((one for one in rows if one.state not in OVER), None)
    if still is not None:
        raise OrderError("person_open", number=still.number, state=still.get_state_display())
    back = Return.objects.filter(order__in=rows, state__in=RETURNS_OPEN).first()
    if back is not None:
        raise OrderError("person_returns", number=back.number)
    done = erasing.carry_out(person_of(rows))
    for one in rows:
        audit.record(action="person.erase", target=one, actor=actor, summary=one.number, after=done)
    return done


def erase_old(limit: int = 200) -> int:
    """Erase buyers of orders older than the company keeps them (a chore); returns how many orders.

    An order that cannot be erased holds up no other: it is raised when the others are done.
    """
    months = Company.objects.filter(pk=1).values_list("erase_after_months", flat=True).first()
    if not months:
        return 0
    before = clock.now() - dt.timedelta(days=months * 30.44)
    again = Exists(OrderVersion.objects.filter(order=OuterRef("pk"), erased_at=None))  # delivered since it was erased
    due = Order.objects.filter(placed_at__lt=before, state__in=OVER, contact__isnull=False)
    due = due.filter(Q(contact__erased_at=None) | again)
    due = due.exclude(Exists(Return.objects.filter(order=OuterRef("pk"), state__in=RETURNS_OPEN)))
    orders, failed = list(due.order_by("placed_at", "pk")[:limit]), []
    for one in orders:
        try:
            erase(orders=[one], actor="system")
        except Exception as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return len(orders)


# --- the places ------------------------------------------------------------------------------------------------------


def register() -> None:
    """Register where orders keep people; called once by AppConfig.ready()."""
    erasing.register_place("messages", _("messages sent"), erasing.messages_sent)
    erasing.register_place("incidents", _("incidents"), erasing.incidents_about)
    erasing.register_place("quotes", _("quotes"), _in_quotes)
    erasing.register_place("versions", _("versions of orders"), _in_versions)
    erasing.register_place("invoices", _("invoices"), _in_invoices)
    erasing.register_place("labels", _("labels"), _in_labels)
    erasing.register_place("photos", _("photos of returns"), _in_photos)
    erasing.register_place("notes", _("notes and texts"), _in_texts)
    erasing.register_place("contacts", _("buyers and addresses"), _in_contacts)


def _in_contacts(person: Person, write: bool) -> int:
    rows = OrderContact.objects.filter(order__in=person.ids(PREFIX), erased_at=None)
    for row in rows if write else ():
        places = {name: _place(getattr(row, name)) for name in ("shipping", "billing")}
        OrderContact.objects.filter(pk=row.pk).update(**EMPTY, **places, erased_at=clock.now())
    return rows.count() if not write else len(rows)


def _place(values: Any) -> dict[str, Any]:
    return {name: values[name] for name in KEPT if (values or {}).get(name)}


def _in_versions(person: Person, write: bool) -> int:
    rows = OrderVersion.objects.filter(order__in=person.ids(PREFIX), erased_at=None)
    count = rows.count()
    if write:
        for row in rows.iterator(chunk_size=100):
            erasing.rewrite(row, {"content": _version(row.content, person)})
    return count


def _version(content: str, person: Person) -> str:
    """The order as delivered, without who bought it; what cannot be read is emptied."""
    try:
        found = contracts.from_json(content)
    except (ValueError, KeyError, TypeError):
        return ""
    to, billing = (
        Address(country=one.country, region=one.region) if one is not None else None
        for one in (found.shipping, found.billing)
    )
    return contracts.to_json(
        dataclasses.replace(
            found, buyer=Buyer(), buyer_note="", seller_note="", shipping=to, billing=billing,
            **_words_of(found, person.patterns),
        )
    )  # fmt: skip


def _words_of(order: IncomingOrder, patterns: list[re.Pattern[str]]) -> dict[str, Any]:
    """The texts of a version that are words, blotted; ids and amounts stay, the next delivery is compared with them."""
    extra = {
        name: text for name, text in order.extra.items() if name != own_orders.BASKET
    }  # what was typed, address too
    return {
        "cancel_reason": erasing.without_known(order.cancel_reason, patterns),
        "shipping_method": erasing.without_known(order.shipping_method, patterns),
        "tags": tuple(erasing.without_known(order.tags, patterns)),
        "extra": erasing.without_known(extra, patterns),
        "refunds": tuple(
            dataclasses.replace(one, reason=erasing.without_known(one.reason, patterns)) for one in order.refunds
        ),
        "lines": tuple(
            dataclasses.replace(
                one, title=erasing.without_known(one.title, patterns),
                properties=erasing.without_known(one.properties, patterns),
            )
            for one in order.lines
        ),
    }  # fmt: skip


def _in_invoices(person: Person, write: bool) -> int:
    if Company.objects.filter(pk=1, keep_on_invoices=True).exists():
        return 0
    rows = Invoice.objects.filter(order__in=person.ids(PREFIX), erased_at=None)
    count = rows.count()
    for row in rows if write else ():
        words = {name: row.facts.get(name) for name in ("lines", "note") if name in row.facts}
        facts = {
            **row.facts,
            **erasing.without_person(words, person.patterns),
        }  # the issuer may live in the same street
        customer = {name: value if name in KEPT else "" for name, value in row.facts["customer"].items()}
        erasing.rewrite(row, {"facts": {**facts, "customer": customer, "customer_tax_id": ""}})
    return count


def _in_labels(person: Person, write: bool) -> int:
    """The carrier's own file shows the address; what it was asked with did too."""
    rows = Label.objects.filter(order__in=person.ids(PREFIX)).exclude(pdf=None, request={}, data={})
    count = rows.count()
    if write:
        rows.update(pdf=None, request={}, data={})
    return count


def _in_photos(person: Person, write: bool) -> int:
    """Nobody can search a picture for an address, so all of the buyer's go."""
    rows = ReturnPhoto.objects.filter(rma__order__in=person.ids(PREFIX))
    count = rows.count()
    if write:
        photos.remove(rows)
    return count


def _in_quotes(person: Person, write: bool) -> int:
    found = 0
    for row in _quotes(person.ids(PREFIX), person.to):
        if not any(row.basket.get(name) for name in ("buyer_name", "email", "phone")):
            continue
        found += 1
        gone = {"buyer_name": "", "email": "", "phone": "", "buyer_note": "", "note": ""}
        basket = {**row.basket, **gone, "address": _place(row.basket.get("address"))}
        if write:
            Quote.objects.filter(pk=row.pk).update(basket=basket, text=erasing.without_known(row.text, person.patterns))
    return found


def _in_texts(person: Person, write: bool) -> int:
    """Every free text of every row that belongs to one of the orders."""
    own = (Order, OrderContact, OrderVersion, Invoice, Quote)
    ids, found = person.ids(PREFIX), erasing.blot(Order.objects.filter(pk__in=person.ids(PREFIX)), person, write=write)
    for model in apps.get_app_config("orders").get_models():
        path = _path(model)
        if path and model not in own and not model._meta.proxy:
            rows = model._base_manager.filter(**{f"{path}__in": ids})
            if any(field.name == "erased_at" for field in model._meta.concrete_fields):
                rows = rows.filter(erased_at=None)
            found += erasing.blot(rows, person, write=write)
    return found


def _path(model: type[Model], hops: int = MOST_HOPS) -> str:
    """Return the way from a model to its order over foreign keys; empty when it belongs to none."""
    for field in model._meta.concrete_fields:
        target: Any = field.related_model
        if field.is_relation and target is not model and target._meta.app_label == "orders":
            if target is Order:
                return field.name
            further = _path(target, hops - 1) if hops > 1 else ""
            if further:
                return f"{field.name}__{further}"
    return ""
