"""A furnished house, and what a stranger could have written on every wall of it."""

import datetime as dt
from types import SimpleNamespace

from django.apps import apps
from django.db import DatabaseError, models, transaction

from backoffice import audit, clock
from backoffice.api import keys
from backoffice.models import TaskAttempt
from channels import error_queue
from channels.error_queue import Trouble
from channels.models import Account, Listing, WebhookArrival
from finance import posting
from inventory import counts, dated
from inventory.counts import CountOrder
from orders.contracts import Address, Buyer
from orders.fulfil import shipping
from tests.finance.factories import rate
from tests.inventory.sheets import xlsx
from tests.orders.factories import Seller, line, order, refund

OURS = ("backoffice", "inventory", "finance", "orders", "channels")
BUYER = {
    "name": "Quirina Canaryvogel",
    "email": "quirina@canary.example",
    "phone": "+33698765432",
    "line1": "77 Passage du Canari",
}
# Values the code steers by; nobody outside can write them, and nonsense there is a broken database, not an attack.
WORDS = """
    platform currency country region time_zone language kind state code codename reference key code_key number_key
    token prefix digest sha256 password hook_token page_cursor consumer hold_code hold_department outcome reason
    verdict base_url event source_ref carrier_code action claimed_by fingerprint role month topic model app_label
    path weight_unit rules_version order_reference
"""
STEERING = frozenset(WORDS.split())


def furnish() -> SimpleNamespace:
    """Build it through the product's own functions."""
    rate("EUR", on=dt.date(2020, 1, 1))
    seller = Seller(TEA=20, CUP=5)
    address = Address(
        name=BUYER["name"], line1=BUYER["line1"], city="Lyon", postcode="69001", country="FR", phone=BUYER["phone"]
    )
    buyer = Buyer(name=BUYER["name"], email=BUYER["email"], phone=BUYER["phone"])
    personal = {"buyer": buyer, "shipping": address}
    seller.take(
        order(1, line("TEA", 2), **personal), order(2, line("NOSUCH", 1), **personal), order(3, line("CUP"), **personal)
    )
    shipping.ship(
        order_id=seller.order(1).pk,
        parcels=[shipping.Parcel(carrier="DHL", tracking="T1")],
        actor="test",
        idempotency_key="k",
    )
    seller.take(order(1, line("TEA", 2), minutes=90, refunds=(refund(1, "10", ("1", "1")),), **personal))
    posting.post_due()
    dated.set_policy(shop_id=seller.shop.pk, sku_id=seller.skus["TEA"].pk)
    document = counts.preview(file=xlsx([("TEA", 8)]), order=CountOrder(warehouse_id=seller.place.pk), user=None)
    account = Account.objects.create(shop=seller.shop, platform="files", name="files")
    Listing.objects.create(
        account=account, external_id="L1", title="Tea", first_seen_at=clock.now(), read_at=clock.now()
    )
    error_queue.record(
        account.pk, Trouble(kind=error_queue.ORDER, reference="o9", code="bad_order", message="no total")
    )
    now = clock.now()
    WebhookArrival.objects.create(account=account, delivery_id="d", kind="order", received_at=now, not_before=now)
    TaskAttempt.objects.create(name="pull:1", started_at=now)
    keys.create(name="erp", scopes=["orders:read"])
    audit.record(action="a", target="t:1", summary="s")
    return SimpleNamespace(
        seller=seller, document=document, account=account, order=seller.order(1), held=seller.order(2)
    )


def scrawl(text: str) -> int:
    """Write `text` into every text column a stranger or colleague can reach; returns how many columns took it."""
    return sum(_scrawl_column(model, field, text) for model in _models() for field in _text_fields(model))


def _models():
    ours = [model for model in apps.get_models() if model._meta.app_label in (*OURS, "auth", "axes")]
    return [model for model in ours if not model.__module__.startswith("tests.")]


def _text_fields(model):
    for field in model._meta.concrete_fields:
        plain = isinstance(field, models.CharField | models.TextField) and not field.choices and not field.primary_key
        if (plain or type(field) is models.JSONField) and field.name not in STEERING:
            yield field


def _scrawl_column(model, field, text) -> bool:
    written = False
    for row in model._base_manager.order_by("pk")[:3]:
        value = _scrawled(field, getattr(row, field.attname), text, row.pk)
        try:
            with transaction.atomic():
                written |= bool(model._base_manager.filter(pk=row.pk).update(**{field.name: value}))
        except DatabaseError:
            pass  # append-only or constrained: written by furnish() or not writable at all
    return written


def _scrawled(field, value, text, pk):
    if isinstance(field, models.JSONField):
        return _in_json(value, text)
    room = field.max_length or 10_000
    return (f"{pk}{text}" if field.unique else text)[:room]


def _in_json(value, text):
    if isinstance(value, dict):
        return {key: item if key in STEERING or key == "code" else _in_json(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_json(item, text) for item in value]
    return text if isinstance(value, str) and value and not value.replace(".", "").replace("-", "").isdigit() else value
