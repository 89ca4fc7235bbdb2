"""What is known of a person is found in a text, and nothing else with it."""

import pytest

from backoffice.redaction import known_patterns, without_known


@pytest.mark.parametrize(
    ("known", "text", "left"),
    [
        ("12", "12 cups, parcel 91207", "12 cups, parcel 91207"),
        ("518000", "total 518000.00", "total 518000.00"),
        ("Li", "Li from Lisbon, 给Li打电话", "••• from Lisbon, 给•••打电话"),
        ("王伟", "给王伟打电话", "给•••打电话"),
        ("Rose", "Rose's prosecco", "•••'s prosecco"),
        ("Canaryvogel", "bei Canaryvogels", "bei •••s"),
        ("+33 6 98 76 54 32", "call 0698.765.432", "call •••"),
        ("77 Passage du Canari", "at 77 passage du canari", "at •••"),
    ],
)
def test_a_person_is_found_and_numbers_stay(known, text, left):
    assert without_known(text, known_patterns([known])) == left
