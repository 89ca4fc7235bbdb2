"""The check of the Chinese catalogue sees what a person would miss: a package's text, a lost placeholder."""

import importlib
import shutil

import polib
import pytest
from django.conf import settings


@pytest.fixture
def tool(monkeypatch, tmp_path):
    """The tool, looking at a copy of the catalogue."""
    monkeypatch.syspath_prepend(str(settings.BASE_DIR / "tools"))
    translations = importlib.import_module("translations")
    shutil.copytree(translations.LOCALE, tmp_path / "copy")
    monkeypatch.setattr(translations, "LOCALE", tmp_path / "copy")
    return translations


def changed(tool, msgid, **changes):
    path = tool.LOCALE / "django.po"
    catalogue = polib.pofile(str(path))
    entry = catalogue.find(msgid)
    for name, value in changes.items():
        setattr(entry, name, value)
    if not changes:
        catalogue.remove(entry)
    catalogue.save(str(path))


def test_a_missing_text_of_a_package_is_named(tool, capsys):
    changed(tool, "Choose file to upload")
    assert tool.check() == 1
    assert "not in the catalogue: 'Choose file to upload'" in capsys.readouterr().out.splitlines()


def test_a_lost_placeholder_is_named(tool, capsys):
    changed(tool, "late by %s", msgstr="逾期")
    assert tool.check() == 1
    assert "placeholders differ: 'late by %s'" in capsys.readouterr().out.splitlines()


def test_a_text_that_was_not_compiled_is_named(tool, capsys):
    changed(tool, "Held orders", msgstr="搁置订单")
    assert tool.check() == 1
    assert "compiled from another text: 'Held orders'" in capsys.readouterr().out.splitlines()
