"""What the form asks while somebody types: goods and prices, earlier buyers, a country's fields, the sums."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, Sum
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.formats import date_format
from django.views.decorators.http import require_POST, require_safe

from backoffice import audit, masking
from backoffice.search import prefix_condition, search_form
from finance import currencies
from inventory import codes
from inventory.access import visible
from inventory.models import Balance, Barcode, ShopWarehouse, Sku
from orders.admin import buyers
from orders.admin.changes import basket_form, entering
from orders.desk import usual_prices
from orders.desk.addresses import country_rules
from orders.desk.baskets import ADDRESS
from orders.models import Order, OrderContact
from orders.search import found as orders_found

MOST = 10
LONGEST = 100


@require_safe
def skus(request: HttpRequest) -> JsonResponse:
    """Find goods by the beginning of their code, a barcode, or a part of their name."""
    entering.demand(request, *entering.MAY_TYPE, "orders.replace_order", "orders.arrange_order")
    typed = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    shop = entering.chosen_shop(request, entering.shops(request))
    if not typed or shop is None:
        return JsonResponse({"rows": []})
    currency = request.GET.get("currency", "").upper()[:3] or shop.currency
    rows = Sku.objects.filter(_like(typed)).select_related("product").order_by("code_key")
    found = list(usual_prices.priced(rows, shop.pk, currency)[:MOST])
    free = _free(shop.pk, [sku.pk for sku in found])
    base = currencies.base_code()
    return JsonResponse({"rows": [_row(sku, currency == base, free.get(sku.pk)) for sku in found]})


def _like(typed: str) -> Q:
    barcodes = Barcode.objects.filter(code=codes.normalise(typed)).values("sku_id")
    condition = prefix_condition(["code_key"], codes.normalise(typed)) | Q(pk__in=barcodes)
    return condition | Q(name__icontains=typed) | Q(name_en__icontains=typed) if len(typed) > 1 else condition


def _row(sku: Any, listed: bool, free: Any) -> dict[str, str]:
    price = sku.last_price if sku.last_price is not None else sku.list_price if listed else None
    return {
        "code": sku.code,
        "title": sku.name or sku.code,
        "price": basket_form.plain(price) if price is not None else "",
        "free": basket_form.plain(free) if free is not None else "0",
    }


def _free(shop_id: int, sku_ids: list[int]) -> dict[int, Any]:
    places = ShopWarehouse.objects.filter(shop=shop_id, valid_to=None).values("warehouse_id")
    rows = Balance.objects.filter(sku__in=sku_ids, warehouse__in=places).order_by().values("sku")
    sums = rows.annotate(hand=Sum("on_hand"), kept=Sum("reserved"))
    return {one["sku"]: one["hand"] - one["kept"] for one in sums}


@require_safe
def buyers_like(request: HttpRequest) -> JsonResponse:
    """Find earlier buyers by number, name, e-mail or phone: masked, for who may uncover them."""
    entering.demand(request, *entering.MAY_TYPE)
    entering.demand(request, buyers.REVEAL)
    term = search_form(request.GET.get("q", "").replace("\0", "")[:LONGEST])
    if len(term) < 2:
        return JsonResponse({"rows": []})
    mine = orders_found(visible(request.user, Order.objects.all()), term, buyers=True)
    rows = mine.select_related("contact").order_by("-placed_at", "-id")[:MOST]
    return JsonResponse({"rows": [_buyer(order) for order in rows]})


def _buyer(order: Order) -> dict[str, Any]:
    contact = getattr(order, "contact", None) or OrderContact(order=order)
    to = contact.shipping or {}
    place = " ".join(str(to.get(name) or "") for name in ("postcode", "city", "country")).strip()
    name = masking.name(contact.buyer_name or str(to.get("name") or ""))
    when = date_format(order.placed_at, "SHORT_DATE_FORMAT")
    return {"order": order.pk, "name": name, "place": place, "told": f"{order.number} · {when}"}


@require_POST
def buyer(request: HttpRequest) -> JsonResponse:
    """Return the buyer of an earlier order in clear, to fill the form; who looked is recorded."""
    entering.demand(request, *entering.MAY_TYPE)
    entering.demand(request, buyers.REVEAL)
    pk = entering.number(request.POST.get("order", ""))
    order = visible(request.user, Order.objects.filter(pk=pk)).select_related("contact").first()
    if order is None or not hasattr(order, "contact"):
        raise Http404
    audit.record(action="order.reveal_buyer", target=order, request=request)
    contact = order.contact
    to = {} if contact.shipping.get("masked") else contact.shipping
    fields = {f"address_{name}": str(to.get(name) or "") for name in ADDRESS}
    return JsonResponse({"buyer_name": contact.buyer_name, "email": contact.email, "phone": contact.phone, **fields})


@require_safe
def country(request: HttpRequest) -> JsonResponse:
    """Say which fields of an address a country needs, and what its postcodes look like."""
    entering.demand(request, *entering.MAY_TYPE)
    code = request.GET.get("code", "").upper()[:2]
    rules = country_rules(code)
    return JsonResponse({"needed": entering.needed_fields(code), "postcode": rules.example if rules else ""})


@require_POST
def preview(request: HttpRequest) -> JsonResponse:
    """Add up what stands on the form so far."""
    entering.demand(request, *entering.MAY_TYPE)
    shop = entering.chosen_shop(request, entering.shops(request))
    if shop is None:
        raise Http404
    typed = basket_form.read(request.POST, shop, address_needed=False)
    titles = {row["code"]: row["title"] for row in typed.rows if "title" in row}
    return JsonResponse({"sums": entering.sums(typed.basket), "errors": typed.errors, "titles": titles})
