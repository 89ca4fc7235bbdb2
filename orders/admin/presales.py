"""The desk of presales: what is offered, how much of it is sold, and letting it go when the goods are here."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy
from unfold.decorators import display

from backoffice import audit, clock
from backoffice.adminkit import Outcome, report_outcomes
from backoffice.keyset import KeysetChangeList
from inventory.access import visible
from inventory.admin.shared import SharedSettingsAdmin
from inventory.models import ExpectedArrival, Shop, StockPolicy
from orders.admin.wording import pieces
from orders.desk import presale
from orders.desk.presale import Told
from orders.models import PresaleOffer

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[PresaleOffer]
else:
    ModelForm = forms.ModelForm
STATES = {"open": "info", "over": "danger", "released": "success", "coming": "default"}


class OfferForm(ModelForm):
    """What is promised; refusals stand on their field."""

    class Meta:
        model = PresaleOffer
        fields = ["sku", "shop", "quantity", "ship_after", "valid_from", "valid_to", "arrival", "note"]
        help_texts = {
            "quantity": _("More than this can be sold; it is marked red, and on each order beyond it."),
            "ship_after": _("Orders wait until then, or until you release them; this is what buyers are promised."),
            "valid_to": _("Orders from then on are sold from stock again. Empty: until it is released."),
            "arrival": _("When it is received, as many orders go on as it brings, the first ones first."),
        }

    def clean(self) -> dict[str, Any]:
        """A presale ends after it begins, and its delivery brings its goods."""
        data: dict[str, Any] = super().clean() or {}
        since, until, after = data.get("valid_from"), data.get("valid_to"), data.get("ship_after")
        if since and until and until <= since:
            self.add_error("valid_to", _now("It would end before it begins."))
        if after and not self.instance.pk and after <= clock.now():
            self.add_error("ship_after", _now("This day is over already."))
        arrival, sku = data.get("arrival"), data.get("sku")
        if arrival is not None and sku is not None and arrival.sku_id != sku.pk:
            self.add_error("arrival", _now("This delivery brings other goods."))
        self._one_open(data)
        return data

    def _one_open(self, data: dict[str, Any]) -> None:
        """The database refuses a second open presale of the same goods; here it is said in words."""
        rows = PresaleOffer.objects.filter(released_at__isnull=True, sku=data.get("sku"), shop=data.get("shop"))
        if data.get("sku") is not None and rows.exclude(pk=self.instance.pk).exists():
            raise ValidationError(_now("There is an open presale of these goods already; release it first."))


class OfferChangeList(KeysetChangeList):
    """Reads what was sold of all offers on the page together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = cast(list[Any], self.result_list)
        told = presale.told_of([one.pk for one in rows])
        shown = _shown([one.sku_id for one in rows])
        for one in rows:
            one.told = told.get(one.pk, Told())
            one.shown = shown.get((one.shop_id, one.sku_id), shown.get((None, one.sku_id)))


def _shown(sku_ids: list[int]) -> dict[tuple[int | None, int], Any]:
    """What the shops' policies add as presale: only through these may a shop show more than there is."""
    rows = StockPolicy.objects.filter(sku_id__in=sku_ids, valid_to__isnull=True)
    return {(shop, sku): figure for shop, sku, figure in rows.values_list("shop_id", "sku_id", "presale")}


class OpenFilter(admin.SimpleListFilter):
    """Open ones, or those that ended."""

    title = _("state")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", pgettext_lazy("presale", "open")), ("no", _("released"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PresaleOffer]) -> QuerySet[PresaleOffer]:
        if self.value() in ("yes", "no"):
            return queryset.filter(released_at__isnull=self.value() == "yes")
        return queryset


@admin.register(PresaleOffer)
class PresaleOfferAdmin(SharedSettingsAdmin):
    """Presales."""

    form = OfferForm
    empty_note = _(
        "No presale yet. Offer goods that are still to come: their orders wait by themselves until the day, and leave "
        "in the order in which they came."
    )
    list_display = ("goods", "shop_shown", "state_label", "sold_shown", "ship_after", "valid", "policy_shown")
    list_display_links = ("goods",)
    list_filter = (OpenFilter,)
    list_select_related = ("sku", "shop")
    autocomplete_fields = ("sku",)
    ordering = ("-id",)
    actions = ("release",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PresaleOffer]:
        return visible(request.user, super().get_queryset(request))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return OfferChangeList

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was released is history."""
        return super().has_change_permission(request, obj) and (obj is None or obj.released_at is None)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whose goods and which shop stays: lines were sold under it."""
        return ("sku", "shop") if obj is not None else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only shops and deliveries the person sees."""
        if db_field.name == "shop":
            kwargs["queryset"] = visible(request.user, Shop.objects.all())
        if db_field.name == "arrival":
            coming = ExpectedArrival.objects.filter(state=ExpectedArrival.State.EXPECTED).select_related("sku")
            kwargs["queryset"] = visible(request.user, coming).order_by("expected_on")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: PresaleOffer, form: Any, change: bool) -> None:
        obj.created_by = obj.created_by or audit.current_actor().name[:150]
        super().save_model(request, obj, form, change)
        after = {
            "sku": obj.sku.code, "shop": obj.shop_id, "quantity": obj.quantity,
            "ship_after": obj.ship_after.isoformat(), "valid_to": obj.valid_to.isoformat() if obj.valid_to else "",
        }  # fmt: skip
        audit.record(action="presale.save", target=obj, request=request, after=after, summary=str(obj)[:300])

    # --- columns -----------------------------------------------------------------------------------------------------

    @display(description=_("goods"), header=True)
    def goods(self, row: PresaleOffer) -> list[str]:
        """Code and note."""
        return [row.sku.code, row.note or row.sku.name]

    @admin.display(description=_("shop"))
    def shop_shown(self, row: PresaleOffer) -> str:
        """One, or all."""
        return row.shop.name if row.shop else _now("all shops")

    @display(description=_("state"), label=STATES)
    def state_label(self, row: PresaleOffer) -> tuple[str, str]:
        """Open, sold over, released."""
        now: dt.datetime = clock.now()
        if row.released_at is not None:
            return "released", _now("released")
        if self._told(row).sold > row.quantity:
            return "over", _now("more sold than promised")
        if row.valid_from > now:
            return "coming", _now("begins later")
        return "open", _now("sold out") if self._told(row).sold == row.quantity else pgettext("presale", "open")

    @admin.display(description=_("sold / promised"))
    def sold_shown(self, row: PresaleOffer) -> str:
        """Red beyond what was promised."""
        told = self._told(row)
        text = f"{pieces(told.sold)} / {row.quantity}"
        if told.sold > row.quantity:
            return format_html('<strong class="text-red-600">{}</strong>', text)
        return text

    @admin.display(description=_("sold until"))
    def valid(self, row: PresaleOffer) -> dt.datetime | None:
        """The last moment."""
        return row.valid_to

    @admin.display(description=_("shown in the shops on top"))
    def policy_shown(self, row: PresaleOffer) -> str:
        """What the stock policy adds; a released presale must add nothing."""
        figure = getattr(row, "shown", None)
        if not figure:
            return _now("nothing: set “presale” in the stock policy") if row.released_at is None else ""
        if row.released_at is not None:
            return format_html('<strong class="text-red-600">{}</strong>', _now("%s still!") % pieces(figure))
        return pieces(figure)

    def _told(self, row: PresaleOffer) -> Told:
        return getattr(row, "told", None) or presale.told_of([row.pk]).get(row.pk, Told())

    # --- many at once ------------------------------------------------------------------------------------------------

    @admin.action(description=_("Release: the goods may leave now"), permissions=["change"])
    def release(self, request: HttpRequest, queryset: QuerySet[PresaleOffer]) -> None:
        """Let all their orders go on, those placed first first."""
        outcomes = []
        for offer in queryset:
            if not self.reaches(request, offer):
                outcomes.append(Outcome(str(offer), _now("It is for all shops: whoever sees all of them changes it.")))
                continue
            if offer.released_at is not None:
                outcomes.append(Outcome(str(offer), _now("It was released already.")))
                continue
            told = presale.release_offer(offer_id=offer.pk, actor=audit.current_actor().name)
            left = [one.message for one in told if not one.ok]
            outcomes.append(Outcome(str(offer)))
            outcomes += [Outcome(str(offer), text) for text in left]
        report_outcomes(request, outcomes, _now("Presales released: %(count)d."))
