"""Quotes: their list, the form, the sheet for the customer, and the step to an order."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST, require_safe
from unfold.decorators import action, display

from backoffice import audit, clock, masking
from backoffice.adminkit import YikuModelAdmin
from backoffice.errors import YikuError
from backoffice.spreadsheets.writing import Out, write_xlsx
from finance import currencies
from finance.admin.figures import money
from inventory.access import visible
from inventory.models import Shop
from orders.admin import buyers
from orders.admin.changes import basket_form, entering
from orders.admin.filters import ShopFilter
from orders.admin.papers import kit as papers
from orders.desk import baskets, quotes
from orders.fulfil.papers import printing, quoting, single
from orders.models import Quote

LIST, CHANGE = "admin:orders_quote_changelist", "admin:orders_quote_change"
USUAL_DAYS = 14
MOST_ROWS = 20_000
LABELS = {"draft": "default", "sent": "info", "accepted": "success", "refused": "danger", "expired": "warning"}
COLUMNS = (
    Out(_("number"), width=18), Out(_("shop"), width=20), Out(_("state"), width=12),
    Out(pgettext_lazy("offer", "valid until"), "date", 14),
    Out(_("customer"), width=24), Out(_("SKU"), width=18), Out(_("goods"), width=30), Out(_("quantity"), "number", 10),
    Out(_("unit price"), "money", 12), Out(_("line total"), "money", 12), Out(_("total"), "money", 12),
    Out(_("currency"), width=10),
)  # fmt: skip


@admin.register(Quote)
class QuoteAdmin(YikuModelAdmin):
    """Offers to customers."""

    empty_note = _("No quotes yet. “+” makes one on the same form as an order.")
    list_display = ("number", "state_label", "customer", "total_shown", "valid_until", "order_number", "shop_name")
    list_display_links = ("number",)
    list_filter = (("state", admin.ChoicesFieldListFilter), ShopFilter)
    list_select_related = ("shop", "order")
    ordering = ("-id",)
    prefix_search = ("number",)
    search_help_text = _("Quote number: type the beginning")
    actions_list = ("export",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Quote]:
        return visible(request.user, super().get_queryset(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Quote], search_term: str
    ) -> tuple[QuerySet[Quote], bool]:
        """Numbers are short and few; they are found however they are spelled."""
        term = search_term.replace("\0", "").strip()[:100]
        return (queryset.filter(number__icontains=term) if term else queryset), False

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("xlsx/", wrap(export), name="orders_quote_xlsx"),
            path("<int:pk>/do/", wrap(act), name="orders_quote_do"),
            path("<int:pk>/print/", wrap(printed), name="orders_quote_print"),
            path("<int:pk>/pdf/", wrap(as_pdf), name="orders_quote_pdf"),
            path("<int:pk>/order/", wrap(to_order), name="orders_quote_order"),
        ]
        return [*own, *super().get_urls()]

    @action(description=_("Excel"), icon="download", permissions=["view"])
    def export(self, request: HttpRequest) -> HttpResponse:
        """All lines as a workbook."""
        return HttpResponseRedirect(reverse("admin:orders_quote_xlsx"))

    @display(description=_("state"), label=LABELS)
    def state_label(self, quote: Quote) -> tuple[str, str]:
        """As a badge."""
        return quote.state, quote.get_state_display()

    @admin.display(description=_("customer"))
    def customer(self, quote: Quote) -> str:
        """Masked."""
        return masking.name(str(quote.basket.get("buyer_name") or ""))

    @admin.display(description=_("total"))
    def total_shown(self, quote: Quote) -> str:
        """In the quote's currency."""
        return money(quote.total, quote.currency)

    @admin.display(description=_("order"))
    def order_number(self, quote: Quote) -> str:
        """What it became."""
        return quote.order.number if quote.order else ""

    @admin.display(description=_("shop"))
    def shop_name(self, quote: Quote) -> str:
        """The shop's name."""
        return quote.shop.name

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make a quote."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        found = entering.shops(request)
        shop = entering.chosen_shop(request, found)
        if shop is None:
            messages.warning(request, _now("You see no shop yet: ask the owner for access to one."))
            return HttpResponseRedirect(reverse(LIST))
        return _form(request, shop, None, shops=found)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The form while it may change, else the sheet."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        quote = self.get_object(request, object_id)
        if quote is None:
            raise Http404
        may = self.has_change_permission(request) and buyers.may_reveal(request)
        if not may or quote.state == Quote.State.ACCEPTED:
            return _sheet(request, quote)
        return _form(request, quote.shop, quote)


def _form(request: HttpRequest, shop: Shop, quote: Quote | None, **more: Any) -> HttpResponse:
    """Show or take the form of a quote; the address may still be missing."""
    today = timezone.localdate(clock.now())
    if request.method == "POST":
        typed = basket_form.read(request.POST, shop, address_needed=False)
        until = _day(request.POST.get("valid_until", ""))
        if until is None or until < today:
            typed.errors["valid_until"] = _now("Choose today or a later day.")
        elif typed.basket is not None:
            try:
                return _saved(request, shop, quote, typed.basket, until)
            except YikuError as error:
                entering.refused(typed, error)
    elif quote is not None:
        basket = quotes.basket_of(quote)
        audit.record(action="quote.reveal_buyer", target=quote, request=request)
        typed = entering.with_basket(basket_form.fill(basket), basket)
    else:
        typed = basket_form.empty(shop)
    default = quote.valid_until if quote else today + dt.timedelta(days=USUAL_DAYS)
    return entering.page(
        request, typed, shop, title=_now("Quote %s") % quote.number if quote else _now("New quote"), kind="quote",
        quote=quote, seen=request.POST.get("seen", quote.revision if quote else ""), today=today.isoformat(),
        valid_until=request.POST.get("valid_until") or default.isoformat(),
        customer_text=request.POST.get("text", quote.text if quote else ""),
        can=_can(request, quote), **more,
    )  # fmt: skip


def _saved(
    request: HttpRequest, shop: Shop, quote: Quote | None, basket: baskets.Basket, until: dt.date
) -> HttpResponse:
    who, text = audit.current_actor().name, entering.text(request, "text", 5000)
    if quote is None:
        quote = quotes.make(
            shop_id=shop.pk, basket=basket, valid_until=until, text=text, key=entering.once(request), actor=who
        )
    else:
        seen = entering.number(request.POST.get("seen", ""))
        quote = quotes.change(
            quote_id=quote.pk, basket=basket, valid_until=until, text=text, seen_revision=seen, actor=who
        )
    messages.success(request, _now("Quote %s is kept.") % quote.number)
    return HttpResponseRedirect(reverse(CHANGE, args=[quote.pk]))


def _day(text: str) -> dt.date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _can(request: HttpRequest, quote: Quote | None) -> dict[str, bool]:
    if quote is None:
        return {}
    open_now = quote.state in quotes.OPEN
    change = request.user.has_perm("orders.change_quote")
    return {
        "order": open_now and request.user.has_perm("orders.add_ownorder"),
        "send": change and quote.state == Quote.State.DRAFT,
        "refuse": change and open_now,
        "copy": request.user.has_perm("orders.add_quote"),
    }


def _quote(request: HttpRequest, pk: int) -> Quote:
    entering.demand(request, "orders.view_quote")
    quote = visible(request.user, Quote.objects.filter(pk=pk)).select_related("shop", "order").first()
    if quote is None:
        raise Http404
    return quote


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark it sent or refused, or copy it."""
    quote, who, do = _quote(request, pk), audit.current_actor().name, request.POST.get("do")
    entering.demand(request, "orders.add_quote" if do == "copy" else "orders.change_quote")
    try:
        if do == "copy":
            until = timezone.localdate(clock.now()) + dt.timedelta(days=USUAL_DAYS)
            quote = quotes.duplicate(quote_id=pk, valid_until=until, key=entering.once(request), actor=who)
            messages.success(request, _now("Quote %s is a copy.") % quote.number)
        elif do in (Quote.State.SENT, Quote.State.REFUSED):
            quote = quotes.mark(quote_id=pk, state=str(do), actor=who)
            messages.success(request, _now("Quote %(number)s is “%(state)s” now.") % {
                "number": quote.number, "state": quote.get_state_display()
            })  # fmt: skip
        else:
            raise Http404
    except YikuError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(reverse(CHANGE, args=[quote.pk]))


def to_order(request: HttpRequest, pk: int) -> HttpResponse:
    """Show which usual prices have changed since, then make the order, once."""
    quote = _quote(request, pk)
    entering.demand(request, "orders.add_ownorder")
    if request.method == "POST":
        try:
            taken = quotes.order(quote_id=pk, actor=audit.current_actor().name)
        except YikuError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse(CHANGE, args=[pk]))
        messages.success(request, _now("Quote %(quote)s is order %(order)s now.") % {
            "quote": quote.number, "order": taken.number
        })  # fmt: skip
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[taken.order_id]))
    changes = [
        {
            "row": one, "quoted": money(one.quoted, quote.currency), "now": money(one.now, quote.currency),
            "then": money(one.then, quote.currency) if one.then is not None else "–",
        }
        for one in quotes.price_changes(quote)
    ]  # fmt: skip
    context = {
        **admin.site.each_context(request), "title": _now("Make quote %s an order") % quote.number, "quote": quote,
        "changes": changes, "total": money(quote.total, quote.currency),
    }  # fmt: skip
    return TemplateResponse(request, "admin/orders/changes/quote_order.html", context)


def _sheet(request: HttpRequest, quote: Quote) -> HttpResponse:
    context = {
        **admin.site.each_context(request), **_content(quote, clear=False), "title": _now("Quote %s") % quote.number,
        "can": _can(request, quote),
    }  # fmt: skip
    return TemplateResponse(request, "admin/orders/changes/quote.html", context)


@require_safe
def printed(request: HttpRequest, pk: int) -> HttpResponse:
    """The sheet for the customer, for the browser's printer."""
    quote, clear = _quote(request, pk), buyers.may_reveal(request)
    if clear:
        audit.record(action="quote.reveal_buyer", target=quote, request=request)
    return TemplateResponse(request, "admin/orders/changes/quote_print.html", _content(quote, clear=clear))


@require_safe
def as_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The quote as a file, in the language of the shop's papers; on the record."""
    quote, clear = _quote(request, pk), buyers.may_reveal(request)
    content = _content(quote, clear=clear)
    try:
        file = single.quote_pdf(quoting.facts_of(quote, name=content["name"], address=content["address"]))
    except YikuError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse(CHANGE, args=[pk]))
    if clear:
        audit.record(action="quote.reveal_buyer", target=quote, request=request)
    printing.note_single(target=quote, paper="quote", actor=audit.current_actor().name, summary=quote.number)
    return papers.pdf(file, f"quote-{quote.pk}.pdf")


def _content(quote: Quote, *, clear: bool) -> dict[str, Any]:
    """What the sheet says; the customer in clear only on paper, for who may uncover buyers."""
    basket = quotes.basket_of(quote)
    found = baskets.totals(basket, currencies.places(basket.currency))
    rows = [
        {
            "line": line, "quantity": basket_form.plain(line.quantity), "price": money(line.unit_price, quote.currency),
            "discount": money(line.discount, quote.currency) if line.discount else "",
            "total": money(gross - line.discount, quote.currency),
        }
        for line, (gross, *_rest) in zip(basket.lines, found.lines, strict=True)
    ]  # fmt: skip
    name = basket.buyer_name if clear else masking.name(basket.buyer_name)
    address = buyers.address(dict(basket.address), clear=clear)
    return {
        "quote": quote, "basket": basket, "rows": rows, "sums": entering.sums(basket), "name": name, "address": address
    }  # fmt: skip


@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """All quotes the person sees as a workbook, a line each; customers masked."""
    entering.demand(request, "orders.view_quote")
    rows = visible(request.user, Quote.objects.all()).select_related("shop").order_by("-id")[:MOST_ROWS]
    file = tempfile.SpooledTemporaryFile(2_000_000)  # noqa: SIM115 — the response closes it
    write_xlsx(file, COLUMNS, _lines(rows), name=_now("Quotes"))
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename="quotes.xlsx")


def _lines(rows: QuerySet[Quote]) -> Iterator[tuple[Any, ...]]:
    places = currencies.places_by_code()
    for quote in rows:
        basket = quotes.basket_of(quote)
        name = masking.name(basket.buyer_name)
        head = (quote.number, quote.shop.name, str(quote.get_state_display()), quote.valid_until, name)
        found = baskets.totals(basket, places.get(quote.currency, 2))
        for line, (gross, *_rest) in zip(basket.lines, found.lines, strict=True):
            amount: Decimal = gross - line.discount
            yield (*head, line.code, line.title, line.quantity, line.unit_price, amount, quote.total, quote.currency)
