"""The pages of late orders: what each role sees and may press, figures, filters, workbooks, the whole drill."""

import datetime as dt
import io
import uuid

import openpyxl
import pytest
from django.contrib.auth.models import Permission
from django.test import TestCase
from django.urls import reverse

from backoffice import clock, incidents
from backoffice.messages import OutgoingMessage
from inventory.models import Access, StockPolicy
from orders import tasks
from orders.desk import letters, runs
from orders.late import month_runs, recount, review
from orders.models import (
    Compensation,
    CompensationLimit,
    CompensationPreset,
    CouponCode,
    DeskRun,
    LatePlay,
    Order,
    PenaltyEntry,
    ReturnRefund,
    ShipPolicy,
    SupplyDraft,
)
from orders.returns import refunding
from tests.inventory import factories as stock
from tests.orders.factories import NOW, Seller, line, order
from tests.orders.late.build import HOUR, LI, cause, due_in, ids, play_of, preset, rates, short_seller, template

pytestmark = pytest.mark.django_db
BOARD, PLAYS = "admin:orders_lateorder_changelist", "admin:orders_lateplay_changelist"
NEVER = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)


def client(people, role="order_clerk", **access):
    """Somebody of a role who sees all shops and warehouses unless told otherwise."""
    if not Access.objects.filter(user=people[role]).exists():
        shops, places = access.get("shops"), access.get("warehouses")
        row = Access.objects.create(user=people[role], all_shops=shops is None, all_warehouses=places is None)
        row.shops.set(shops or [])
        row.warehouses.set(places or [])
    return people.client(role)


def text(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def do(who, play, deed, **fields):
    return who.post(reverse("admin:orders_lateplay_do", args=[play.pk]), {"do": deed, **fields}, follow=True)


def numbers(answer) -> list[str]:
    assert answer.status_code == 200
    return [one.number for one in answer.context["cl"].result_list]


@pytest.fixture
def seller():
    rates()
    made = Seller(warehouses=2, MUG=9, CUP=0)
    made.take(
        order(1, line("MUG")),
        order(2, line("CUP")),
        order(3, line("MUG", 2)),
        order(4, line("MUG"), buyer_note="urgent"),
    )
    for number, hours in ((1, -5), (2, 1), (3, 20), (4, 60)):
        due_in(made.order(number), hours)
    return made


# --- the board -------------------------------------------------------------------------------------------------------


def test_the_board_counts_and_shows_what_has_to_leave_up_to_tomorrow(people, seller):
    who = client(people)
    answer = who.get(reverse(BOARD))
    assert numbers(answer) == ["#1001", "#1002", "#1003"]
    assert [(one["span"], one["count"]) for one in answer.context["tabs"]] == [
        ("late", 1), ("2h", 1), ("today", 1), ("tomorrow", 1)
    ]  # fmt: skip
    page = text(answer)
    assert "late by 5 h" in page
    assert "Goods are missing" in page
    assert "Begin a play" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("when=late", ["#1001"]),
        ("when=2h", ["#1002"]),
        ("when=soon", ["#1002"]),
        ("when=tomorrow", ["#1003"]),
        ("when=all", ["#1001", "#1002", "#1003", "#1004"]),
        ("when=nonsense", ["#1001", "#1002", "#1003"]),
        ("when=all&stage=short", ["#1002"]),
        ("when=all&stage=held", ["#1004"]),
        ("when=all&stage=unpicked", ["#1001", "#1003"]),
        ("when=all&department=buying", ["#1002"]),
        ("when=all&department=warehouse", ["#1001", "#1003"]),
        ("when=all&worth=100", ["#1003"]),
        ("when=all&priority=1", []),
        ("when=all&o=-6", ["#1003", "#1001", "#1002", "#1004"]),
    ],
)
def test_filters_and_the_order_by_value(people, seller, query, found):
    who = client(people)
    answer = who.get(f"{reverse(BOARD)}?{query}")
    got = numbers(answer)
    assert got[:1] == found[:1]
    assert sorted(got) == sorted(found)


def test_by_warehouse_and_a_packer_sees_the_orders_of_the_own_warehouse(people, seller):
    first, second = seller.places
    boss = client(people)
    assert numbers(boss.get(f"{reverse(BOARD)}?when=all&warehouse={second.pk}")) == []
    assert numbers(boss.get(f"{reverse(BOARD)}?when=all&warehouse={first.pk}")) == ["#1001", "#1002", "#1003", "#1004"]
    packer = client(people, "warehouse_clerk", shops=[seller.shop], warehouses=[second])
    assert numbers(packer.get(f"{reverse(BOARD)}?when=all")) == []
    Access.objects.get(user=people["warehouse_clerk"]).warehouses.add(first)
    page = packer.get(f"{reverse(BOARD)}?when=all")
    assert len(numbers(page)) == 4
    assert "Begin a play" not in text(page)


def test_orders_of_shops_one_may_not_see_are_on_no_board(people, seller):
    who = client(people, shops=[stock.shop()], warehouses=[seller.place])
    assert numbers(who.get(f"{reverse(BOARD)}?when=all")) == []
    play = play_of(seller, "CUP")
    page = text(who.get(reverse("admin:orders_lateplay_change", args=[play.pk])))
    assert "#1002" not in page
    assert "No order of this play is in a shop you may see." in page
    do(who, play, "give", preset=preset().pk, chosen=ids(seller, 2))
    assert not Compensation.objects.exists()


def test_the_board_costs_the_same_for_many(people, seller, django_assert_max_num_queries):
    seller.add("MUG", 90)
    seller.take(*(order(n, line("MUG")) for n in range(10, 50)))
    Order.objects.filter(due_at=None).update(due_at=NOW - HOUR)
    who = client(people)
    who.get(reverse(BOARD))
    with django_assert_max_num_queries(20):
        assert len(numbers(who.get(reverse(BOARD)))) == 43


def test_the_board_as_a_workbook_with_the_same_filter(people, seller):
    answer = client(people).get(f"{reverse('admin:orders_lateorder_xlsx')}?when=2h")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert len(rows) == 2
    assert rows[1][0] == "#1002"
    assert rows[1][4:7] == ["Goods are missing", "Not enough stock", "Buying"]


def test_an_order_promised_for_the_end_of_time_opens_in_every_zone(people, seller):
    Order.objects.filter(external_id="o1").update(ship_by=NEVER, due_at=NEVER)
    who = client(people)
    assert who.get(reverse("admin:orders_order_change", args=[seller.order(1).pk])).status_code == 200
    assert who.get(reverse("admin:orders_order_changelist")).status_code == 200
    recount.nightly()
    assert seller.order(1).due_at is None


def test_the_home_page_and_the_sidebar_say_how_many_are_late(people, seller):
    page = text(client(people).get(reverse("admin:index")))
    assert "?when=late" in page
    assert "Late orders" in page


# --- a play ----------------------------------------------------------------------------------------------------------


def begin(who, seller, number):
    answer = who.post(
        reverse("admin:orders_lateplay_begin"), {"order": f"{seller.order(number).pk}:{uuid.uuid4().hex}"}, follow=True
    )
    return answer, LatePlay.objects.first()


def test_the_whole_drill_by_one_clerk(people):
    seller = short_seller(1, 100, 200, 300)
    other = stock.warehouse()
    seller.places.append(other)
    stock.stock(seller.skus["MUG"], other, 5, "4")
    CompensationLimit.objects.create(group=people["order_clerk"].groups.get(), most=100)
    made, words = preset(name="Coupon"), template()
    who = client(people)
    answer, play = begin(who, seller, 3)
    page = text(answer)
    assert (play.sku, play.orders.count()) == (seller.skus["MUG"], 3)
    assert "No more orders" in text(do(who, play, "look"))
    do(who, play, "pause", resume_on_arrival="1")
    assert StockPolicy.objects.get(valid_to=None).paused
    page = text(do(who, play, "draft:transfer", quantity="2", origin=other.pk, destination=seller.place.pk, once="x"))
    assert "Draft" in page
    assert do(who, play, f"confirm:{SupplyDraft.objects.get().pk}").status_code == 403  # the warehouse does that
    do(client(people, "ops_admin"), play, f"confirm:{SupplyDraft.objects.get().pk}")
    assert seller.buckets("MUG") == (3, 2, 1)
    chosen = ids(seller, 3, 2, 1)
    do(who, play, "serve", chosen=chosen)
    assert [one.state for one in seller.shop.orders.order_by("id")] == ["approved"] * 3
    do(who, play, "give", preset=made.pk, chosen=chosen)
    do(who, play, "message", template=words.code, new_date="2026-12-05", chosen=chosen)
    assert Compensation.objects.filter(state="given").count() == 3
    assert OutgoingMessage.objects.filter(body__contains="by 2026-12-05").count() == 3
    page = text(do(who, play, "close", cause=cause().pk, note="Truck late"))
    play.refresh_from_db()
    assert (play.state, play.note, play.new_date) == ("closed", "Truck late", dt.date(2026, 12, 5))
    assert "Truck late" in page


def test_a_double_click_gives_sends_and_drafts_once(people):
    seller = short_seller(0, 100)
    who, made, words = client(people, "ops_admin"), preset(), template()
    _answer, play = begin(who, seller, 1)
    for _ in range(2):
        do(who, play, "give", preset=made.pk, chosen=ids(seller, 1))
        do(who, play, "message", template=words.code, chosen=ids(seller, 1))
        do(who, play, "draft:purchase", quantity="2", destination=seller.place.pk, once="same")
    assert (Compensation.objects.count(), OutgoingMessage.objects.count(), SupplyDraft.objects.count()) == (1, 1, 1)


def test_whoever_comes_second_joins_and_is_told_who_began(people):
    seller = short_seller(0, 100, 200)
    begin(client(people, "ops_admin"), seller, 1)
    answer, play = begin(client(people), seller, 2)
    assert "begun by ops_admin" in text(answer)
    assert (LatePlay.objects.count(), play.orders.count()) == (1, 2)


def test_from_a_sku_that_is_typed_and_from_an_incident(people):
    seller = short_seller(0, 100)
    who, url = client(people), reverse("admin:orders_lateplay_begin")
    assert "There is no such SKU." in text(who.post(url, {"sku": "NO\0PE", "once": "a"}, follow=True))
    trouble = incidents.report(
        kind="shortage", key="x", links=[f"orders.order:{seller.order(1).pk}"], shop_id=seller.shop.pk
    )
    assert f"#{trouble.pk}" in text(who.get(f"{reverse('admin:orders_lateplay_add')}?incident={trouble.pk}"))
    who.post(url, {"incident": trouble.pk})
    play = LatePlay.objects.get()
    assert (play.incident, play.orders.count()) == (trouble, 1)
    answer = who.post(url, {"sku": " mug ", "once": "b"})
    assert answer.url == reverse("admin:orders_lateplay_change", args=[play.pk])


def test_the_incident_of_a_late_order_leads_to_the_play(people):
    seller = short_seller(0, 100)
    late = incidents.report(
        kind="late", key="order:1", data={"number": "#1001", "level": "late"},
        links=[f"orders.order:{seller.order(1).pk}"], shop_id=seller.shop.pk,
    )  # fmt: skip
    other = incidents.report(kind="shortage", key="y", data={"number": "#1001"}, shop_id=seller.shop.pk)
    there = f"{reverse('admin:orders_lateplay_add')}?incident={late.pk}"

    def page(who, row):
        return text(who.get(reverse("admin:backoffice_incident_change", args=[row.pk])))

    clerk = client(people)
    assert f'href="{there}"' in page(clerk, late)
    assert clerk.get(there).status_code == 200
    assert "lateplay/add" not in page(clerk, other)
    assert there not in page(client(people, "buyer"), late)  # may not begin one
    incidents.settle(kind="late", key="order:1")
    assert there not in page(clerk, late)


def test_what_a_role_may_not_do_it_cannot_press(people):
    seller = short_seller(0, 100)
    play, made = play_of(seller), preset()
    for role in ("buyer", "auditor"):
        who = client(people, role)
        page = text(who.get(reverse("admin:orders_lateplay_change", args=[play.pk])))
        assert 'value="pause"' not in page
        for deed in ("pause", "give", "message", "close", "serve", "draft:purchase"):
            assert do(who, play, deed, preset=made.pk).status_code == 403
    assert client(people, "bookkeeper").get(reverse(PLAYS)).status_code == 403
    service = client(people, "customer_service")
    assert do(service, play, "serve", chosen=ids(seller, 1)).status_code == 403  # decides no orders
    assert do(service, play, "pause").status_code == 200
    assert do(service, play, "nonsense").status_code == 404
    play.refresh_from_db()
    assert play.paused
    assert not Compensation.objects.exists()


def test_above_the_limit_the_page_asks_and_the_boss_approves(people):
    seller = short_seller(0, 100)
    play, made = play_of(seller), preset()
    clerk, boss = client(people), client(people, "ops_admin")
    page = text(do(clerk, play, "give", preset=made.pk, chosen=ids(seller, 1)))
    assert "above your limit: it waits for approval" in page
    row = Compensation.objects.get()
    assert do(clerk, play, f"decide:yes:{row.pk}").status_code == 403
    do(boss, play, f"decide:yes:{row.pk}")
    row.refresh_from_db()
    assert (row.state, row.code) == ("given", "SORRY")
    assert "decided already" in text(do(boss, play, f"decide:no:{row.pk}"))


def test_names_are_masked_in_the_preview_for_everybody(people):
    seller = short_seller(0, 100)
    template(body_en="Dear {{ buyer_name }}<b>")
    url = reverse("admin:orders_lateplay_change", args=[play_of(seller).pk]) + "?template=test-email"
    people["auditor"].user_permissions.add(Permission.objects.get(codename="run_lateplay"))
    for role in ("order_clerk", "auditor"):  # uncovering a buyer is recorded, looking at a play is not
        masked = text(client(people, role).get(url))
        assert "Ana Müller" not in masked
        assert "Dear A•• M•••••&lt;b&gt;" in masked


def test_the_page_costs_the_same_for_many(people, django_assert_max_num_queries):
    seller = short_seller(0, *range(1, 30))
    template(), preset(), preset("refund", name="r", amount=0, percent=10)
    play = play_of(seller)
    who = client(people)
    url = reverse("admin:orders_lateplay_change", args=[play.pk])
    who.get(url)
    with django_assert_max_num_queries(34):
        assert len(who.get(url).context["members"]) == 29


# --- lists and settings ----------------------------------------------------------------------------------------------


def test_supplies_are_seen_and_done_by_buyer_and_warehouse(people):
    seller = short_seller(0, 100)
    clerk = client(people)
    play = play_of(seller)
    do(clerk, play, "draft:purchase", quantity="7", supplier="Makers", destination=seller.place.pk, once="a")
    elsewhere = client(people, "warehouse_clerk", shops=[seller.shop], warehouses=[stock.warehouse()])
    url = reverse("admin:orders_supplydraft_changelist")
    assert "Makers" not in text(elsewhere.get(url))
    buyer = client(people, "buyer")
    assert "Makers" in text(buyer.get(url))
    draft = SupplyDraft.objects.get()
    page = buyer.post(url, {"action": "confirm", "_selected_action": [draft.pk]}, follow=True)
    assert "1 drafts done." in text(page)
    draft.refresh_from_db()
    assert (draft.state, draft.ended_by.partition(" ")[2]) == ("confirmed", "buyer")
    answer = buyer.get(reverse("admin:orders_supplydraft_export_xlsx"))
    sheet = openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active
    assert [cell.value for cell in sheet[2]][1:4] == ["MUG", "MUG", 7]


def test_a_message_on_the_platform_is_sent_by_hand_and_found_from_the_play_and_the_order(people):
    seller, who = short_seller(0, 100), client(people, "order_clerk")
    play, words = play_of(seller), template("platform")
    do(who, play, "message", template=words.code, chosen=ids(seller, 1))
    row = OutgoingMessage.objects.get()
    assert (row.channel, row.state, row.to) == ("platform", "by_hand", letters.recipient(seller.order(1), "platform"))
    url = reverse("admin:backoffice_outgoingmessage_change", args=[row.pk])
    for page in (
        text(who.get(reverse("admin:orders_lateplay_change", args=[play.pk]))),
        text(who.get(reverse("admin:orders_order_change", args=ids(seller, 1)))),
    ):
        assert url in page
        assert "To be sent by hand" in page
    assert who.get(url).status_code == 200


def test_refunds_to_be_made_are_ticked_off(people):
    seller = short_seller(0, 100)
    boss = client(people, "ops_admin")
    do(boss, play_of(seller), "give", preset=preset("refund", amount=0, percent=10).pk, chosen=ids(seller, 1))
    money = ReturnRefund.objects.get()
    refunding.by_hand([money.pk])
    page = text(boss.get(reverse("admin:orders_compensation_changelist")))
    assert reverse("admin:orders_return_change", args=[money.rma_id]) in page
    assert "To be given by hand" in page
    assert money.rma.number in text(boss.get(reverse("admin:orders_return_changelist") + "?waits=hand"))
    boss.post(reverse("admin:orders_return_do", args=[money.rma_id]), {"do": "given", "money": money.pk})
    money.refresh_from_db()
    assert money.state == "done"


def policy_form(**fields) -> dict:
    return {
        "shop": "", "amount": "1", "unit": "work_days", "cut_off": "16:00", "opens": "09:00", "closes": "18:00",
        "work_days": ["0", "1", "2", "3", "4"], "keeps_holidays": "on", "country": "", "region": "", "closed_days": "",
        "time_zone": "", "soon_hours": "4", "active": "on", **fields,
    }  # fmt: skip


def test_a_handling_time_is_set_and_open_orders_follow(people):
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG")))
    boss, url = client(people, "ops_admin"), reverse("admin:orders_shippolicy_add")
    answer = boss.post(url, policy_form(closed_days="2026-11-23, 2026-11-24"), follow=True)
    assert "All shops" in text(answer)
    row = ShipPolicy.objects.get()
    assert (row.work_days, row.closed_days, row.applied) == ([0, 1, 2, 3, 4], ["2026-11-23", "2026-11-24"], 1)
    # Friday 16:00 in Shanghai is the cut-off itself: counts from Wednesday, leaves on Thursday at 18:00.
    assert seller.order(1).due_at == dt.datetime(2026, 11, 26, 10, tzinfo=dt.UTC)
    change = reverse("admin:orders_shippolicy_change", args=[row.pk])
    boss.post(change, policy_form(unit="hours", amount="48"))
    assert seller.order(1).due_at == NOW + 48 * HOUR
    assert ShipPolicy.objects.get().applied == 2


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"closed_days": "2026-02-30"}, "No dates: 2026-02-30"),
        ({"country": "QQ"}, "holidays of “QQ” are not known"),
        ({"country": "DE", "region": "XX"}, "no region of this country"),
        ({"time_zone": "Mars/North"}, "no time zone “Mars/North”"),
        ({"closes": "08:00"}, "Work must end after it begins"),
        ({"work_days": []}, "This field is required."),
    ],
)
def test_a_handling_time_that_makes_no_sense_is_refused(people, fields, says):
    answer = client(people, "ops_admin").post(reverse("admin:orders_shippolicy_add"), policy_form(**fields))
    assert says in text(answer)
    assert not ShipPolicy.objects.exists()


def test_the_policy_for_all_shops_is_set_by_whoever_sees_all(people):
    boss = client(people, "ops_admin", shops=[stock.shop()])
    answer = boss.post(reverse("admin:orders_shippolicy_add"), policy_form())
    assert list(answer.context["adminform"].form.errors) == ["shop"]
    assert not ShipPolicy.objects.exists()


def test_coupon_codes_are_pasted_and_presets_checked(people):
    boss = client(people, "ops_admin")
    form = {"name": "10 off", "kind": "coupon", "amount": "10", "percent": "0", "quantity": "1", "active": "on"}
    boss.post(reverse("admin:orders_compensationpreset_add"), form)
    made = CompensationPreset.objects.get()
    page = boss.post(reverse("admin:orders_compensationpreset_codes", args=[made.pk]), {"text": "A\nB\nA"}, follow=True)
    assert "2 new codes; 0 were known." in text(page)
    assert CouponCode.objects.count() == 2
    assert "Name the gift." in text(boss.post(reverse("admin:orders_compensationpreset_add"), {**form, "kind": "gift"}))


def test_a_penalty_names_its_order_by_its_number(people):
    seller = short_seller(0, 100)
    books, url = client(people, "bookkeeper"), reverse("admin:orders_penaltyentry_add")
    form = {"kind": "penalty", "shop": seller.shop.pk, "amount": "20", "happened_on": "2026-11-20", "number": "#9"}
    assert "no order of this number" in text(books.post(url, form))
    books.post(url, {**form, "number": "#1001"})
    entry = PenaltyEntry.objects.get()
    assert (entry.order, entry.amount, entry.created_by) == (seller.order(1), 20, "bookkeeper")


def test_the_month_and_the_comparison_as_page_print_and_workbook(people, watch):
    seller = short_seller(1, 100, 200)
    watch.on(5 * HOUR)
    play_of(seller)
    books = client(people, "bookkeeper")
    page = text(books.get(reverse("admin:orders_lateplay_review")))
    assert seller.shop.name in page
    assert "cause not recorded" in page
    assert "<nav" not in text(books.get(f"{reverse('admin:orders_lateplay_review')}?print=1"))
    answer = books.get(reverse("admin:orders_lateplay_review_xlsx"))
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active.iter_rows(values_only=True))
    assert rows[1][:4] == ("All", "All", 2, 2)
    assert reverse("admin:orders_lateplay_review_pdf") in page
    answer = books.get(reverse("admin:orders_lateplay_review_pdf"))
    assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    assert answer["Content-Disposition"].startswith('inline; filename="lateness-')
    page = text(books.get(f"{reverse('admin:orders_lateplay_compared')}?days=7"))
    assert "MUG 0 / 1" in page
    answer = books.get(reverse("admin:orders_lateplay_compared_xlsx"))
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active.iter_rows(values_only=True))
    assert {row[0] for row in rows[1:]} == {"Sold, but not in stock", "Paid, not sent in time"}
    assert client(people, "warehouse_clerk").get(reverse("admin:orders_lateplay_review")).status_code == 403


def test_a_month_of_many_orders_is_counted_by_a_worker_under_a_bar(people, watch, monkeypatch):
    handed = []
    monkeypatch.setattr(month_runs, "NOW", 1)
    monkeypatch.setattr(runs.longwork, "workers_alive", lambda: True)
    monkeypatch.setattr(runs.longwork, "enqueue", lambda *arguments: handed.append(arguments))
    seller = short_seller(1, 100, 200)
    watch.on(5 * HOUR)
    books, address = client(people, "bookkeeper"), reverse("admin:orders_lateplay_review")
    month = clock.now().date().isoformat()[:7]
    page = text(books.get(address))
    assert "counting takes a while" in page
    assert seller.shop.name not in page
    for name in ("xlsx", "pdf"):
        assert books.get(reverse(f"admin:orders_lateplay_review_{name}")).headers["Location"].startswith(address)
    with TestCase.captureOnCommitCallbacks(execute=True):
        for _twice in range(2):
            books.post(f"{reverse('admin:orders_lateplay_review_count')}?month={month}")
    run = DeskRun.objects.get()
    assert handed == [("orders.tasks.desk_run", run.pk)]
    assert "yk-progress" in text(books.get(address))
    assert tasks.desk_run(run.pk) == "ok"
    run.refresh_from_db()
    assert (run.progress.done, run.progress.total) == (review.STEPS, review.STEPS)
    page = text(books.get(address))
    assert seller.shop.name in page
    assert "Count again" in page
    answer = books.get(reverse("admin:orders_lateplay_review_xlsx"))
    rows = list(openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active.iter_rows(values_only=True))
    assert rows[1][:4] == ("All", "All", 2, 2)
    assert "counting takes a while" in text(client(people, "owner").get(address))  # another's count is not shown


def test_a_count_whose_worker_died_may_be_begun_again(people, watch, monkeypatch):
    monkeypatch.setattr(month_runs, "NOW", 0)
    monkeypatch.setattr(runs.longwork, "workers_alive", lambda: True)
    monkeypatch.setattr(runs.longwork, "enqueue", lambda *arguments: None)
    first = clock.now().date().replace(day=1)
    begun = month_runs.begin(owner=people["bookkeeper"], first=first)
    assert (runs.running(begun), month_runs.begin(owner=people["bookkeeper"], first=first)) == (True, begun)
    watch.on(HOUR / 5)
    assert not runs.running(begun)
    assert month_runs.begin(owner=people["bookkeeper"], first=first) != begun


def test_a_kept_month_reads_as_it_was_counted_and_only_for_the_same_shops(people, watch, monkeypatch):
    monkeypatch.setattr(month_runs, "NOW", 0)
    seller = short_seller(1, 100, 200)
    watch.on(5 * HOUR)
    client(people, "bookkeeper")
    first = clock.now().date().replace(day=1)
    run = month_runs.begin(owner=people["bookkeeper"], first=first)
    assert month_runs.from_json(run.result) == review.of(first)
    assert month_runs.last(owner=people["bookkeeper"], first=first) == run
    Access.objects.filter(user=people["bookkeeper"]).update(all_shops=False)
    assert month_runs.last(owner=people["bookkeeper"], first=first) is None
    assert seller.shop.name not in text(people.client("bookkeeper").get(reverse("admin:orders_lateplay_review")))


def test_without_a_font_the_month_is_refused_in_a_sentence(people, settings):
    settings.PDF_FONT = "/nowhere/font.ttc"
    answer = client(people, "bookkeeper").get(reverse("admin:orders_lateplay_review_pdf"), follow=True)
    assert "No font for Chinese is installed" in text(answer)


def test_the_lists_around_open_for_the_auditor(people):
    seller = short_seller(0, 100)
    do(client(people, "ops_admin"), play_of(seller), "give", preset=preset().pk, chosen=ids(seller, 1))
    who = client(people, "auditor")
    for name in ("lateplay", "supplydraft", "compensation", "penaltyentry", "shippolicy",
                 "compensationpreset", "compensationlimit"):  # fmt: skip
        assert who.get(reverse(f"admin:orders_{name}_changelist")).status_code == 200
    page = text(who.get(reverse("admin:orders_order_change", args=ids(seller, 1))))
    assert "SORRY" in page
    assert LI
