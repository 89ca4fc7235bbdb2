"""Attachments of stock documents: who adds, sees and removes them, and what is left when it goes wrong."""

import os
import time
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from backoffice.attachments import keeping
from backoffice.attachments.errors import FileRefused
from backoffice.models import Attachment
from inventory import counts, documents
from inventory.counts import CountOrder
from inventory.models import Access, StockDocument
from tests.attached import PDF, add, entries, lying, picture, remove, said, upload
from tests.inventory.factories import sku, stock, warehouse
from tests.inventory.sheets import xlsx

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]
D = Decimal


@pytest.fixture
def place(db):
    return warehouse("W")


@pytest.fixture
def see(people, place):
    """A client of a role that sees this warehouse only."""

    def client(role="warehouse_clerk"):
        Access.objects.get_or_create(user=people[role])[0].warehouses.add(place)
        return people.client(role)

    return client


@pytest.fixture
def document(place):
    """The preview of a count that differs by two."""
    stock(sku("A"), place, 10, "2.5")
    return counts.preview(file=xlsx([("A", 8)]), order=CountOrder(warehouse_id=place.pk), user=None)


# --- add and see -----------------------------------------------------------------------------------------------------


def test_several_files_by_one_choosing_stand_in_the_list_and_in_the_history(see, document, media):
    client = see()
    answer = add(client, document, upload(), upload(picture(), "箱子 1.jpeg"))
    assert "2 files are attached" in said(answer)
    first, second = Attachment.objects.all()
    assert (first.name, second.name, second.kind) == ("invoice.pdf", "箱子 1.jpg", "jpg")
    assert lying(media) == sorted([f"{first.token}.pdf", f"{second.token}.jpg"])
    assert oct((media / f"{first.token}.pdf").stat().st_mode)[-3:] == "600"
    page = answer.content.decode()
    assert page.count('yk-file"') == 2
    assert "warehouse_clerk" in page
    assert sorted(entries(document, "attachment.add")) == ["invoice.pdf", "箱子 1.jpg"]


def test_a_pdf_is_saved_and_never_shown_and_a_picture_is_never_run(see, document):
    client = see()
    add(client, document, upload(), upload(picture(), "a.jpg"))
    pdf, photo = (client.get(reverse("attachment", args=[row.token])) for row in Attachment.objects.all())
    assert pdf.headers["Content-Disposition"] == 'attachment; filename="invoice.pdf"'
    assert (pdf.headers["Content-Type"], b"".join(pdf.streaming_content)) == ("application/pdf", PDF)
    assert photo.headers["Content-Type"] == "image/jpeg"
    for one in (pdf, photo):
        assert one.headers["X-Content-Type-Options"] == "nosniff"
        assert one.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert one.headers["Cache-Control"].startswith("private")


def test_one_that_is_refused_is_named_and_the_others_stay(see, document, media):
    answer = add(see(), document, upload(b"<html>", "rechnung.pdf"), upload())
    assert "“rechnung.pdf”: only pictures (JPEG, PNG, WebP) and PDF" in said(answer)
    assert "1 file is attached" in said(answer)
    assert len(lying(media)) == Attachment.objects.count() == 1


def test_nothing_chosen_is_said(see, document):
    address = reverse("attachment_add", args=["inventory.stockdocument", document.pk])
    assert "Choose a file first" in said(see().post(address, follow=True))


def test_the_same_file_twice_is_said_and_kept_once(see, document, media):
    client = see()
    add(client, document)
    assert "“again.pdf” is attached already, as “invoice.pdf”" in said(add(client, document, upload(name="again.pdf")))
    assert (len(lying(media)), Attachment.objects.count()) == (1, 1)
    remove(client, Attachment.objects.get())
    assert "is attached" in said(add(client, document))
    assert Attachment.objects.filter(removed_at=None).count() == 1


def test_the_database_refuses_a_twin(see, document):
    add(see(), document)
    row = Attachment.objects.get()
    row.pk, row.token = None, "other"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_so_many_and_no_more(see, document, monkeypatch):
    monkeypatch.setattr(keeping, "MOST", 1)
    client = see()
    add(client, document)
    assert "at most 1 files fit here" in said(add(client, document, upload(picture(), "a.jpg")))
    assert Attachment.objects.count() == 1


def test_a_bad_name_is_shown_as_text(see, document):
    page = add(see(), document, upload(name="<script>alert(1)<_script>\u202e.pdf")).content.decode()
    assert "<script>alert" not in page
    assert "_script_alert(1)__script_.pdf" in page


# --- rights ----------------------------------------------------------------------------------------------------------


def test_who_does_not_see_the_document_sees_no_attachment(see, people, document):
    add(see(), document)
    row = Attachment.objects.get()
    Access.objects.create(user=people["ops_admin"]).warehouses.add(warehouse("ELSEWHERE"))
    other = people.client("ops_admin")
    assert other.get(reverse("attachment", args=[row.token])).status_code == 404
    assert other.post(reverse("attachment_remove", args=[row.token]), {"why": "x"}).status_code == 404
    assert add(other, document).status_code == 404
    assert people.client("customer_service").get(reverse("attachment", args=[row.token])).status_code == 403
    assert Attachment.objects.filter(removed_at=None).count() == 1


def test_who_reads_only_sees_and_adds_nothing(see, document, media):
    add(see(), document)
    row, auditor = Attachment.objects.get(), see("auditor")
    assert auditor.get(reverse("attachment", args=[row.token])).status_code == 200
    assert add(auditor, document, upload(picture(), "a.jpg")).status_code == 403
    assert "only who added it may remove it" in said(remove(auditor, row))
    page = auditor.get(reverse("admin:inventory_stockdocument_change", args=[document.pk])).content.decode()
    assert ("invoice.pdf" in page, "yk-add" in page, "yk-remove" in page) == (True, False, False)
    assert len(lying(media)) == 1


@pytest.mark.parametrize("kind", ["inventory.sku", "auth.user", "nothing", "inventory.stockdocument"])
def test_what_has_no_attachments_or_is_not_there(see, kind):
    assert see("owner").post(reverse("attachment_add", args=[kind, 987654321])).status_code == 404


def test_whoever_added_it_removes_it_until_the_document_is_posted(
    see, document, media, django_capture_on_commit_callbacks
):
    clerk, boss = see(), see("ops_admin")
    add(clerk, document, upload(), upload(picture(), "a.jpg"))
    first, second = Attachment.objects.all()
    assert "Say why" in said(remove(clerk, first, why="  "))
    with django_capture_on_commit_callbacks(execute=True):
        answer = remove(clerk, first)
    assert "Who and why stays" in said(answer)
    assert "the wrong one" in answer.content.decode()
    assert entries(document, "attachment.remove") == ["invoice.pdf · the wrong one"]
    assert lying(media) == [f"{second.token}.jpg"]
    assert "is removed already" in said(remove(clerk, first))

    counts.post(document_id=document.pk, user=None)
    assert "once the document is booked" in said(remove(clerk, second))
    assert "is attached" in said(add(clerk, document, upload(picture("PNG"), "late.png")))
    assert "Who and why stays" in said(remove(boss, second))
    assert Attachment.objects.get(pk=second.pk).removed_by.endswith("ops_admin")


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_on_the_disk_is_a_sentence(see, document, media):
    client = see()
    add(client, document)
    row = Attachment.objects.get()
    (media / f"{row.token}.pdf").unlink()
    answer = client.get(reverse("attachment", args=[row.token]))
    assert answer.status_code == 404
    assert "Bring the media folder back from the backup" in answer.content.decode()
    assert (
        "invoice.pdf"
        in client.get(reverse("admin:inventory_stockdocument_change", args=[document.pk])).content.decode()
    )
    remove(client, row)
    assert "is removed already" in client.get(reverse("attachment", args=[row.token])).content.decode()


def test_a_lost_transaction_leaves_no_file(document, media, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(keeping.audit, "record", broken)
    with pytest.raises(RuntimeError):
        keeping.keep(document, upload(), name="a.pdf", actor="user:1 li")
    assert (lying(media), Attachment.objects.count()) == ([], 0)


def test_what_a_killed_worker_left_is_swept_after_an_hour(document, media):
    kept = keeping.keep(document, upload(), name="a.pdf", actor="user:1 li")
    old = time.time() - keeping.LEFT - 60
    for name, when in (("lost.pdf", old), ("fresh.pdf", time.time()), (f"{kept.token}.pdf", old)):
        (media / name).touch()
        os.utime(media / name, (when, when))
    assert keeping.sweep() == 1
    assert lying(media) == sorted(["fresh.pdf", f"{kept.token}.pdf"])


def test_files_of_a_dropped_preview_go_with_it(see, document, media, django_capture_on_commit_callbacks):
    add(see(), document)
    with django_capture_on_commit_callbacks(execute=True):
        documents.discard(document_id=document.pk)
    assert (Attachment.objects.count(), lying(media)) == (0, [])


def test_nothing_is_added_to_what_was_dropped_meanwhile(document, media):
    StockDocument.objects.filter(pk=document.pk).delete()
    with pytest.raises(FileRefused, match="the document was dropped meanwhile"):
        keeping.keep(document, upload(), name="a.pdf", actor="user:1 li")
    assert lying(media) == []
