"""Every address × every role × GET and POST against the table (S01), and other people's objects (S02)."""

from types import SimpleNamespace

import pytest
from django.template.response import SimpleTemplateResponse
from django.test import Client

from inventory import access
from inventory.models import Access, Balance
from tests.inventory import factories as stock
from tests.matrix.addresses import every, model_of
from tests.matrix.table import ELSEWHERE, LETTERS, MODELS, PAGES

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # who may is decided above the engine
REFUSED = {401, 403, 404, 405}
COLUMN = {"changelist": 0, "change": 0, "history": 0, "add": 1, "delete": 3}


@pytest.fixture
def visitors(people):
    """A client per role, each seeing all shops and warehouses; None is the visitor who is not logged in."""
    clients = {None: Client()}
    for letter, role in LETTERS.items():
        Access.objects.create(user=people[role], all_shops=True, all_warehouses=True)
        clients[letter] = people.client(role)
    return clients


@pytest.fixture
def drawing(monkeypatch):
    """Draw a page when told to only: who may is decided before, and drawing is what takes the time."""
    told = SimpleNamespace(on=True)
    drawn = SimpleTemplateResponse.rendered_content.fget
    monkeypatch.setattr(
        SimpleTemplateResponse, "rendered_content", property(lambda page: drawn(page) if told.on else "")
    )
    return told


def turn(name, letters) -> str:
    """The role whose page is drawn: another from address to address, so that each role's pages are."""
    return letters[sum(map(ord, name)) % len(letters)] if letters else ""


def refused(answer) -> bool:
    """True when the visitor was sent away: forbidden, not there, wrong method, or to the log-in page."""
    where = answer.headers.get("Location", "")
    # The admin sends whoever asks for an object that is not there to its index, without a word about the object.
    return answer.status_code in REFUSED or "/login/" in where or where == "/admin/"


def test_every_address_stands_in_the_table():
    names = {one.name for one in every() if not one.model}
    models = {one.model for one in every() if one.model}
    assert names - set(PAGES) - ELSEWHERE == set()
    assert models - set(MODELS) == set()
    assert set(PAGES) - names == set()
    assert set(MODELS) - models == set()


def _wrong_pages(visitors, addresses, drawing):
    for one in addresses:
        letters = MODELS[one.model][COLUMN[one.page]]
        for letter, client in visitors.items():
            drawing.on = letter == turn(one.name, letters)
            answer = client.get(one.url(_pk_of(one)))
            allowed = letter is not None and letter in letters
            if refused(answer) == allowed and not (allowed and one.arguments and _pk_of(one) is None):
                yield f"{one.name} GET {letter}: {answer.status_code}, allowed is {allowed}"
            if answer.status_code >= 500:
                yield f"{one.name} GET {letter}: {answer.status_code}"


def _pk_of(one):
    if not one.arguments:
        return None
    row = model_of(one.model)._default_manager.order_by("pk").first()
    return row.pk if row else None


@pytest.mark.parametrize("app", sorted({model.split("_")[0] for model in MODELS}))
def test_the_pages_of_each_model_open_for_their_roles_only(visitors, drawing, app):
    mine = [one for one in every() if one.model.split("_")[0] == app]
    assert list(_wrong_pages(visitors, mine, drawing)) == []


def test_what_may_only_be_read_is_not_written(visitors, drawing):
    wrong, drawing.on = [], False
    for one in every():
        if one.page not in ("add", "change", "delete"):
            continue
        letters = MODELS[one.model][("", "add", "change", "delete").index(one.page)]
        for letter, client in visitors.items():
            if letter is None or letter not in letters:
                answer = client.post(one.url(_pk_of(one)), {"is_superuser": "on", "state": "approved", "post": "yes"})
                if not refused(answer):
                    wrong.append(f"{one.name} POST {letter}: {answer.status_code}")
    assert wrong == []


def _where(answer) -> str:
    return answer.headers.get("Location", "/login/")


def _may(rule: str, letter: str | None) -> bool:
    return rule == "open" or (letter is not None and (rule == "*" or letter in rule))


@pytest.mark.parametrize("name", sorted(PAGES))
def test_single_pages_open_for_their_roles_only(visitors, drawing, name):
    one = next(address for address in every() if address.name == name)
    wrong = []
    for method, rule in zip(("get", "post"), PAGES[name], strict=True):
        letters = [letter for letter in LETTERS if _may(rule, letter)]
        for letter, client in visitors.items():
            if name == "admin:logout" and method == "post":
                continue  # it would log our visitor out
            drawing.on = letter == turn(name, letters)
            answer = getattr(client, method)(one.url())
            if rule == "-":
                good = refused(answer) or answer.status_code == 302
            elif _may(rule, letter):  # behind the open door the object may be missing, or the method not served
                good = not refused(answer) or answer.status_code in (401, 404, 405) or "/login/" not in _where(answer)
            else:
                good = refused(answer)
            if not good or answer.status_code >= 500 and name != "healthz":
                wrong.append(f"{method} {letter}: {answer.status_code}")
    assert wrong == []


def test_objects_of_other_shops_and_warehouses_are_not_there(people):
    """Everybody with an Access to one shop and one warehouse; the rows belong to another."""
    mine, other = stock.warehouse(), stock.warehouse()
    goods, shop = stock.sku(), stock.shop(other)
    stock.stock(goods, other, 5)
    stock.shop(mine)
    rows = [shop, other, other.shop_links.get(), Balance.objects.get(sku=goods, warehouse=other)]
    wrong = []
    for role in LETTERS.values():
        Access.objects.create(user=people[role]).warehouses.add(mine)
        client = people.client(role)
        for row in rows:
            if access.registered(type(row)):
                label = f"{row._meta.app_label}_{row._meta.model_name}"
                address = next(one for one in every() if one.model == label and one.page == "change")
                answer = client.get(address.url(row.pk))
                if answer.status_code == 200:
                    wrong.append(f"{role} sees {label} of others")
    assert wrong == []


@pytest.mark.parametrize("probe", ["password__startswith=p", "user__password__regex=.", "contact__phone__startswith=1"])
def test_hidden_fields_cannot_be_probed_through_the_address(visitors, probe):
    wrong = []
    for one in every():
        if one.page == "changelist":
            answer = visitors["o"].get(one.url(), dict([probe.split("=")]))
            if answer.status_code not in (302, 400, 403):
                wrong.append(f"{one.name}: {answer.status_code}")
    assert wrong == []
