"""How each task goes: one screen, a picture in each language, one click from the page it is about."""

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse
from PIL import Image

from backoffice.guides import guides

KEYS = [guide.key for guide in guides()]
pytestmark = pytest.mark.django_db


def test_each_task_of_the_warehouse_and_the_buyer_has_a_guide():
    assert set(KEYS) >= {"stocktake", "transfers", "assembly", "floor", "bins", "lots", "values", "trust", "purchasing",
                         "late-costs", "replenishment", "imports"}  # fmt: skip


@pytest.mark.parametrize("guide", guides(), ids=KEYS)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_its_picture_is_there_small_and_readable(guide, language):
    found = finders.find(guide.picture_in(language))
    assert found
    with open(found, "rb") as file:
        assert len(file.read()) <= 60_000
    with Image.open(found) as picture:
        assert picture.width >= 390


@pytest.mark.parametrize("guide", guides(), ids=KEYS)
def test_it_is_one_click_from_its_pages_and_leads_back(people, guide):
    client = people.client("owner")
    own = reverse("guide", args=[guide.key])
    for name in guide.pages:
        assert f'href="{own}"' in client.get(reverse(name)).content.decode()
    page = client.get(own).content.decode()
    assert f'href="{reverse(guide.pages[0])}"' in page
    assert guide.picture in page


@pytest.mark.parametrize(("language", "title"), [("en", "How to take stock"), ("zh-hans", "怎样盘点")])
def test_it_speaks_the_readers_language_with_its_picture(people, language, title):
    people["owner"].language = language
    people["owner"].save()
    page = people.client("owner").get(reverse("guide", args=["stocktake"])).content.decode()
    assert title in page
    assert f"guides/stocktake-{language[:2]}" in page


def test_who_may_not_do_a_task_has_no_guide_to_it(people):
    client = people.client("customer_service")
    index = client.get(reverse("guides")).content.decode()
    assert reverse("guide", args=["purchasing"]) not in index
    assert client.get(reverse("guide", args=["purchasing"])).status_code == 404
    assert client.get(reverse("guide", args=["nothing"])).status_code == 404


def test_elsewhere_the_link_leads_to_all_guides(people):
    assert f'href="{reverse("guides")}"' in people.client("owner").get("/admin/").content.decode()
