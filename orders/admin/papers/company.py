"""Who we are on papers, how each shop wants its papers, where warehouses send from, and the invoices written."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.decorators import display

from backoffice import audit, clock
from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from backoffice.errors import YikuError
from backoffice.papers.sheet import Sheet
from finance.admin.figures import money
from inventory.access import visible
from inventory.models import Shop, Warehouse
from orders.admin.papers import kit
from orders.fulfil.papers import facts, gather, label, priced, slip
from orders.models import Company, Invoice, SenderAddress, ShopPapers

PREVIEWS = {"slip": _("Packing slip"), "small": _("Packing slip, 100 × 150 mm"), "invoice": _("Invoice"),
            "label": _("Shipping label")}  # fmt: skip


@admin.register(Company)
class CompanyAdmin(YikuModelAdmin):
    """One row: the list leads to it."""

    fields = (
        "name", "name_en", "address", "tax_id", "phone", "email", "bank", "logo_text", "language", "invoice_prefix",
        "invoice_note", "keep_on_invoices", "erase_after_months", "previews", "updated_at", "updated_by",
    )  # fmt: skip
    readonly_fields = ("previews", "updated_at", "updated_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one already."""
        return False

    def get_urls(self) -> list[Any]:
        own = path("preview/<str:kind>/", self.admin_site.admin_view(preview), name="orders_company_preview")
        return [own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        kit.demand(request, "orders.view_company")
        if request.GET:
            raise DisallowedModelAdminLookup("Nothing can be asked of one row.")
        return HttpResponseRedirect(reverse("admin:orders_company_change", args=[1]))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Company | None:
        """The row is written when somebody fills it in; until then its page is empty."""
        found: Company | None = super().get_object(request, object_id, from_field)
        return Company(pk=1) if found is None and object_id == "1" else found

    @admin.display(description=_("preview"))
    def previews(self, row: Company) -> str:
        """A sample of each paper."""
        links = ((reverse("admin:orders_company_preview", args=[kind]), label) for kind, label in PREVIEWS.items())
        made = format_html_join(" · ", '<a class="underline" href="{}" target="_blank" rel="noopener">{}</a>', links)
        return format_html("{}", made)

    def save_model(self, request: HttpRequest, obj: Company, form: Any, change: bool) -> None:
        obj.updated_at, obj.updated_by = clock.now(), request.user.get_username()
        before = {name: form.initial.get(name, "") for name in form.changed_data}
        super().save_model(request, obj, form, change)
        after = {name: getattr(obj, name) for name in form.changed_data}
        audit.record(action="company.change", target=obj, before=before, after=after)


@require_safe
def preview(request: HttpRequest, kind: str) -> HttpResponse:
    """A paper with made-up goods and our own data."""
    kit.demand(request, "orders.view_company")
    if kind not in PREVIEWS:
        raise Http404
    try:
        sheet = Sheet(title="preview")
    except YikuError as error:
        return HttpResponse(str(error), content_type="text/plain; charset=utf-8", status=503)
    company = gather.company()
    _sample(sheet, kind, gather.company_facts(company), company.language)
    return kit.pdf(sheet.content(), f"preview-{kind}.pdf")


def _sample(sheet: Sheet, kind: str, company: facts.CompanyFacts, language: str) -> None:
    to = facts.AddressFacts(
        name="王小明 Wang Xiaoming", phone="138 0000 0000", line1="建国路 88 号 3 号楼 1204 室", city="北京市",
        region="朝阳区", postcode="100022", country="CN",
    )  # fmt: skip
    lines = [
        facts.PaperLine(sku="CUP-01", title="陶瓷茶杯 Cup", quantity=Decimal(2), unit_price=Decimal("39.90"),
                        total=Decimal("79.80")),
        facts.PaperLine(sku="TEA-100", title="绿茶 100 克 Green tea", quantity=Decimal(1), unit_price=Decimal("58"),
                        total=Decimal("58.00")),
    ]  # fmt: skip
    today = clock.now()
    if kind in ("slip", "small"):
        slip.draw(sheet, facts.SlipFacts(
            number="SAMPLE-1001", shop="示例店铺 Sample shop", placed_at=today, recipient=to, lines=lines,
            company=company, language=language, small=kind == "small",
        ))  # fmt: skip
    elif kind == "label":
        label.draw(sheet, facts.LabelFacts(
            carrier="示例快递 Sample", service="标准 Standard", number="SAMPLE0000000001", recipient=to,
            sender=facts.AddressFacts(name=company.name, phone=company.phone, line1=company.address),
            reference="SAMPLE-1001", weight_g=850, route="CN-100", note="易碎 Fragile", printed_at=today,
            language=language,
        ))  # fmt: skip
    else:
        priced.draw_invoice(sheet, _sample_invoice(company, to, lines, today.date(), language))


def _sample_invoice(
    company: facts.CompanyFacts, to: facts.AddressFacts, lines: list[facts.PaperLine], day: dt.date, language: str
) -> facts.InvoiceFacts:
    own = gather.company()
    return facts.InvoiceFacts(
        text=f"{own.invoice_prefix}{day.year}-000000", issued_on=day, order="SAMPLE-1001", ordered_on=day,
        company=company, customer=to, lines=lines, currency="CNY", goods=Decimal("137.80"), discount=Decimal(0),
        shipping=Decimal(10), fees=Decimal(0), tax=Decimal("17.00"), total=Decimal("147.80"), taxes_included=True,
        taxes=[("13 %", Decimal("130.80"), Decimal("17.00"))], note=own.invoice_note, language=language,
    )  # fmt: skip


class _SightAdmin(YikuModelAdmin):
    """Rows of the person's shops or warehouses; what is chosen too."""

    ordering = ("-id",)
    deletable = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(kit.me(request), super().get_queryset(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only those the person sees."""
        if db_field.name == "shop":
            kwargs["queryset"] = visible(kit.me(request), Shop.objects.all())
        if db_field.name == "warehouse":
            kwargs["queryset"] = visible(kit.me(request), Warehouse.objects.all())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(ShopPapers)
class ShopPapersAdmin(_SightAdmin):
    """Language and size by shop."""

    empty_note = _("None yet: papers of all shops are A4, in the company's language. Add a shop that differs.")
    list_display = ("shop", "language", "slip_size", "slip_note")
    list_select_related = ("shop",)
    fields = ("shop", "language", "slip_size", "slip_note")


@admin.register(SenderAddress)
class SenderAddressAdmin(_SightAdmin):
    """Senders by warehouse."""

    empty_note = _("None yet. Labels need to know where a warehouse's parcels come from.")
    list_display = ("warehouse", "name", "city", "country", "phone")
    list_select_related = ("warehouse",)
    fields = (
        "warehouse", "name", "company", "phone", "line1", "line2", "city", "region", "postcode", "country",
    )  # fmt: skip


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyMixin, YikuModelAdmin):
    """The invoices written; each stays as it was issued."""

    empty_note = _("No invoice yet. Write one on the page of an order, or for many in the list of orders.")
    list_display = ("text", "order_link", "total_shown", "issued_at", "issued_by")
    list_display_links = ("text",)
    list_select_related = ("order",)
    ordering = ("-id",)
    fields = readonly_fields = ("text", "order_link", "total_shown", "issued_at", "issued_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invoice]:
        return visible(kit.me(request), super().get_queryset(request))

    @admin.display(description=_("order"))
    def order_link(self, row: Invoice) -> str:
        """The order's page."""
        return format_html('<a class="underline" href="{}">{}</a>', kit.order_url(row.order_id), row.order.number)

    @display(description=_("total"))
    def total_shown(self, row: Invoice) -> str:
        """As issued."""
        return money(Decimal(row.facts["total"]), row.facts["currency"])
