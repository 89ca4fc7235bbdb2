"""Files to import, and the way of a person through the pages."""

import pytest
from django.urls import reverse

from backoffice.imports import applying, reading
from backoffice.models import ImportRun
from inventory.models import Access
from tests.backoffice.sheets.kit import csv, xlsx


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def buyer(people):
    Access.objects.create(user=people["buyer"], all_shops=True, all_warehouses=True)
    return people["buyer"]


@pytest.fixture
def owner(people):
    Access.objects.create(user=people["owner"], all_shops=True, all_warehouses=True)
    return people["owner"]


@pytest.fixture
def look(buyer):
    """Read rows (the first is the header) into a preview."""

    def preview(kind, *rows, user=None, options=None, file=None):
        return reading.preview(kind=kind, user=user or buyer, file=file or xlsx(rows), options=options)

    return preview


@pytest.fixture
def take(look):
    """Preview and import."""

    def done(kind, *rows, user=None, skip_bad=False, **more):
        run = look(kind, *rows, user=user, **more)
        return applying.apply(run_id=run.pk, user=run.owner, skip_bad=skip_bad)

    return done


def counts(run):
    """(new, changed, as they were, bad)."""
    return (run.new_count, run.change_count, run.same_count, run.bad_count)


def said(run):
    """Row → what is wrong with it."""
    return {row.row: "; ".join(one[2] for one in row.problems) for row in run.rows.filter(outcome="bad")}


def upload(client, kind, file, **options):
    """Through the page; returns the run and the answer."""
    answer = client.post(reverse("import_start", args=[kind]), {"file": file, **options})
    return ImportRun.objects.order_by("-pk").first(), answer


def do(client, run, what):
    """Press a button of the run's page."""
    return client.post(reverse("import_do", args=[run.pk]), {"do": what}, follow=True)


__all__ = ["counts", "csv", "do", "said", "upload", "xlsx"]
