"""The recipe of a pre-built SKU, on the SKU's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.adminkit import TabularInline
from inventory.models import RecipePart, Sku

if TYPE_CHECKING:
    PartFormSet = BaseInlineFormSet[RecipePart, Sku, Any]
else:
    PartFormSet = BaseInlineFormSet


class RecipeFormSet(PartFormSet):
    """What one piece is built from: stocked SKUs, each once, and never itself."""

    def clean(self) -> None:
        """Refuse what could not be built."""
        super().clean()
        kept = [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        kept = [form for form in kept if form.cleaned_data.get("part")]
        if kept and self.instance.kind != Sku.Kind.STOCKED:
            raise ValidationError(_("Only a stocked SKU is built in advance: a bundle is put together in the parcel."))
        seen: set[int] = set()
        for form in kept:
            part = form.cleaned_data["part"]
            if part.pk == self.instance.pk:
                form.add_error("part", _("It cannot be part of itself."))
            elif part.kind != Sku.Kind.STOCKED:
                form.add_error("part", _("Only stocked SKUs can be parts."))
            if part.pk in seen:
                form.add_error("part", _("This part stands here twice."))
            if (form.cleaned_data.get("quantity") or 0) <= 0:
                form.add_error("quantity", _("More than zero, please."))
            seen.add(part.pk)


class RecipeInline(TabularInline):
    """The parts of one piece; assemblies of the past keep what they took."""

    model = RecipePart
    fk_name = "built"
    formset = RecipeFormSet
    fields = ("part", "quantity")
    autocomplete_fields = ("part",)
    extra = 0
    verbose_name_plural = _("recipe (for a SKU that is built in advance)")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RecipePart]:
        return super().get_queryset(request).select_related("part")
