"""The shops' pages: every one opens, each button does what it says, and only for who may."""

import io
import re
from pathlib import Path

import pytest
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django_q.models import OrmQ

from backoffice import audit, locks, longwork
from backoffice.models import AuditEntry
from channels import accounts, drift, listings, order_files, pull, tasks, wording
from channels.connectors.base import ConnectorError
from channels.models import (
    Account,
    Credential,
    DriftFinding,
    InboundPayload,
    Listing,
    ListingMatch,
    OrderFile,
    PushBrake,
    PushJob,
    SyncError,
)
from channels.push import jobs, send
from inventory.models import Access
from orders.models import Order
from tests.channels.engine.conftest import offering, settle_down
from tests.inventory import factories as stock


@pytest.fixture
def boss(people):
    """The installation's superuser."""
    return people.client("superuser")


@pytest.fixture
def lived_in(shop):
    """A shop with a bit of everything: an order, an error, a publication, drift."""
    bad = shop.front.buy(("A", 1))
    shop.front.edit(bad, broken=True)
    shop.front.buy(("A", 1))
    pull.run(shop.account.pk)
    jobs.touch_account(shop.account.pk, cause="test")
    settle_down(shop)
    shop.front.stock["A"] = 50
    Account.objects.update(heal_drift=False)
    drift.run(shop.account.pk)
    shop.front.offer("B", "NOBODY", 3)
    listings.sync(shop.account.pk)
    return shop


def models():
    """Our registered pages."""
    return [model for model in admin.site._registry if model._meta.app_label == "channels"]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_opens(boss, lived_in, language):
    for model in models():
        name = f"admin:channels_{model._meta.model_name}"
        answer = boss.get(reverse(f"{name}_changelist"), headers={"Accept-Language": language})
        assert answer.status_code == 200, model
        row = model._default_manager.first()
        if row is not None and model._meta.model_name != "webhookrefusal":
            answer = boss.get(reverse(f"{name}_change", args=[row.pk]), headers={"Accept-Language": language})
            assert answer.status_code == 200, model
    for name in ("account_add", "pushjob_shelves", "orderfile_upload"):
        assert boss.get(reverse(f"admin:channels_{name}")).status_code == 200


def test_settings_and_credentials_pages_open_and_hold_no_secret(boss, shop):
    for page in ("settings", "credentials"):
        answer = boss.get(reverse(f"admin:channels_account_{page}", args=[shop.account.pk]))
        assert answer.status_code == 200
        assert shop.front.name not in answer.content.decode().replace(shop.account.base_url, "")


def test_credentials_are_set_and_never_shown(boss, shop):
    url = reverse("admin:channels_account_credentials", args=[shop.account.pk])
    assert boss.post(url, {"key": "brand-new"}).status_code == 302
    assert Credential.objects.get().secrets == {"key": "brand-new"}
    assert "brand-new" not in boss.get(url).content.decode()
    assert "brand-new" not in str(AuditEntry.objects.values_list("before", "after", "summary"))


def test_an_empty_secret_is_an_error_of_the_form(boss, shop):
    url = reverse("admin:channels_account_credentials", args=[shop.account.pk])
    assert boss.post(url, {"key": ""}).status_code == 200
    assert Credential.objects.get().secrets == {"key": shop.front.name}


def press(client, account, what, **more):
    """Press a button of the account's page."""
    return client.post(reverse("admin:channels_account_do", args=[account.pk]), {"do": what, **more}, follow=True)


def test_test_connection_says_who_answered(boss, shop):
    assert f"Connected with “{shop.front.name}”" in press(boss, shop.account, "test").content.decode()


def test_a_failed_test_says_what_to_do(boss, shop):
    shop.front.fail("test", ConnectorError("tls", permanent=True))
    text = press(boss, shop.account, "test").content.decode()
    assert "certificate is not valid" in text


@pytest.mark.parametrize("what", ["sync", "listings", "drift", "hooks", "publish", "pause", "resume", "writes_off"])
def test_each_button_works(boss, shop, what):
    assert press(boss, shop.account, what).status_code == 200


def test_writing_is_turned_on_only_when_confirmed(boss, connect):
    made = offering(connect(writes=False))
    press(boss, made.account, "writes_on")
    assert not Account.objects.get(pk=made.account.pk).write_enabled
    press(boss, made.account, "writes_on", sure="yes")
    assert Account.objects.get(pk=made.account.pk).write_enabled


def test_buttons_are_never_get(boss, shop):
    assert boss.get(reverse("admin:channels_account_do", args=[shop.account.pk])).status_code == 405


def test_a_held_batch_is_shown_and_decided(boss, connect):
    made = connect()
    skus = [stock.sku() for _ in range(3)]
    for number, sku in enumerate(skus):
        stock.stock(sku, made.place, 5)
        made.front.offer(f"L{number}", sku.code, 5)
    Account.objects.update(zero_brake=1)
    listings.sync(made.account.pk)
    settle_down(made)
    for sku in skus:
        stock.stock(sku, made.place, -5)
    jobs.touch_account(made.account.pk, cause="count")
    send.run(made.account.pk)
    page = boss.get(reverse("admin:channels_account_change", args=[made.account.pk])).content.decode()
    assert "3 listings would go to zero" in page
    press(boss, made.account, "approve", brake=PushBrake.objects.get().pk)
    settle_down(made)
    assert set(made.front.stock.values()) == {0}


def test_a_listing_is_matched_by_hand(boss, connect):
    made = connect()
    made.front.offer("A", "NOBODY", 3)
    listings.sync(made.account.pk)
    sku = stock.sku("SOMEBODY")
    url = reverse("admin:channels_listing_do", args=[Listing.objects.get().pk])
    boss.post(url, {"do": "match", "sku": "somebody", "quantity_per": "2"})
    match = ListingMatch.objects.get()
    assert (match.sku, match.quantity_per, match.how) == (sku, 2, "hand")


@pytest.mark.parametrize("bad", [{"sku": "NOWHERE"}, {"sku": "SOMEBODY", "quantity_per": "a"}, {"sku": ""}])
def test_a_wrong_match_is_refused_with_a_sentence(boss, connect, bad):
    made = connect()
    stock.sku("SOMEBODY")
    made.front.offer("A", "NOBODY", 3)
    listings.sync(made.account.pk)
    url = reverse("admin:channels_listing_do", args=[Listing.objects.get().pk])
    boss.post(url, {"do": "match", **bad}, follow=True)
    assert ListingMatch.objects.count() == 0


def test_the_error_queue_runs_rows_again(boss, lived_in):
    row = SyncError.objects.get(kind="order")
    data = {"action": "run_again", "_selected_action": [row.pk]}
    answer = boss.post(reverse("admin:channels_syncerror_changelist"), data, follow=True)
    assert "1 row was refused" in answer.content.decode()


def test_a_delivered_text_is_shown_once_and_recorded(boss, lived_in):
    row = SyncError.objects.get(kind="order")
    do, page = (reverse(f"admin:channels_syncerror_{name}", args=[row.pk]) for name in ("do", "change"))
    assert "Show the delivered text" in boss.get(page).content.decode()
    assert "&quot;broken&quot;" in boss.post(do, {"do": "reveal"}, follow=True).content.decode()
    assert "&quot;broken&quot;" not in boss.get(page).content.decode()
    assert AuditEntry.objects.filter(action="payload.reveal").count() == 1


def test_why_this_number_shows_every_step_and_the_past(boss, shop, later):
    before = audit.clock.now()
    later(minutes=5)
    stock.stock(shop.sku, shop.place, -3)
    jobs.touch_account(shop.account.pk, cause="shipment")
    settle_down(shop)
    url = reverse("admin:channels_pushjob_change", args=[PushJob.objects.get().pk])
    now = boss.get(url).content.decode()
    assert "10 → 7" in now
    assert shop.place.name in now
    past = boss.get(url, {"at": before.isoformat()}).content.decode()
    assert "As it was on" in past


def test_shelves_show_all_shops(boss, shop):
    answer = boss.get(reverse("admin:channels_pushjob_shelves"), {"sku": shop.sku.code.lower()})
    assert shop.shop.name in answer.content.decode()


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def clerk(people, shop):
    """An order clerk of this shop."""
    Access.objects.create(user=people["order_clerk"], all_warehouses=True).shops.add(shop.shop)
    return people.client("order_clerk")


def test_a_clerk_sees_only_the_own_shops(clerk, connect, shop):
    other = offering(connect())
    page = reverse("admin:channels_account_change", args=[other.account.pk])
    assert clerk.get(page).status_code == 404
    assert other.account.name not in clerk.get(reverse("admin:channels_account_changelist")).content.decode()
    assert clerk.get(reverse("admin:channels_account_change", args=[shop.account.pk])).status_code == 200
    job = PushJob.objects.get(account=other.account)
    assert clerk.get(reverse("admin:channels_pushjob_change", args=[job.pk])).status_code == 404


@pytest.mark.parametrize("what", ["writes_on", "writes_off", "pause", "approve", "link"])
def test_a_clerk_may_not_switch(clerk, shop, what):
    answer = clerk.post(reverse("admin:channels_account_do", args=[shop.account.pk]), {"do": what, "sure": "yes"})
    assert answer.status_code == 403
    assert Account.objects.get(pk=shop.account.pk).write_enabled


def test_a_clerk_gets_no_credentials_page(clerk, shop):
    assert clerk.get(reverse("admin:channels_account_credentials", args=[shop.account.pk])).status_code == 403
    assert clerk.get(reverse("admin:channels_account_settings", args=[shop.account.pk])).status_code == 403


def test_a_warehouse_clerk_sees_figures_and_no_accounts(people, shop):
    Access.objects.create(user=people["warehouse_clerk"], all_warehouses=True, all_shops=True)
    client = people.client("warehouse_clerk")
    job = PushJob.objects.get()
    assert client.get(reverse("admin:channels_pushjob_change", args=[job.pk])).status_code == 200
    assert client.get(reverse("admin:channels_account_changelist")).status_code == 403
    assert client.get(reverse("admin:channels_syncerror_changelist")).status_code == 403


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(db, connect):
    """An offline store with goods."""
    place = stock.warehouse()
    made = stock.shop(place, currency="CNY", country="CN")
    account = Account.objects.create(shop=made, platform="files", name="Store", options={"handed_over": True})
    accounts.ready(account)
    sku = stock.sku("TEA-01")
    stock.stock(sku, place, 20)
    return account, sku, place


def upload(client, account, text, name="orders.csv"):
    """Bring a CSV."""
    file = SimpleUploadedFile(name, text.encode())
    return client.post(reverse("admin:channels_orderfile_upload"), {"account": account.pk, "file": file}, follow=True)


HEAD = "订单号,下单时间,商家编码,数量,单价\n"
GOOD = HEAD + "S-1,2026-11-20 10:00,TEA-01,2,9.90\nS-1,,tea-01,1,9.90\nS-2,2026-11-20 11:00,TEA-01,1,5\n"


def test_a_file_is_previewed_and_then_taken_in(boss, store):
    account, sku, place = store
    page = upload(boss, account, GOOD).content.decode()
    assert "Take in 2 orders" in page
    assert Order.objects.count() == 0
    row = OrderFile.objects.get()
    boss.post(reverse("admin:channels_orderfile_take", args=[row.pk]))
    assert sorted(Order.objects.values_list("number", "state")) == [("S-1", "shipped"), ("S-2", "shipped")]
    assert stock.buckets(sku, place) == (16, 0, 0)
    assert InboundPayload.objects.filter(account=account).count() == 2


def test_a_file_twice_changes_nothing(boss, store):
    account, sku, place = store
    for _ in range(2):
        upload(boss, account, GOOD)
        boss.post(reverse("admin:channels_orderfile_take", args=[OrderFile.objects.first().pk]))
    assert OrderFile.objects.first().result == {"created": 0, "changed": 0, "known": 2, "parked": 0}
    assert stock.buckets(sku, place) == (16, 0, 0)


def test_a_large_file_is_handed_to_a_worker_and_followed(boss, store, monkeypatch):
    account, sku, place = store
    monkeypatch.setattr(order_files, "LARGE", 2)
    monkeypatch.setattr(longwork, "workers_alive", lambda: True)
    upload(boss, account, GOOD)
    row = OrderFile.objects.get()
    for _press in range(2):
        page = boss.post(reverse("admin:channels_orderfile_take", args=[row.pk]), follow=True).content.decode()
        assert "You may close this page" in page
        assert f"/progress/{OrderFile.objects.get().progress_id}/" in page
    assert OrmQ.objects.count() == 1
    assert (Order.objects.count(), tasks.order_file(row.pk), Order.objects.count()) == (0, "ok", 2)
    assert tasks.order_file(row.pk) == "done already"
    row.refresh_from_db()
    assert (row.progress.state, row.progress.done, row.result["created"]) == ("done", 2, 2)
    assert stock.buckets(sku, place) == (16, 0, 0)


def test_a_large_file_that_fails_says_so_and_is_taken_in_again(boss, store, monkeypatch):
    account, _sku, _place = store
    monkeypatch.setattr(order_files, "LARGE", 2)
    monkeypatch.setattr(longwork, "workers_alive", lambda: True)
    upload(boss, account, GOOD)
    row = OrderFile.objects.get()
    address = reverse("admin:channels_orderfile_take", args=[row.pk])
    boss.post(address)
    with monkeypatch.context() as broken:
        broken.setattr(order_files, "parser_for", lambda _account: 1 / 0)
        assert tasks.order_file(row.pk) == "ZeroDivisionError"
    page = boss.get(reverse("admin:channels_orderfile_change", args=[row.pk])).content.decode()
    assert "This stopped" in page
    assert "Take in 2 orders" in page
    boss.post(address)
    assert tasks.order_file(row.pk) == "ok"
    assert Order.objects.count() == 2


def test_a_worker_that_never_came_back_does_not_keep_a_file_for_ever(boss, store, monkeypatch, later):
    account, _sku, _place = store
    monkeypatch.setattr(order_files, "LARGE", 2)
    monkeypatch.setattr(longwork, "workers_alive", lambda: True)
    upload(boss, account, GOOD)
    row = OrderFile.objects.get()
    address = reverse("admin:channels_orderfile_take", args=[row.pk])
    boss.post(address)
    later(seconds=order_files.STALLED + 1)
    page = boss.get(reverse("admin:channels_orderfile_change", args=[row.pk])).content.decode()
    assert "Take in 2 orders" in page
    boss.post(address)
    assert OrmQ.objects.count() == 2
    assert [tasks.order_file(row.pk) for _copy in range(2)] == ["ok", "done already"]
    assert Order.objects.count() == 2


def test_a_long_user_name_takes_in_a_file(people, store):
    account, _sku, _place = store
    owner = people["superuser"]
    owner.username = "w" * 150
    owner.save()
    upload(people.client("superuser"), account, GOOD)
    row = OrderFile.objects.get()
    order_files.take_in(order_file=row, user=owner, actor=f"user:{owner.pk} {owner.username}"[:150])
    assert Order.objects.count() == 2


def test_a_file_that_is_being_taken_in_is_not_taken_in_twice_at_once(boss, store):
    account, _sku, _place = store
    upload(boss, account, GOOD)
    row = OrderFile.objects.get()
    address = reverse("admin:channels_orderfile_take", args=[row.pk])
    with locks.lease(f"order_file:{row.pk}", "another", 120):
        assert "being taken in just now" in boss.post(address, follow=True).content.decode()
    assert Order.objects.count() == 0
    boss.post(address)
    assert Order.objects.count() == 2


def test_the_same_rows_in_another_order_change_nothing(boss, store):
    account, sku, place = store
    other = stock.sku("CUP-01")
    stock.stock(other, place, 20)
    rows = ["S-1,2026-11-20 10:00,TEA-01,2,9.90\n", "S-1,,CUP-01,5,3\n", "S-1,,tea-01,1,9.90\n"]
    for text in (HEAD + "".join(rows), HEAD + rows[1] + "S-1,2026-11-20 10:00,TEA-01,2,9.90\n" + rows[2]):
        upload(boss, account, text)
        boss.post(reverse("admin:channels_orderfile_take", args=[OrderFile.objects.first().pk]))
    assert OrderFile.objects.first().result == {"created": 0, "changed": 0, "known": 1, "parked": 0}
    assert (stock.buckets(sku, place), stock.buckets(other, place)) == ((17, 0, 0), (15, 0, 0))


def test_order_numbers_that_excel_shortened_are_refused(boss, store):
    account, _sku, _place = store
    text = HEAD + "4.01235E+18,2026-11-20 10:00,TEA-01,2,9.90\n"
    page = upload(boss, account, text).content.decode()
    assert "Row 2" in page
    boss.post(reverse("admin:channels_orderfile_take", args=[OrderFile.objects.get().pk]))
    assert Order.objects.count() == 0


def test_a_quote_that_is_never_closed_refuses_the_file(boss, store):
    account, _sku, _place = store
    text = "订单号,下单时间,商家编码,数量,单价,备注\n" + "".join(
        f"S-{n},2026-11-20 10:00,TEA-01,1,9.90,{note}\n" for n, note in ((1, '"leave it'), (2, "x"), (3, "y"))
    )
    page = upload(boss, account, text).content.decode()
    assert "Line 2 cannot be read: a quotation mark is probably not closed." in page
    assert OrderFile.objects.count() == 0


def test_rows_with_problems_are_named_and_nothing_is_taken_in(boss, store):
    account, _sku, _place = store
    text = HEAD + "S-1,2026-11-20 10:00,TEA-01,two,9.90\nS-2,,TEA-01,1,5\n,2026-11-20 10:00,X,1,1\n"
    page = upload(boss, account, text).content.decode()
    assert "Row 2" in page
    row = OrderFile.objects.get()
    boss.post(reverse("admin:channels_orderfile_take", args=[row.pk]))
    assert (Order.objects.count(), OrderFile.objects.get().taken_at) == (0, None)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\x00\x01"])
def test_a_file_of_something_else_is_an_error_of_the_form(boss, store, text):
    account, _sku, _place = store
    answer = upload(boss, account, text)
    assert answer.status_code == 200
    assert OrderFile.objects.count() == 0


def test_nobody_takes_in_the_file_of_another(boss, people, store):
    account, _sku, _place = store
    upload(boss, account, GOOD)
    row = OrderFile.objects.get()
    Access.objects.create(user=people["order_clerk"], all_shops=True)
    people.client("order_clerk").post(reverse("admin:channels_orderfile_take", args=[row.pk]))
    assert Order.objects.count() == 0


def test_an_excel_file_is_read(boss, store):
    from openpyxl import Workbook

    account, _sku, _place = store
    book, out = Workbook(), io.BytesIO()
    for line in (
        ["Order number", "Ordered at", "SKU code", "Quantity", "Unit price"],
        ["X-1", "2026-11-20 10:00", "TEA-01", 3, 9.5],
    ):
        book.active.append(line)
    book.save(out)
    file = SimpleUploadedFile("orders.xlsx", out.getvalue())
    boss.post(reverse("admin:channels_orderfile_upload"), {"account": account.pk, "file": file})
    assert OrderFile.objects.get().order_count == 1


def test_drift_is_listed(boss, lived_in):
    assert DriftFinding.objects.count() == 1
    assert "changed there" in boss.get(reverse("admin:channels_driftfinding_changelist")).content.decode()


def test_home_cards_stand(boss, lived_in):
    page = boss.get(reverse("admin:index")).content.decode()
    assert "Shops in step" in page
    assert "Shop exceptions" in page


def test_every_trigger_of_a_visit_has_a_name():
    root = Path(wording.__file__).parent
    used = {
        found
        for file in root.rglob("*.py")
        for found in re.findall(r'trigger(?:: str)? ?= ?"([a-z]+)"', file.read_text(encoding="utf-8"))
    }
    assert "sweep" in used
    assert used - set(wording.TRIGGERS) == set()
