"""Every page a person can open, and what a browser would make of it."""

import html
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from pypdf import PdfReader

from tests.matrix.addresses import every, model_of

LEFT_OUT = {"admin:logout", "set_language", "healthz"}  # healthz: 503 while no dispatcher runs


def pages(client, *, rows: int = 2, spread: bool = False, about: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Open every address with GET, objects of each model included; gives (address, text) of what came as text."""
    for url in addresses(rows=rows, spread=spread, about=about):
        answer = client.get(url, follow=False)
        if answer.status_code >= 500:
            raise AssertionError(f"{url}: {answer.status_code}")
        if not answer.streaming and answer.status_code == 200:
            paper = answer["Content-Type"] == "application/pdf"
            yield url, html.escape(written(answer.content)) if paper else answer.content.decode(errors="replace")


def written(pdf: bytes) -> str:
    """The words on a PDF, as a reader would copy them out; what only a PDF can do (run, open, send) is a fault."""
    for word in (b"/JavaScript", b"/Launch", b"/SubmitForm", b"/EmbeddedFile"):
        assert word not in pdf, word
    assert not re.search(rb"/OpenAction(?!\s*\[)", pdf)  # where to begin reading (a list) does nothing
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def addresses(*, rows: int = 2, spread: bool = False, about: tuple[str, ...] = ()) -> Iterator[str]:
    """Every address, with the first rows of a model where a page is about one, or rows spread from first to last.

    `about` narrows it to those whose names hold one of its words.
    """
    for one in every():
        if one.name in LEFT_OUT or (about and not any(word in one.name for word in about)):
            continue
        if one.model and one.arguments:
            yield from (one.url(pk) for pk in _rows(one.model, rows, spread))
        elif one.arguments:
            yield from {one.url(), *_about_first(one)}
        else:
            yield one.url()


def _rows(model, rows, spread):
    keys = list(model_of(model)._default_manager.order_by("pk").values_list("pk", flat=True))
    if not spread or len(keys) <= rows:
        return keys[:rows]
    return [keys[place * (len(keys) - 1) // (rows - 1)] for place in range(rows)]


def _about_first(one):
    """`admin:inventory_sku_why` is about a SKU: ask for the first one."""
    for known in (other for other in every() if other.page == "changelist"):
        if one.name.startswith(f"admin:{known.model}_"):
            row = model_of(known.model)._default_manager.order_by("pk").first()
            if row is not None:
                yield one.url(row.pk)


class Danger(HTMLParser):
    """Finds what would run: a planted element, a handler, an address with a script."""

    def __init__(self, mark: str) -> None:
        super().__init__()
        self.mark, self.found = mark, []

    def handle_starttag(self, tag, attrs):
        """Look at one element as a browser sees it."""
        if self.mark in tag:
            self.found.append(tag)
        for name, value in attrs:
            text = (value or "").strip().lower()
            handler = (
                name.startswith(("on", "x-on", "@", "x-data", "x-init", ":", "x-bind", "x-html")) and self.mark in text
            )
            script = name in {"href", "src", "action", "formaction"} and text.startswith(
                ("javascript:", "data:text", "vbscript:")
            )
            if handler or (script and self.mark in text) or self.mark in name:
                self.found.append(f"{tag} {name}={value!r:.80}")


def dangers(html: str, mark: str) -> list[str]:
    """Return what of the planted text a browser would run."""
    parser = Danger(mark)
    parser.feed(html)
    return parser.found
