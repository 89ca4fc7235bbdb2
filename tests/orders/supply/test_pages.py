"""The pages of purchasing, as a buyer, a manager and a warehouse clerk press their buttons."""

import io

import openpyxl
import pytest
from django.urls import reverse

from inventory.models import Access, Balance
from orders.models import PurchaseLimit, PurchaseOrder, ReplenishRow, SupplierReturn
from orders.supply import limits, papers
from tests.inventory import factories as stock
from tests.orders.supply.conftest import D

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(people, buyer):
    """Clients of the roles, each seeing the buyer's warehouse only."""

    def client(role):
        access, _made = Access.objects.get_or_create(user=people[role])
        access.warehouses.add(buyer.place)
        return people.client(role)

    PurchaseLimit.objects.update_or_create(role="buyer", defaults={"amount": D(100)})
    return client


def url(name, *arguments):
    return reverse(f"admin:orders_purchaseorder_{name}", args=arguments)


def press(client, order, do, **fields):
    return client.post(url("do", order.pk), {"do": do, **fields}, follow=True)


def said(answer) -> str:
    return " ".join(str(one) for one in answer.context["messages"])


def test_from_the_form_to_the_shelf(desk, buyer):
    clerk, boss, packer = desk("buyer"), desk("ops_admin"), desk("warehouse_clerk")
    form = {"supplier": buyer.supplier.pk, "warehouse": buyer.place.pk, "lines": "MUG\t24\nCUP, 10, 1.95", "once": "a"}
    assert "Drafted as PO-00001" in said(clerk.post(url("new"), form, follow=True))
    clerk.post(url("new"), form)
    order = PurchaseOrder.objects.get()
    assert order.total == D("115.5")
    assert "waits for somebody" in said(press(clerk, order, "order", revision=1))
    assert "“Approve”" not in (page := clerk.get(url("change", order.pk)).content.decode())
    assert "somebody else approves it" in page
    assert "You handed this order in yourself" in said(press(clerk, order, "approve", revision=1))
    assert "Approved and ordered" in said(press(boss, order, "approve", revision=1))
    mug = order.lines.get(sku=buyer.mug)
    counts = {f"accepted_{mug.pk}": "20", f"damaged_{mug.pk}": "4", f"seen_{mug.pk}": "0", "slip": "D1", "once": "r"}
    assert packer.get(url("receive", order.pk)).status_code == 200
    assert "on the shelf" in said(packer.post(url("receive", order.pk), counts, follow=True))
    packer.post(url("receive", order.pk), counts)
    assert Balance.objects.get(sku=buyer.mug, warehouse=buyer.place).on_hand == 20
    back = {f"apart_{mug.pk}": "4", "reason": "broken", "once": "b"}
    assert "PO-00001-R1" in said(press(packer, order, "back", **back))
    press(packer, order, "back", **back)
    assert SupplierReturn.objects.count() == 1
    asked = {f"asked_{mug.pk}": "24", f"price_{mug.pk}": "4", "number": "F-1"}
    assert "compared" in said(press(clerk, order, "invoice", **asked))
    assert "The invoice differs" in clerk.get(url("change", order.pk)).content.decode()


def test_prices_are_for_who_may_see_them(desk, buyer):
    order = buyer.ordered((buyer.mug, 24, "4.37"))
    packer, clerk = desk("warehouse_clerk"), desk("buyer")
    for path in (url("change", order.pk), url("changelist"), url("receive", order.pk)):
        text = packer.get(path).content.decode()
        assert "4.37" not in text
        assert "104.88" not in text
    assert "104.88" in clerk.get(url("change", order.pk)).content.decode()
    assert packer.get(url("pdf", order.pk)).status_code == 403
    sheets = [
        openpyxl.load_workbook(io.BytesIO(b"".join(one.get(url("xlsx", order.pk)).streaming_content))).active
        for one in (packer, clerk)
    ]
    assert [sheet.max_column for sheet in sheets] == [7, 9]
    assert [cell.value for cell in sheets[1][2]][:4] == ["MUG", "M-001", "MUG", 24]


def test_orders_of_other_warehouses_are_not_there(desk, buyer):
    other = buyer.ordered(warehouse_id=stock.warehouse("SH").pk)
    clerk = desk("buyer")
    for name in ("change", "receive", "pdf", "xlsx", "edit"):
        assert clerk.get(url(name, other.pk)).status_code in (302, 404)
    assert clerk.post(url("do", other.pk), {"do": "cancel", "reason": "x"}).status_code == 404
    assert other.number not in clerk.get(url("changelist")).content.decode()
    other.refresh_from_db()
    assert other.state == "ordered"


@pytest.mark.parametrize("lines", ["NOPE, 3", "MUG, x", "MUG, 0", "", "MUG, 1e99", "MUG\0, 3, -1"])
def test_what_cannot_be_read_is_told_and_kept_in_the_form(desk, buyer, lines):
    form = {"supplier": buyer.supplier.pk, "warehouse": buyer.place.pk, "lines": lines}
    answer = desk("buyer").post(url("new"), form)
    assert answer.status_code == 200
    assert said(answer)
    assert PurchaseOrder.objects.count() == 0


def test_a_draft_is_changed_on_its_form(desk, buyer):
    order, clerk = buyer.draft(), desk("buyer")
    assert "MUG, 24, 4" in clerk.get(url("edit", order.pk)).content.decode()
    form = {"warehouse": buyer.place.pk, "lines": "CUP, 7", "revision": 1, "expected_on": ""}
    clerk.post(url("edit", order.pk), form)
    order.refresh_from_db()
    assert (order.total, order.revision) == (14, 2)
    assert "Somebody has changed" in said(clerk.post(url("edit", order.pk), form))


def test_a_person_of_his_own_limit(people, buyer):
    PurchaseLimit.objects.update_or_create(role="buyer", defaults={"amount": D(100)})
    assert limits.limit_of(people["buyer"]) == 100
    PurchaseLimit.objects.create(person=people["buyer"], amount=D(7))
    assert limits.limit_of(people["buyer"]) == 7
    assert limits.limit_of(people["ops_admin"]) is None
    assert limits.limit_of(people["warehouse_clerk"]) == 0


def test_the_papers_say_what_the_supplier_needs_in_chinese(buyer):
    order = buyer.ordered((buyer.mug, 24))
    told = [text for _page, text in papers.order_sheet(order).said]
    assert any("采购单" in text for text in told)
    assert {"青岚陶瓷厂", "M-001", "24", "96.00"} <= set(told)
    assert papers.order_sheet(order).content().startswith(b"%PDF")


def test_suggestions_from_calculating_to_the_draft(desk, buyer):
    clerk = desk("buyer")
    page = reverse("admin:orders_replenishrow_calculate")
    assert clerk.get(page).status_code == 200
    assert not ReplenishRow.objects.exists()  # a look starts nothing
    clerk.post(page)
    row = ReplenishRow.objects.get(sku=buyer.mug)
    ReplenishRow.objects.filter(pk=row.pk).update(
        verdict="order", quantity=24, price=4, supplier=buyer.supplier, warehouse=buyer.place, mean=2, chance=0.31
    )
    listed = reverse("admin:orders_replenishrow_changelist")
    assert "31%" in clerk.get(listed).content.decode()
    why = clerk.get(reverse("admin:orders_replenishrow_change", args=[row.pk])).content.decode()
    assert "order 24 to come up to" in why
    answer = clerk.post(listed, {"action": "draft", "_selected_action": [row.pk]}, follow=True)
    assert "1 purchase order drafted: PO-00001" in said(answer)
    assert PurchaseOrder.objects.get().source == "replenish"
    book = openpyxl.load_workbook(
        io.BytesIO(b"".join(clerk.get(reverse("admin:orders_replenishrow_export_xlsx")).streaming_content))
    )
    assert book.active.max_row == 3


def test_the_late_play_drafts_a_purchase_order(buyer):
    from inventory.access import EVERYTHING
    from orders.late import supply
    from orders.late.errors import LateError
    from orders.supply import ordering
    from tests.orders.supply.conftest import LI

    wish = supply.Wish(kind="purchase", sku_id=buyer.mug.pk, quantity="24", destination_id=buyer.place.pk)
    made = supply.draft(wish=wish, actor=LI, once="x", seen=EVERYTHING)
    assert supply.draft(wish=wish, actor=LI, once="x", seen=EVERYTHING).pk == made.pk
    order = PurchaseOrder.objects.get()
    assert (made.purchase, order.source, order.total, made.supplier) == (order, "late", 96, "PO-00001 青岚陶瓷厂")
    with pytest.raises(LateError, match="This is purchase order PO-00001"):
        supply.confirm(draft_id=made.pk, actor=LI, seen=EVERYTHING)
    ordering.hand_in(order_id=order.pk, actor=LI, limit=None)
    made.refresh_from_db()
    assert made.state == "confirmed"


def test_a_dropped_wish_of_the_late_play_drops_its_purchase_order(buyer):
    from inventory.access import EVERYTHING
    from orders.late import supply
    from tests.orders.supply.conftest import LI

    wish = supply.Wish(kind="purchase", sku_id=buyer.mug.pk, quantity="24", destination_id=buyer.place.pk)
    made = supply.draft(wish=wish, actor=LI, once="x", seen=EVERYTHING)
    assert supply.cancel(draft_id=made.pk, actor=LI, seen=EVERYTHING).state == "cancelled"
    assert PurchaseOrder.objects.get().state == "cancelled"
