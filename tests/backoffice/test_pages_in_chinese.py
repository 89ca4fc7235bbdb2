"""Who works in Chinese reads no English: every list and every form of the admin, looked at word by word."""

import re
from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.urls import reverse

pytestmark = pytest.mark.django_db
# Names and signs that are the same in Chinese, and names of formats, programs and companies.
KEPT = {
    "Accept", "Authorization", "Axes", "Bearer", "Command", "Control", "Django", "en", "English", "esc", "Excel",
    "FedEx", "JavaScript", "Mac", "OpenAPI", "Python", "Shopify", "SKUs", "Webhook", "WooCommerce",
}  # fmt: skip
WORD = re.compile(r"(?<![\w./:@_#%&=+-])[A-Za-z][A-Za-z’']+(?![\w/:@_=+-]|\.\w)")
UNSEEN = {"script", "style", "code", "pre", "template"}
ZONES = {"time_zone"}  # named alike everywhere
ENGLISH_NAME = "field-name_en"  # a column that holds English names in every language
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


class Page(HTMLParser):
    """Collects what a person reads: texts, and the attributes that are shown or read aloud."""

    def __init__(self):
        super().__init__()
        self.texts, self.hidden = [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        symbol = "material-symbols-outlined" in (given.get("class") or "")
        data = (tag == "select" and given.get("name") in ZONES) or given.get("class", "").startswith(ENGLISH_NAME)
        if tag in UNSEEN or symbol or data:
            self.hidden.append(tag)
        shown = ["placeholder", "title", "aria-label", "alt"]
        shown += ["value"] if given.get("type") in ("submit", "button") else []
        self.texts += [given.get(name) or "" for name in shown]

    def handle_endtag(self, tag):
        if self.hidden and self.hidden[-1] == tag:
            self.hidden.pop()

    def handle_data(self, data):
        if not self.hidden:
            self.texts.append(data)


def english(reply):
    """Return the texts of a page that hold an English word."""
    page = Page()
    page.feed(reply.content.decode())
    texts = {" ".join(text.split()) for text in page.texts}
    return sorted(text for text in texts if any(not word.isupper() for word in set(WORD.findall(text)) - KEPT))


@pytest.fixture
def reader(people):
    """Somebody who may see everything, in Chinese."""
    people["superuser"].username, people["superuser"].language = "老板", "zh-hans"
    people["superuser"].save()
    return people.client("superuser")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_list_and_its_form_show_no_english(reader, model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert english(reader.get(reverse(f"{name}_changelist"))) == []
    form = reader.get(reverse(f"{name}_add"), follow=True)  # without a shop a form sends back to its list and says why
    assert form.status_code in (200, 403)
    assert english(form) == []


@pytest.mark.parametrize("page", ["admin:index", "admin:login", "admin:password_change", "admin:logout", "api-docs"])
def test_a_page_of_the_whole_shows_no_english(reader, page):
    assert english(reader.get(reverse(page), follow=True)) == []
