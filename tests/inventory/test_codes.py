"""Two spellings of one code are one code; what looks like a number stays text."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from inventory import catalogue, codes
from inventory.models import Barcode, Pack, Product, Sku
from tests.inventory import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("spelled", "key"),
    [
        ("ABC-1", "abc-1"),
        ("  abc-1\t", "abc-1"),
        ("ＡＢＣ－１", "abc-1"),
        ("abc\u200b-1", "abc-1"),
        ("abc-1\ufeff", "abc-1"),
        ("a\u00adbc-1", "abc-1"),
        ("abc\u2011\u200d1", "abc-1"),
        ("\u3164abc-1", "abc-1"),
        ("abc-1\ufe0f", "abc-1"),
        ("a\u00a0b", "a b"),
        ("a \u3000 b", "a b"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("红-大", "红-大"),
        ("İ", "i\u0307"),
    ],
)
def test_spellings_of_one_code_have_one_key(spelled, key):
    assert codes.normalise(spelled) == key


@pytest.mark.parametrize("code", ["00123", "123", "1.23e+12", "-12", "12", "1e5", "0", "=1+1", "@a"])
def test_a_code_is_never_read_as_a_number(code):
    assert codes.normalise(code) == code


def test_normalising_twice_changes_nothing_more():
    for code in ("ﬁ－Ⅷ", "ẞ", "Å\u200b", "ͅα", "ﾊﾟ", "İI"):
        once = codes.normalise(code)
        assert codes.normalise(once) == once


def test_a_sku_code_is_unique_after_normalising():
    factories.sku("AB-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.sku("ａｂ-1\u200b")
    assert Sku.objects.count() == 1


def test_the_form_says_which_code_is_taken():
    factories.sku("AB-1")
    twin = Sku(product=Product.objects.create(name="x"), code="ab－1 ", name="x")
    with pytest.raises(ValidationError) as refused:
        twin.full_clean(exclude=["code_key"])  # as a form does
    assert refused.value.messages == ["SKU code “ab－1” already exists (as “AB-1”)."]


@pytest.mark.parametrize("code", ["", "   ", "\u200b\u3164", "x" * 101])
def test_an_invisible_or_endless_code_is_refused(code):
    with pytest.raises(ValidationError):
        factories.sku("x").__class__(product=Product.objects.create(name="p"), code=code, name="x").full_clean()


def test_codes_are_found_as_they_were_sent():
    sku = factories.sku("00123")
    factories.sku("123")
    assert catalogue.find(["００１２３", "nobody", ""]) == {"００１２３": sku}


def test_barcodes_are_found_with_their_pack(django_assert_num_queries):
    sku = factories.sku()
    case = Pack.objects.create(sku=sku, name="case", quantity=12)
    Barcode.objects.create(sku=sku, code="6901234567892", pack=case)
    with django_assert_num_queries(1):
        found = catalogue.find_by_barcode(["６９０1234567892", "1"])
    assert {code: (row.sku, row.pack) for code, row in found.items()} == {"６９０1234567892": (sku, case)}


def test_a_barcode_may_not_name_the_pack_of_another_sku():
    case = Pack.objects.create(sku=factories.sku(), name="case", quantity=12)
    with pytest.raises(ValidationError, match="another SKU"):
        Barcode(sku=factories.sku(), code="1", pack=case).full_clean()
