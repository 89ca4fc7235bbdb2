"""Who did it, in a reader's words: one place for lists, pages and refusals."""

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import translation

from backoffice import actors, audit
from backoffice.models import AuditEntry
from inventory.models import Access, StockEntry
from orders import naming
from tests.orders.factories import Seller, line, order


@pytest.mark.parametrize(
    ("actor", "english", "chinese"),
    [
        ("user:7 wang", "wang", "wang"),
        ("api:3 erp two", "erp two", "erp two"),
        ("user:7", "user:7", "user:7"),
        ("system", "by itself", "自动"),
        ("task:push", "by itself", "自动"),
        ("command:hold_writes", "by itself", "自动"),
        ("intake", "taken in from the shop", "从店铺接入"),
        ("review", "the checks", "审单检查"),
        ("rule:100 % far", "rule “100 % far”", "规则“100 % far”"),
        ("somebody else", "somebody else", "somebody else"),
        ("", "", ""),
    ],
)
def test_an_actor_is_read_as_a_name(actor, english, chinese):
    told = []
    for language in ("en", "zh-hans"):
        with translation.override(language):
            told.append(actors.named(actor))
    assert told == [english, chinese]


def test_a_platforms_reason_is_read_in_words_and_a_typed_one_as_it_is():
    with translation.override("zh-hans"):
        assert [naming.reason(text) for text in ("CUSTOMER", "inventory", "杯子碎了", "")] == [
            "客户要求",
            "缺货",
            "杯子碎了",
            "",
        ]


@pytest.mark.django_db
def test_lists_and_pages_show_the_name_and_the_audit_trail_the_whole_actor(people):
    Access.objects.create(user=people["owner"], all_shops=True, all_warehouses=True)
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG")))
    client = people.client("owner")
    client.cookies["django_language"] = "en"
    entry = StockEntry.objects.filter(actor="intake").first()
    for url in (
        reverse("admin:inventory_stockentry_changelist"),
        reverse("admin:inventory_stockentry_change", args=[entry.pk]),
    ):
        page = client.get(url).content.decode()
        assert "taken in from the shop" in page
        assert ">intake<" not in page
    audit.record(action="x", target="y:1", actor="user:7 wang")
    assert "user:7 wang" in client.get(reverse("admin:backoffice_auditentry_changelist")).content.decode()
    assert "actor" in admin.site.get_model_admin(AuditEntry).list_display
