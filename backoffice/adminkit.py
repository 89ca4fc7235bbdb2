"""What every admin page starts from: fast lists, no filter oracle, no deletion, each row's outcome told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet, URLField
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.admin import StackedInline as StackedInline
from unfold.admin import TabularInline as TabularInline

from backoffice import actors
from backoffice.errors import YikuError
from backoffice.keyset import KeysetChangeList, KeysetPaginator
from backoffice.search import prefix_condition, search_form

# What a filter in the sidebar may put behind its field's name; anything else would let a clerk probe hidden columns.
FILTER_ENDINGS = {
    "", "exact", "in", "isnull", "gt", "gte", "lt", "lte", "year", "month", "day", "id__exact", "id__in", "pk__exact",
    "id__isnull",
}  # fmt: skip
MOST_DIGITS = 18  # a key with more digits makes the database fall over instead of finding nothing
ONE = "1"  # the key of the one row
RANGE_ENDINGS = ("_from", "_to", "_from_0", "_from_1", "_to_0", "_to_1")


class YikuModelAdmin(ModelAdmin):
    """The base of every ModelAdmin here.

    - Lists are paged by key (backoffice.keyset): `ordering` and `sortable_by` name columns that are never NULL.
    - `prefix_search` names indexed columns in search form (`backoffice.search`); the term is a prefix, found by index.
    - Only fields of `list_filter` can be asked for in the address, whatever the model holds.
    - Nothing can be deleted unless `deletable`.
    - Who did it (`actor`, `created_by`) is read as a name, unless the list is `raw_actors`.
    """

    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    list_filter_submit = True
    sortable_by: ClassVar[Sequence[str]] = ()
    prefix_search: ClassVar[Sequence[str]] = ()
    deletable = False
    raw_actors = False
    formfield_overrides: ClassVar[Any] = {URLField: {"assume_scheme": "https"}}  # Django 6 will assume it by itself
    empty_note: ClassVar[Any] = ""  # what an empty list tells: when rows come, what to do next
    paginator = KeysetPaginator
    compressed_fields = True
    warn_unsaved_form = True

    def __init__(self, model: type[Model], admin_site: Any) -> None:
        super().__init__(model, admin_site)
        if not self.raw_actors:
            self._name_actors(model)

    def _name_actors(self, model: type[Model]) -> None:
        """Put a method `actor_named` in the place of each column with an actor that is only read."""
        for field in actors.fields_of(model):
            setattr(self, f"{field.name}_named", _named(field.name, field.verbose_name))
        read_only = isinstance(self, ReadOnlyMixin) and getattr(self, "fields", None)
        for columns in ("list_display", "fields", "readonly_fields") if read_only else ("list_display",):
            setattr(self, columns, actors.in_words(getattr(self, columns), model))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetChangeList

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Refuse every lookup that no filter of this list makes: no oracle for hidden fields (S05)."""
        if "\0" in str(value):  # PostgreSQL refuses the question itself
            return False
        if any(len(part) > MOST_DIGITS and part.strip(" -").isdecimal() for part in str(value).split(",")):
            return False
        filters = self.get_list_filter(request) if request else self.list_filter
        return any(_made_by(one, lookup) for one in filters)

    def get_search_fields(self, request: HttpRequest) -> Sequence[str]:
        return self.prefix_search or super().get_search_fields(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not self.prefix_search:
            return super().get_search_results(request, queryset, search_term)
        term = search_form(search_term)
        return (queryset.filter(prefix_condition(self.prefix_search, term)) if term else queryset), False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        # Django looks for the object first: whoever may not see the list could tell which numbers exist.
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.deletable and super().has_delete_permission(request, obj)


class ReadOnlyMixin:
    """A list and its pages that nobody writes by hand: ledgers and logs."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes."""
        return False


class OneRowAdmin(YikuModelAdmin):
    """Settings in one row: the list is its page. A look makes no row; the defaults hold until it is saved."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is one."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.GET:
            raise DisallowedModelAdminLookup("Nothing can be asked of one row.")
        return self.changeform_view(request, ONE, "", extra_context)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row, or one that is not saved yet."""
        found = super().get_object(request, object_id, from_field)
        return found or (self.model(pk=int(ONE)) if object_id == ONE else None)


class OwnPageAdmin(YikuModelAdmin):
    """A list whose rows have a page of our own, with buttons: nothing is added or edited as a row."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The page's own form makes rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The page's buttons do what may be done."""
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the page to whoever may see the row."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return self.own_page(request, row)

    def own_page(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Return the page of one row."""
        raise NotImplementedError


def _named(field: str, title: Any) -> Callable[[Any], str]:
    @admin.display(description=title)
    def shown(row: Any) -> str:
        return actors.named(getattr(row, field))

    return shown


def _made_by(one: Any, lookup: str) -> bool:
    if isinstance(one, type) and issubclass(one, admin.ListFilter):
        return lookup == getattr(one, "parameter_name", None)  # not what lies behind it: shop__secret
    field = one[0] if isinstance(one, tuple | list) else str(one)
    if lookup in {field + ending for ending in RANGE_ENDINGS}:
        return True
    return lookup == field or (lookup.startswith(field + "__") and lookup[len(field) + 2 :] in FILTER_ENDINGS)


# --- outcomes of actions ---------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What an action did to one row: `problem` is the sentence when it was refused."""

    label: str
    problem: str = ""
    url: str = ""

    @property
    def ok(self) -> bool:
        """True when it was done."""
        return not self.problem


def outcome_of(row: Model, error: YikuError | None = None, url: str = "") -> Outcome:
    """Return the outcome for a row, from the domain error that refused it (None when it was done)."""
    return Outcome(str(row), str(error) if error else "", url)


def report_outcomes(request: HttpRequest, outcomes: Iterable[Outcome], done: str, *, most: int = 20) -> None:
    """Tell the person what happened to each row: `done` with %(count)d for those that went through, then each refusal.

    Rows beyond `most` refusals are counted, not listed.
    """
    all_of_them = list(outcomes)
    refused = [one for one in all_of_them if not one.ok]
    good = len(all_of_them) - len(refused)
    if good:
        messages.success(request, done % {"count": good})
    if not refused:
        return
    lines = format_html_join("", "<li>{}: {}</li>", ((_linked(one), one.problem) for one in refused[:most]))
    head = ngettext("%(count)d row was refused:", "%(count)d rows were refused:", len(refused)) % {
        "count": len(refused)
    }
    rest = len(refused) - most
    tail = ngettext("and %(count)d more.", "and %(count)d more.", rest) % {"count": rest} if rest > 0 else ""
    messages.warning(request, format_html('{}<ul class="list-disc pl-5">{}</ul>{}', head, lines, tail))


def _linked(one: Outcome) -> str:
    return format_html('<a class="underline" href="{}">{}</a>', one.url, one.label) if one.url else one.label


def refuse(request: HttpRequest, error: YikuError) -> None:
    """Show a refusal where the person is."""
    messages.error(request, str(error))
