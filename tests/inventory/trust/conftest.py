"""A warehouse with stock, a holder of references that is no order, and hands that write past the ledger."""

from decimal import Decimal

import pytest
from django.db import connection

from inventory.models import Access, AuditRun
from inventory.self_audit import runs, sources
from inventory.self_audit.sources import Holder, Wanted
from tests.inventory.factories import sku, stock, warehouse

D = Decimal


@pytest.fixture
def w():
    return warehouse("W")


@pytest.fixture
def a(w):
    """Ten of A at 2.00."""
    made = sku("A")
    stock(made, w, 10, "2")
    return made


@pytest.fixture
def audited():
    """Audit now; returns the run."""

    def run(actor="tester"):
        made = AuditRun.objects.create(started_by=actor)
        return runs.measure(made)

    return run


@pytest.fixture
def desk(monkeypatch):
    """Documents of a floor above: what each reference wants, and which have ended."""
    documents = Documents()
    holder = Holder(prefix="doc:", wanted=documents.read, ended=documents.end)
    monkeypatch.setattr(sources, "_holders", {"doc:": holder})
    return documents


class Documents:
    """References, what they want, why some have ended."""

    def __init__(self):
        self.wants, self.over = {}, {}

    def read(self, references):
        for (reference, sku_id), (quantity, place) in self.wants.items():
            if references is None or reference in references:
                yield Wanted(reference, sku_id, quantity * 1000, quantity * 1000, place)

    def end(self, references):
        return {one: self.over[one] for one in references if one in self.over}


@pytest.fixture
def tamper():
    """Write past the ledger, as a broken program or a hand in the database would."""

    def write(sql, *parameters):
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            assert cursor.rowcount > 0

    return write


@pytest.fixture
def person(people):
    """Somebody of a role who sees every warehouse."""

    def named(role="warehouse_clerk"):
        Access.objects.get_or_create(user=people[role], defaults={"all_shops": True, "all_warehouses": True})
        return people[role]

    return named


@pytest.fixture
def see(people, person):
    def client(role="warehouse_clerk"):
        person(role)
        return people.client(role)

    return client
