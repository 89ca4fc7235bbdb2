"""What the builder sends, checked: each mistake with the group and the row it stands in."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from inventory.models import Product, Shop
from orders.desk.rules import conditions, deeds
from orders.desk.rules.conditions import Problem, Unusable
from orders.desk.rules.words import countries
from orders.models import Rule

MOST_TEXT = 200_000
DEED_GROUP = -1  # where the page shows what is wrong with what a rule does


class RuleForm(forms.Form):
    """One rule. `problems` holds what is wrong with its rows after `is_valid`."""

    name = forms.CharField(label=_("Name"), max_length=100)
    place = forms.IntegerField(
        label=pgettext_lazy("order of trial", "Place"),
        min_value=1,
        max_value=9999,
        initial=100,
        help_text=_("Rules are tried from the lowest up."),
    )
    enabled = forms.BooleanField(label=_("On"), required=False, initial=True)
    dry = forms.BooleanField(label=_("Only try it out: note what it would do, do nothing"), required=False)
    stop = forms.BooleanField(label=_("Try no rule after it when it matches"), required=False)
    since = forms.DateTimeField(label=_("Valid from"), required=False)
    until = forms.DateTimeField(label=_("Valid until"), required=False)
    shops = forms.MultipleChoiceField(label=_("Only these shops"), required=False)
    countries = forms.CharField(
        label=_("Only these countries"), required=False, max_length=2000,
        help_text=_("Two letters each, separated by commas. Empty: all."),
    )  # fmt: skip
    categories = forms.CharField(
        label=_("Only with goods of these categories"), required=False, max_length=2000,
        help_text=_("Separated by commas. Empty: all."),
    )  # fmt: skip
    conditions = forms.CharField(max_length=MOST_TEXT, required=False, strip=False)
    deeds = forms.CharField(max_length=MOST_TEXT, required=False, strip=False)

    def __init__(self, *args: Any, shops: list[Shop], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.problems: list[Problem] = []
        self.fields["shops"].choices = [(str(shop.pk), shop.name) for shop in shops]  # type: ignore[attr-defined]

    def clean_countries(self) -> list[str]:
        """Two-letter codes that exist."""
        found = sorted({one.upper() for one in _pieces(self.cleaned_data["countries"])})
        there = {code for code, _name in countries("en")}
        unknown = [one for one in found if one not in there]
        if unknown:
            raise forms.ValidationError(_now("There is no country %s.") % ", ".join(unknown)[:60])
        return found

    def clean_categories(self) -> list[str]:
        """Categories that products have."""
        found = sorted(set(_pieces(self.cleaned_data["categories"])))
        there = set(Product.objects.filter(category__in=found).values_list("category", flat=True))
        unknown = [one for one in found if one not in there]
        if unknown:
            raise forms.ValidationError(_now("No product has the category %s.") % ", ".join(unknown)[:60])
        return found

    def clean_conditions(self) -> dict[str, Any]:
        """Rows that can run."""
        saved = _json(self.cleaned_data["conditions"], {"groups": []})
        try:
            conditions.read(saved)
        except Unusable as error:
            self.problems += error.problems
            raise forms.ValidationError(_now("Something in the conditions is not right: see below.")) from error
        return dict(saved)

    def clean_deeds(self) -> list[Any]:
        """Things a rule can do."""
        saved = _json(self.cleaned_data["deeds"], [])
        try:
            deeds.read(saved)
        except Unusable as error:
            self.problems += [Problem(one.text, DEED_GROUP, one.row) for one in error.problems]
            raise forms.ValidationError(_now("Something in what the rule does is not right: see below.")) from error
        return list(saved)

    def clean(self) -> dict[str, Any]:
        """A rule that never holds is a mistake."""
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["since"] >= data["until"]:
            self.add_error("until", _now("It would end before it begins."))
        return data


def first(rule: Rule | None) -> dict[str, Any]:
    """Return what the form starts with."""
    if rule is None:
        return {}
    values = {name: getattr(rule, name) for name in ("name", "place", "enabled", "dry", "stop", "since", "until")}
    commas = {name: ", ".join(getattr(rule, name)) for name in ("countries", "categories")}
    return {**values, **commas, "shops": [str(pk) for pk in rule.shops]}


def _json(text: str, empty: Any) -> Any:
    try:
        return json.loads(text) if text.strip() else empty
    except ValueError:
        return None


def _pieces(text: str) -> list[str]:
    pieces = text.replace("，", ",").replace("、", ",").replace("\n", ",").split(",")
    return [one.strip() for one in pieces if one.strip()]
