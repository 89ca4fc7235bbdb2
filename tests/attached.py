"""Files as people attach them, good and bad."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from backoffice import audit
from backoffice.models import AuditEntry

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"


def picture(kind="JPEG", size=(40, 30), **more) -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", size, "orange").save(out, kind, **more)
    return out.getvalue()


def upload(data=PDF, name="invoice.pdf") -> SimpleUploadedFile:
    """A file as a form brings it."""
    return SimpleUploadedFile(name, data)


def add(client, row, *sent, **fields):
    """Attach files to a document: a PDF, if none is named."""
    address = reverse("attachment_add", args=[row._meta.label_lower, row.pk])
    return client.post(address, {"papers": list(sent) or [upload()], **fields}, follow=True)


def remove(client, row, why="the wrong one"):
    """Take an attachment away."""
    return client.post(reverse("attachment_remove", args=[row.token]), {"why": why}, follow=True)


def said(answer) -> str:
    """What the page said on top."""
    return " ".join(str(one) for one in answer.context["messages"])


def lying(media) -> list[str]:
    """The files on the disk."""
    return sorted(path.name for path in media.iterdir()) if media.exists() else []


def entries(row, action):
    """What the history of a document says."""
    return list(
        AuditEntry.objects.filter(target=audit.target_text(row), action=action).values_list("summary", flat=True)
    )
