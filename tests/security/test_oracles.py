"""S05, S12: no filter, order, search or edge of a page tells what its reader may not see, and none of them breaks."""

import base64
import json

import pytest
from django.contrib import admin
from django.db import models
from django.template.response import SimpleTemplateResponse
from django.urls import reverse

from backoffice.api import keys
from inventory.models import Access
from tests.api.conftest import ApiClient
from tests.matrix.addresses import every

pytestmark = [pytest.mark.django_db]
NAUGHTY = (
    "' OR 1=1 --",
    "'; DROP TABLE backoffice_user; --",
    "1) UNION SELECT password FROM backoffice_user --",
    "\x00",
    "%",
    "_",
    "\\",
    "' AND (SELECT 1 FROM pg_sleep(3)) --",
    "undefined",
    "NaN",
    "1e309",
    "-1",
    "9" * 30,
    "٣",
    "Ω≈ç√",
    "👩‍👩‍👧",
    "\u202etest",
    "${7*7}",
    "{{7*7}}",
    "%s%n%x",
    "../../etc/passwd",
    "<script>",
    "True",
    "[]",
    '{"$gt": ""}',
    "2026-13-45",
    "0000-00-00",
    "\ud7ff\uffff",
)


@pytest.fixture
def bare(monkeypatch):
    """Ask and evaluate, but draw no page: the questions are what is tested, and there are thousands."""

    def evaluate(self):
        found = (self.context_data or {}).get("cl")
        if found is not None:
            list(found.result_list)
            [list(one.choices(found)) for one in found.filter_specs]
        return ""

    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", property(evaluate))


def lists():
    """(name, ModelAdmin) of every list."""
    return {f"{model._meta.app_label}_{model._meta.model_name}": kept for model, kept in admin.site._registry.items()}


def url(name: str) -> str:
    return reverse(f"admin:{name}_changelist")


def breaks(client, address, query) -> str:
    """The name of what went wrong inside, or nothing."""
    client.raise_request_exception = False
    answer = client.get(address, query)
    return type(answer.exc_info[1]).__name__ if answer.status_code >= 500 and answer.exc_info else ""


def refused(answer) -> bool:
    return answer.status_code in (400, 403) or (answer.status_code == 302 and answer["Location"].endswith("e=1"))


def _filter_names(kept) -> set[str]:
    return {
        one[0] if isinstance(one, tuple | list) else getattr(one, "parameter_name", one)
        for one in kept.list_filter or ()
    }


@pytest.mark.sqlite
def test_no_column_can_be_probed_that_no_filter_offers(people, rf):
    """Every column of every list, by the gate all of them pass; that the gate is passed shows the next test."""
    request, open_ = rf.get("/"), []
    request.user = people["superuser"]
    for name, kept in lists().items():
        offered = _filter_names(kept)
        for field in kept.model._meta.get_fields():
            if field.name in offered:
                continue
            ends = ("pk__gt", "pk__in", "isnull") if field.is_relation else ("regex", "startswith", "gt", "exact", "in")
            for probe in (field.name, *(f"{field.name}__{end}" for end in ends)):
                if kept.lookup_allowed(probe, "0", request):
                    open_.append(f"{name}: {probe}")
        open_ += [f"{name}: {path}" for path in SECRET_PATHS if kept.lookup_allowed(path, "a", request)]
    assert open_ == []


@pytest.mark.sqlite
def test_every_list_asks_the_gate(people, house, bare):
    """By address: the first column that no filter offers, and one secret behind a relation."""
    client, open_ = people.client("superuser"), []
    for number, (name, kept) in enumerate(lists().items()):
        offered = _filter_names(kept)
        columns = [one.name for one in kept.model._meta.concrete_fields if one.name not in offered]
        for probe in (f"{columns[number % len(columns)]}__regex", SECRET_PATHS[number % len(SECRET_PATHS)]):
            if not refused(client.get(url(name), {probe: "0"})):
                open_.append(f"{name}: {probe}")
    assert open_ == []


SECRET_PATHS = (
    "account__credential__secrets__startswith",
    "credential__secrets__contains",
    "shop__account__hook_token__startswith",
    "user__password__startswith",
    "created_by__password__regex",
    "contact__phone__startswith",
    "order__contact__email__contains",
    "api_key__digest__startswith",
    "owner__password__gt",
    "sku__list_price__gt",
    "actor__regex",
    "logentry__user__password__gt",
)


ODD = (
    {"_to_field": "password"},
    {"_facets": "True"},
    {"_popup": "1", "_to_field": "hook_token"},
    {"all": ""},
    {"p": "9" * 20},
    {"_changelist_filters": "password__gt=a"},
    *({"o": order} for order in ("password", "-credential__secrets", "0.0.0", "-" + "9" * 20, "1;DROP", "²", "٣")),
)


def some(things, number, share):
    """Every day each list gets `share` of the questions, another list others; in the long run each gets all."""
    return [things[(number * share + place) % len(things)] for place in range(share)]


@pytest.mark.sqlite
@pytest.mark.parametrize("share", [3, pytest.param(len(ODD), marks=pytest.mark.soak)])
def test_odd_parameters_and_orders_break_no_list(people, house, bare, share):
    client = people.client("superuser")
    for number, name in enumerate(lists()):
        for query in some(ODD, number, share):
            assert breaks(client, url(name), query) == "", (name, query)


def test_naughty_texts_in_search_filters_and_edges_break_nothing(people, house, bare):
    """On both engines: each chokes on other things (NUL, 30 digits, half a surrogate)."""
    assert list(_broken_lists(people.client("superuser"), 1)) == []


@pytest.mark.sqlite
def test_a_key_with_too_many_digits_is_refused_in_every_filter(people, house, bare):
    client, text = people.client("superuser"), "9" * 30
    broken = [
        f"{name}: {query}"
        for name, kept in lists().items()
        for query in ({part: text} for part in _parameters(kept) if part.endswith(("__exact", "__in")))
        if breaks(client, url(name), query)
    ]
    assert broken == []


@pytest.mark.soak
def test_each_naughty_text_in_each_list_breaks_nothing(people, house, bare):
    assert list(_broken_lists(people.client("superuser"), len(NAUGHTY))) == []


def _broken_lists(client, texts):
    for number, (name, kept) in enumerate(lists().items()):
        for text in (NAUGHTY[(number * texts + step) % len(NAUGHTY)] for step in range(texts)):
            asked = {"q": text, **dict.fromkeys(_filter_names(kept), text)}
            for query in ({"q": text}, asked, *({part: text} for part in _parameters(kept))):
                if fault := breaks(client, url(name), query):
                    yield f"{name}: {query} {fault}"


def _parameters(kept) -> list[str]:
    names = _filter_names(kept)
    return [f"{name}{end}" for name in names for end in ("__exact", "__isnull", "_from_0", "_to", "__in")]


@pytest.mark.parametrize(
    "values",
    [
        ["9" * 40, "9" * 40],
        [10**30, 10**30],
        [-(10**30), 1],
        ["2026-01-01", 10**19],
        ["\x00", "\x00"],
        [1e308, True],
        ["x" * 9999, ""],
    ],
)
def test_a_forged_edge_of_a_page_breaks_nothing(people, house, bare, values):
    client, broken = people.client("superuser"), []
    for number, name in enumerate(lists()):
        few = values if number % 2 else values[:1]  # a list sees half the edges, all lists together see every one
        edge = base64.urlsafe_b64encode(json.dumps(few).encode()).decode().rstrip("=")
        key = ("key_after", "key_before")[number // 2 % 2]
        if fault := breaks(client, url(name), {key: edge}):
            broken.append(f"{name}: {key} {few} {fault}")
    assert broken == []


@pytest.mark.sqlite
@pytest.mark.parametrize("role", ["warehouse_clerk", "order_clerk", "customer_service", "bookkeeper", "buyer"])
def test_autocomplete_answers_those_only_who_may_see_the_list(see, people, house, role):
    client, told = see(role), []
    for kept in lists().values():
        for field in kept.model._meta.get_fields():
            if not isinstance(field, models.ForeignKey):
                continue
            meta, theirs = kept.model._meta, field.related_model._meta
            asked = {"app_label": meta.app_label, "model_name": meta.model_name, "field_name": field.name, "term": ""}
            answer = client.get("/admin/autocomplete/", asked)
            if answer.status_code == 200 and not people[role].has_perm(f"{theirs.app_label}.view_{theirs.model_name}"):
                told.append(f"{meta.label}.{field.name}")
    assert told == []


WORDS = """
    at shop sku lines page warehouse account s next q html wave code scan days month template view by sort weight length
    width height incident keys a b query when print currency tracking number order place per policy country postcode
    day kind state waits seen from to
"""
ASKED = WORDS.split()


def test_naughty_texts_in_the_addresses_of_single_pages_break_nothing(people, house, bare):
    client, broken = people.client("superuser"), []
    pages = [one for one in every() if one.name.startswith("admin:") and not one.model and "export" not in one.name]
    for number, one in enumerate(pages):
        for step in range(6):
            text = NAUGHTY[(number * 5 + step) % len(NAUGHTY)]
            for pk in {None, 1 if one.arguments else None}:
                if fault := breaks(client, one.url(pk), dict.fromkeys(ASKED, text)):
                    broken.append(f"{one.name}: {text!r} {fault}")
    assert broken == []


@pytest.mark.parametrize("path", ["orders", "skus", "stock", "availability", "orders/changes"])
@pytest.mark.parametrize(
    "query",
    [
        {"ordering": "-credential__secrets"},
        {"limit": 10**9},
        {"limit": "-1"},
        {"after": "' OR 1=1"},
        {"cursor": "AAAA"},
        {"search": "\x00"},
        {"sku": "\x00"},
        {"shop": "9" * 30},
        {"updated_since": "0000"},
    ],
)
def test_the_api_refuses_or_ignores_what_it_does_not_know(house, path, query):
    key, token = keys.create(name="erp2", scopes=["orders:read", "stock:read", "catalogue:read"])
    Access.objects.create(api_key=key, all_shops=True, all_warehouses=True)
    assert ApiClient(token).get(path, **query).status_code < 500
