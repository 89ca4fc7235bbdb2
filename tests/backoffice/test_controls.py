"""The lists of guards stay true: each text stands once in its file, each test is there, no guard is listed twice."""

import re

import pytest

from tools.controls import ROOT, found, guards

FIELDS = {"name", "file", "find", "replace", "test", "db", "why"}
ALL = guards()


@pytest.mark.parametrize("guard", ALL, ids=[one["name"] for one in ALL])
def test_a_listed_guard_stands_once_and_its_test_is_there(guard):
    assert set(guard) <= FIELDS
    assert guard["find"] != guard["replace"]
    assert found(guard) == 1
    file, _colons, name = guard["test"].split(" ")[0].partition("::")
    text = (ROOT / file).read_text()
    assert (
        re.search(rf"^def {re.escape(name.partition('[')[0])}\(", text, re.MULTILINE) if name else "def test_" in text
    )


def test_no_guard_is_listed_twice():
    names = [one["name"] for one in ALL]
    assert len(set(names)) == len(names)


def test_a_guard_for_postgresql_says_so():
    assert {one.get("db", "sqlite") for one in ALL} <= {"sqlite", "postgres"}
