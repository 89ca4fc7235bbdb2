"""The late drill in a real browser: from the board to the closed play in under ten clicks."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from backoffice.messages import OutgoingMessage
from inventory.access import EVERYTHING
from inventory.models import StockPolicy
from orders import intake
from orders.late import supply
from orders.models import Compensation, CompensationLimit, CompensationPreset, LatePlay, Order, SupplyDraft
from tests.e2e.test_clerks_day import log_in
from tests.inventory import factories as stock
from tests.orders.factories import at, line, order

pytestmark = [pytest.mark.browser, pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]


class Clicks:
    """Counts what the clerk presses."""

    def __init__(self):
        self.count = 0

    def __call__(self, target):
        target.click()
        self.count += 1

    def choose(self, target, label):
        """A choice in a list is a click as well."""
        target.select_option(label=label)
        self.count += 1


@pytest.fixture
def late(company):
    """Three late orders of nine teas each; twenty are there, thirty more lie elsewhere."""
    shop = company.accounts["shopify"].shop
    wanted = [order(n, line("TEA", 9), ship_by=at(60), total=Decimal(90 * n)) for n in (1, 2, 3)]
    intake.take_in(shop_id=shop.pk, orders=wanted)
    stock.stock(company.tea, stock.warehouse("BER"), 30)
    CompensationPreset.objects.create(name="10 off", kind="coupon", amount=Decimal(10), fixed_code="SORRY10")
    CompensationLimit.objects.create(group=company.clerk.groups.get(), most=Decimal(50))
    return Order.objects.get(hold_code="short_stock")


def test_a_late_order_is_put_right_in_under_ten_clicks(page, company, late):
    log_in(page)
    click = Clicks()
    click(page.locator("a[href$='/admin/orders/lateorder/']").first)
    click(page.get_by_role("row").filter(has_text=late.number).get_by_role("button", name="Begin a play"))
    expect(page.locator(".yo h1")).to_contain_text("TEA")

    click(page.get_by_role("button", name="Pause the sale on all shops"))
    expect(page.locator("#sale")).to_contain_text("Paused on the shops")
    click(page.get_by_role("button", name="Draft a transfer"))
    expect(page.locator("#goods .yo-state")).to_have_text("To be done")
    draft = SupplyDraft.objects.get()
    assert (draft.quantity, draft.origin.code, draft.destination.code) == (7, "BER", "HAM")
    supply.confirm(draft_id=draft.pk, actor="the warehouse", seen=EVERYTHING)

    click(page.get_by_role("button", name="Serve the ticked first"))
    expect(page.locator("body")).to_contain_text("1 order has its goods.")
    click(page.get_by_role("button", name="Give it"))
    expect(page.locator("#orders")).to_contain_text("SORRY10")
    click(page.get_by_role("button", name="Send to the ticked"))
    expect(page.locator("body")).to_contain_text("3 messages are on their way.")

    click.choose(page.locator("#ending select[name=cause]"), "Supplier late")
    page.fill("#ending input[name=note]", "The truck came a day late.")
    click(page.get_by_role("button", name="Close the play"))
    expect(page.locator(".yo h1 .yo-state")).to_have_text("Closed")

    assert click.count < 10
    play = LatePlay.objects.get()
    assert (play.state, play.cause.code, play.orders.count()) == ("closed", "supplier_late", 3)
    assert set(Order.objects.values_list("state", flat=True)) == {"approved"}
    assert Compensation.objects.filter(state="given", code="SORRY10").count() == 3
    assert OutgoingMessage.objects.filter(key__startswith=f"late:{play.pk}:").count() == 3
    standing = StockPolicy.objects.filter(valid_to=None, paused=True)
    assert standing.count() == play.paused
