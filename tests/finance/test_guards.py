"""What the database itself refuses, whoever writes."""

from decimal import Decimal as D

import pytest
from django.db import DatabaseError, connection, transaction

from backoffice import triggers
from finance import guards, posting
from finance.models import LedgerAccount, OpenItem, PostingRequest, Voucher, VoucherLine
from finance.models.books import Period
from tests.finance.factories import DAY, NOON, sale, shop

pytestmark = pytest.mark.django_db(transaction=True)


def voucher(total="1"):
    period = Period.objects.get_or_create(month=DAY.replace(day=1))[0]
    return Voucher.objects.create(
        period=period, number=9, on=DAY, occurred_on=DAY, reference="x:1", kind="sale", total=D(total), posted_at=NOON
    )


def add_line(row, position, debit="0", credit="0", amount="1", rate="1"):
    account = LedgerAccount.objects.get(role="sales")
    VoucherLine.objects.create(
        voucher=row, position=position, account=account, debit=D(debit), credit=D(credit),
        currency_id="CNY", amount=D(amount), rate=D(rate),
    )  # fmt: skip


def seal(row):
    """Mark a request as posted by this voucher."""
    PostingRequest.objects.create(
        reference="x:1", kind="sale", shop=shop(), external_id="1", occurred_at=NOON, occurred_on=DAY, currency="CNY",
        total=1, rate=1, frozen={}, digest="", created_at=NOON,
    )  # fmt: skip
    PostingRequest.objects.filter(reference="x:1").update(state="posted", voucher=row)


def write(debit, credit):
    """Write a voucher of 1 with two lines, as `finance.posting` would."""
    with transaction.atomic():
        row = voucher(total="1")
        add_line(row, 1, debit=debit)
        add_line(row, 2, credit=credit)
        seal(row)


def posted():
    posting.request_sale(sale=sale())
    posting.post_due()
    return Voucher.objects.get()


def test_the_triggers_stand_on_this_engine_and_come_back_when_lost():
    assert guards.missing(connection) == []
    name = guards.NAMES[connection.vendor][0]
    table = " ON finance_voucherline" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {name}{table}")
    assert guards.missing(connection) == [name]
    guards.install(connection)
    assert guards.missing(connection) == []


def test_append_only_triggers_stand():
    tables = ("finance_voucher", "finance_voucherline", "finance_exchangerate")
    assert not [name for name in triggers.missing(connection) if name.startswith(tables)]
    assert {rule.table for rule in triggers.rules()} >= set(tables)


@pytest.mark.parametrize(("debit", "credit"), [("1", "0.9999"), ("1", "2"), ("0.9", "0.9")])
def test_a_voucher_that_does_not_balance_or_not_to_its_total_is_refused(debit, credit):
    with pytest.raises(DatabaseError, match="does not balance"):
        write(debit, credit)
    assert not Voucher.objects.exists()


def test_a_balanced_voucher_is_taken():
    write("1", "1")
    assert Voucher.objects.count() == 1


def test_a_posted_voucher_takes_no_further_lines():
    row = posted()
    with pytest.raises(DatabaseError, match="posted|balance"), transaction.atomic():
        add_line(row, 3, debit="5")
    assert row.lines.count() == 2


@pytest.mark.parametrize(
    "figures",
    [{"debit": "1", "credit": "1"}, {}, {"debit": "-1"}, {"credit": "-1"}, {"debit": "1", "amount": "-1"},
     {"debit": "1", "rate": "0"}],
)  # fmt: skip
def test_a_line_has_exactly_one_positive_side_an_amount_and_a_rate(figures):
    with pytest.raises(DatabaseError, match="voucher_line_"), transaction.atomic():
        add_line(voucher(), 1, **figures)
    assert not VoucherLine.objects.exists()


@pytest.mark.parametrize("model", [Voucher, VoucherLine])
def test_vouchers_and_lines_are_neither_changed_nor_deleted(model):
    posted()
    column = "summary"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        model.objects.update(**{column: "changed"})
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table}")
    assert not model.objects.filter(summary="changed").exists()


def test_a_second_voucher_of_the_document_is_refused():
    row = posted()
    with pytest.raises(DatabaseError, match="reference"), transaction.atomic():
        Voucher.objects.create(
            period=row.period, number=2, on=DAY, occurred_on=DAY, reference=row.reference, kind="sale", total=0,
            posted_at=NOON,
        )  # fmt: skip
    assert Voucher.objects.count() == 1


def test_a_second_open_item_of_the_document_is_refused():
    posted()
    item = OpenItem.objects.get()
    item.pk = None
    with pytest.raises(DatabaseError, match="reference"), transaction.atomic():
        item.save(force_insert=True)
    assert OpenItem.objects.count() == 1


def test_a_request_is_posted_with_a_voucher_or_not_at_all():
    posting.request_sale(sale=sale())
    with pytest.raises(DatabaseError, match="posting_posted_has_voucher"), transaction.atomic():
        PostingRequest.objects.update(state="posted")
    assert PostingRequest.objects.get().state == "due"


def test_one_account_per_role():
    with pytest.raises(DatabaseError, match="account_role_once|role"), transaction.atomic():
        LedgerAccount.objects.create(code="9", name="x", kind="income", role="sales")
    assert LedgerAccount.objects.filter(role="sales").count() == 1
