"""The pages of the books: who sees them, what they show, what they let a person do."""

import datetime as dt
from decimal import Decimal as D

import pytest
from django.urls import reverse

from backoffice import clock
from backoffice.models import AuditEntry
from finance import posting
from finance.models import Currency, ExchangeRate, LedgerAccount, OpenItem, Period, PostingRequest, Voucher
from inventory.models import Access
from tests.finance.factories import DAY, line, rate, sale, shop, warehouse
from tests.finance.test_ecb import DAILY, house  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db
MODELS = ("voucher", "voucherline", "openitem", "postingrequest", "exchangerate", "ledgeraccount", "period", "currency")


def page(name, *args):
    return reverse(f"admin:finance_{name}", args=args)


@pytest.fixture
def see(people):
    """A client of a role that sees all shops."""

    def client(role="bookkeeper"):
        if role != "superuser":
            Access.objects.get_or_create(user=people[role], defaults={"all_shops": True, "all_warehouses": True})
        return people.client(role)

    return client


@pytest.fixture
def books():
    """A posted foreign sale, one waiting for its rate and one that failed."""
    rate(value="7.1")
    goods = line("1234.5", tax="10", cost="40", warehouse_id=warehouse().pk)
    posting.request_sale(sale=sale("orders.shipment:1", goods, currency="USD"))
    posting.request_sale(sale=sale("orders.shipment:2", currency="JPY", number="#2002"))
    posting.request_sale(sale=sale("orders.shipment:3", currency="QQQ", number="#3003"))
    posting.post_due()


@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_page_opens(see, books, model):
    client = see()
    listed = client.get(page(f"{model}_changelist"))
    assert listed.status_code == 200
    row = listed.context["cl"].result_list[0]
    assert client.get(page(f"{model}_change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("role", "status"),
    [("auditor", 200), ("order_clerk", 403), ("warehouse_clerk", 403), ("customer_service", 403), ("ops_admin", 403),
     ("buyer", 403)],
)  # fmt: skip
def test_only_owner_bookkeeper_and_auditor_see_the_books(see, model, role, status):
    assert see(role).get(page(f"{model}_changelist")).status_code == status


@pytest.mark.parametrize("model", ["exchangerate", "ledgeraccount", "currency"])
def test_the_auditor_only_reads(see, model):
    client = see("auditor")
    assert client.get(page(f"{model}_add")).status_code == 403
    assert client.post(page(f"{model}_add"), {}).status_code == 403


@pytest.mark.parametrize("model", ["voucher", "voucherline", "openitem", "postingrequest"])
@pytest.mark.parametrize("role", ["superuser", "owner", "bookkeeper"])
def test_nobody_adds_changes_or_deletes_what_the_worker_writes(see, books, model, role):
    client, row = see(role), {"voucher": Voucher, "openitem": OpenItem}.get(model, PostingRequest).objects.first()
    pk = row.lines.first().pk if model == "voucherline" and hasattr(row, "lines") else row.pk
    assert client.get(page(f"{model}_add")).status_code == 403
    assert client.post(page(f"{model}_delete", pk), {"post": "yes"}).status_code in (302, 403)
    assert client.post(page(f"{model}_change", pk), {"summary": "x"}).status_code in (302, 403)
    assert (Voucher.objects.count(), PostingRequest.objects.count()) == (1, 3)


def test_a_voucher_shows_its_lines_amounts_and_rate(see, books):
    text = see().get(page("voucher_change", Voucher.objects.get().pk)).content.decode()
    for shown in ("2026-11-00001", "8,835.95", "1,244.50 USD", "7.1", "1122 Accounts receivable", "orders.shipment:1"):
        assert shown in text


@pytest.mark.parametrize("term", ["#1001", "ＯＲＤＥＲＳ.shipment:1", "orders.shipment"])
def test_a_voucher_is_found_by_order_or_document(see, books, term):
    found = see().get(page("voucher_changelist"), {"q": term}).context["cl"].result_list
    assert [row.reference for row in found] == ["orders.shipment:1"]


def test_a_list_has_a_constant_number_of_queries(see, django_assert_max_num_queries):
    posting.request_sales(sales=[sale(f"orders.shipment:{n}") for n in range(60)])
    posting.post_due()
    client = see()
    for model in ("voucher", "voucherline", "openitem", "postingrequest"):
        with django_assert_max_num_queries(20):
            assert len(client.get(page(f"{model}_changelist")).context["cl"].result_list) == 50


def test_a_bookkeeper_of_one_shop_sees_that_shops_books_only(people):
    for number, code in ((1, "S1"), (2, "S2")):
        posting.request_sale(sale=sale(f"orders.shipment:{number}", shop_id=shop(code).pk))
    posting.post_due()
    Access.objects.create(user=people["bookkeeper"]).shops.set([shop("S2")])
    client = people.client("bookkeeper")
    other = Voucher.objects.get(shop=shop("S1"))
    for model in ("voucher", "openitem", "postingrequest"):
        assert {row.shop.code for row in client.get(page(f"{model}_changelist")).context["cl"].result_list} == {"S2"}
    assert client.get(page("voucher_change", other.pk)).status_code == 302


def test_the_posting_list_says_what_is_wrong_and_what_to_do(see, books):
    text = see().get(page("postingrequest_changelist")).content.decode()
    assert "The currency is not known. Add it under Currencies, then retry. (QQQ)" in text
    assert "There is no exchange rate yet." in text


def retry(client, *references):
    keys = list(PostingRequest.objects.filter(reference__in=references).values_list("pk", flat=True))
    data = {"action": "retry", "_selected_action": keys}
    return client.post(page("postingrequest_changelist"), data, follow=True).content.decode()


def test_a_retry_tells_each_rows_outcome(see, books):
    Currency.objects.create(code="QQQ", name="Q", places=2)
    rate("QQQ", "2")
    text = retry(see(), "orders.shipment:1", "orders.shipment:3")
    assert "1 are tried again." in text
    assert "It does not need a retry." in text
    assert posting.post_due().posted == 1
    assert AuditEntry.objects.get(action="books.retry").actor.endswith("bookkeeper")


def test_the_auditor_cannot_retry(see, books):
    retry(see("auditor"), "orders.shipment:3")
    assert PostingRequest.objects.get(reference="orders.shipment:3").state == "failed"


def test_a_rate_by_hand_is_kept_with_its_person(see, people):
    client = see()
    client.post(page("exchangerate_add"), {"currency": "USD", "on": "2026-11-10", "rate": "7.1234"})
    row = ExchangeRate.objects.get()
    assert (row.rate, row.source, row.recorded_by, row.base) == (D("7.1234"), "hand", people["bookkeeper"], "CNY")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"currency": "CNY"}, "it needs no rate"),
        ({"rate": "0"}, "Enter a rate above zero."),
        ({"rate": "-1"}, "Enter a rate above zero."),
        ({"rate": "1.12345678901"}, "no more than 10 decimal places"),
        ({"rate": "abc"}, "Enter a number."),
        ({"rate": "1" * 12}, "digits"),
        ({"currency": "QQQ"}, "Select a valid choice"),
        ({"on": "2026-13-01"}, "Enter a valid date"),
    ],
)
def test_a_bad_rate_is_refused_at_its_field(see, values, sentence):
    data = {"currency": "USD", "on": "2026-11-10", "rate": "7.1", **values}
    answer = see().post(page("exchangerate_add"), data)
    assert sentence in answer.content.decode()
    assert not ExchangeRate.objects.exists()


def upload(data, name="eurofxref.xml"):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return {"file": SimpleUploadedFile(name, data, "text/xml")}


def preview(client, data=DAILY):
    return client.post(page("exchangerate_import_ecb"), upload(data))


def test_an_ecb_file_is_previewed_then_kept(see):
    client = see()
    shown = preview(client)
    assert "4 are new." in shown.content.decode()
    assert not ExchangeRate.objects.exists()
    answer = client.post(page("exchangerate_import_ecb"), {"upload": shown.context["upload"]}, follow=True)
    assert "4 rates were added." in answer.content.decode()
    assert ExchangeRate.objects.get(currency="USD").rate == D("6.4")


def test_without_a_file_the_ecb_is_asked(see, house):  # noqa: F811
    house.expect_request("/rates.xml").respond_with_data(DAILY)
    assert "4 are new." in see().post(page("exchangerate_import_ecb"), {}).content.decode()


@pytest.mark.parametrize(
    ("data", "sentence"), [(b"<a/>", "no dated rates"), (b"x" * 1_000_001, "too large for this page")]
)
def test_a_bad_file_is_an_error_on_the_page(see, data, sentence):
    assert sentence in preview(see(), data).content.decode()


def test_another_persons_preview_cannot_be_confirmed(see):
    sealed = preview(see("owner")).context["upload"]
    answer = see("bookkeeper").post(page("exchangerate_import_ecb"), {"upload": sealed}, follow=True)
    assert "The preview has expired." in answer.content.decode()
    assert not ExchangeRate.objects.exists()


@pytest.mark.parametrize("sealed", ["", "x", "a:b:c"])
def test_a_forged_preview_is_refused(see, sealed):
    answer = see().post(page("exchangerate_import_ecb"), {"upload": sealed}, follow=True)
    assert "The preview has expired." in answer.content.decode()


@pytest.mark.parametrize("role", ["auditor", "order_clerk"])
def test_only_who_may_add_rates_imports_them(see, role):
    assert see(role).get(page("exchangerate_import_ecb")).status_code == 403
    assert preview(see(role)).status_code == 403


def account_form(account, **values):
    given = {"code": account.code, "name": account.name, "name_en": account.name_en, "kind": account.kind}
    return {**given, "role": account.role, "active": "on", **values}


def test_an_account_is_renamed_with_an_audit_entry(see):
    account = LedgerAccount.objects.get(role="sales")
    see("owner").post(page("ledgeraccount_change", account.pk), account_form(account, name="网店收入"))
    account.refresh_from_db()
    assert account.name == "网店收入"
    entry = AuditEntry.objects.get(action="books.account")
    assert (entry.before, entry.after) == ({"name": "主营业务收入"}, {"name": "网店收入"})


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"role": "cogs"}, "Another account has this role."),
        ({"active": ""}, "Postings look for this role"),
        ({"code": "1122"}, "already exists"),
    ],
)
def test_an_account_cannot_take_anothers_role_or_code_or_retire_with_one(see, values, sentence):
    account = LedgerAccount.objects.get(role="sales")
    answer = see().post(page("ledgeraccount_change", account.pk), account_form(account, **values))
    assert sentence in answer.content.decode()
    account.refresh_from_db()
    assert (account.role, account.active, account.code) == ("sales", True, "5001")


def test_only_an_unused_account_without_role_is_deleted(see):
    free, held = LedgerAccount.objects.get(code="1123"), LedgerAccount.objects.get(role="sales")
    client = see()
    client.post(page("ledgeraccount_delete", free.pk), {"post": "yes"})
    assert client.post(page("ledgeraccount_delete", held.pk), {"post": "yes"}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [held.pk], "post": "yes"}
    client.post(page("ledgeraccount_changelist"), bulk)
    assert list(LedgerAccount.objects.filter(pk__in=[free.pk, held.pk])) == [held]


def test_a_used_account_is_not_deleted_even_without_its_role(see, books):
    account = LedgerAccount.objects.get(role="sales")
    LedgerAccount.objects.filter(pk=account.pk).update(role="")
    assert see().post(page("ledgeraccount_delete", account.pk), {"post": "yes"}).status_code == 403


def test_months_are_closed_from_the_list_oldest_first(see):
    for month in (9, 10):
        Period.objects.create(month=dt.date(2026, month, 1))
    keys = list(Period.objects.values_list("pk", flat=True))
    with clock.moved_to(lambda: dt.datetime(2026, 12, 1, tzinfo=dt.UTC)):
        answer = see().post(page("period_changelist"), {"action": "close", "_selected_action": keys}, follow=True)
    assert "2 months are closed." in answer.content.decode()
    assert Period.objects.filter(closed_at__isnull=False).count() == 2


def test_a_month_that_cannot_be_closed_says_why(see):
    period = Period.objects.create(month=dt.date(2126, 9, 1))
    answer = see().post(page("period_changelist"), {"action": "close", "_selected_action": [period.pk]}, follow=True)
    assert "2126-09 is not over yet." in answer.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "frozen__contains=x",
        "shop__channels__token__gt=a",
        "digest__startswith=a",
        "fence=1",
        "recorded_by__password__gt=a",
    ],
)
def test_hidden_columns_cannot_be_asked_for_in_the_address(see, books, query):
    for model in ("postingrequest", "voucher", "exchangerate"):
        answer = see().get(page(f"{model}_changelist") + "?" + query)
        assert answer.status_code in (302, 400)


def test_home_tells_what_waits_and_which_rate_is_missing(see, books):
    shop("S7", currency="EUR")
    shop("S8", currency="USD")
    with clock.moved_to(lambda: dt.datetime(2026, 11, 30, tzinfo=dt.UTC)):
        text = see().get(reverse("admin:index")).content.decode()
    for shown in ("Waiting for an exchange rate", "Needs a person", "EUR has no exchange rate", "USD: newest rate"):
        assert shown in text
    assert DAY.isoformat() in text
    assert "Waiting for an exchange rate" not in see("order_clerk").get(reverse("admin:index")).content.decode()
