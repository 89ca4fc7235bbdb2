"""A kept file belongs to whoever sent it, for less than an hour."""

import datetime as dt
import os

import pytest

from backoffice import clock
from backoffice.models import Upload, User
from backoffice.spreadsheets import uploads
from backoffice.spreadsheets.reading import FileRefused
from backoffice.spreadsheets.uploads import UploadGone
from tests.backoffice.sheets.kit import csv

pytestmark = pytest.mark.django_db


@pytest.fixture
def wang(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return User.objects.create(username="wang")


def keep(owner, name="盘点.csv"):
    return uploads.keep(csv("SKU,Quantity\nA,1\n", name=name), owner=owner, purpose="count")


def test_the_owner_finds_it_under_a_name_nobody_guesses(wang):
    row = keep(wang)
    assert uploads.find(row.token, owner=wang, purpose="count") == row
    assert (row.original_name, len(row.token)) == ("盘点.csv", 43)
    path = uploads.path_of(row)
    assert path.read_text() == "SKU,Quantity\nA,1\n"
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_another_user_and_another_purpose_find_nothing(wang):
    row = keep(wang)
    other = User.objects.create(username="li")
    for owner, purpose in ((other, "count"), (wang, "orders")):
        with pytest.raises(UploadGone, match="Upload it again"):
            uploads.find(row.token, owner=owner, purpose=purpose)


def test_a_path_in_the_name_leads_nowhere(wang):
    row = keep(wang, name="..\\..\\etc/cron.d/x.csv")
    assert row.original_name == "x.csv"
    assert uploads.path_of(row).parent == uploads.folder()


def test_a_refused_file_leaves_nothing_behind(wang):
    with pytest.raises(FileRefused):
        uploads.keep(csv("x", name="x.exe"), owner=wang, purpose="count")
    assert list(uploads.folder().iterdir()) == []
    assert not Upload.objects.exists()


def test_after_an_hour_file_and_row_are_gone(wang):
    row = keep(wang)
    later = clock.now() + dt.timedelta(minutes=51)
    with clock.moved_to(lambda: later):
        with pytest.raises(UploadGone):
            uploads.find(row.token, owner=wang, purpose="count")
        assert uploads.clean_up() == 1
    assert list(uploads.folder().iterdir()) == []


def test_a_file_without_a_row_is_removed_too(wang):
    stray = uploads.folder() / "stray.csv"
    stray.write_text("x")
    os.utime(stray, (0, 0))
    fresh = keep(wang)
    assert uploads.clean_up() == 1
    assert list(uploads.folder().iterdir()) == [uploads.path_of(fresh)]


def test_what_is_done_with_is_discarded(wang):
    row = keep(wang)
    uploads.discard(row)
    assert list(uploads.folder().iterdir()) == []
    assert not Upload.objects.exists()
