"""The address that scanning pages send a photo to."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from backoffice.papers import codes
from tests.backoffice.scanning.pictures import bars, file

pytestmark = pytest.mark.django_db
URL, BACKEND = "/admin/scan/photo/", "django.contrib.auth.backends.ModelBackend"


def sent(content=None):
    picture = file(bars(codes.code128("P123"))) if content is None else content
    return {"photo": SimpleUploadedFile("x.jpg", picture)}


def test_whoever_works_here_gets_the_codes(people, client):
    client.force_login(people["warehouse_clerk"], backend=BACKEND)
    answer = client.post(URL, sent())
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "codes": [{"text": "P123", "kind": "code128"}]})
    assert "no-store" in answer["Cache-Control"]


def test_a_refusal_says_why_in_the_persons_language(people, client):
    client.force_login(people["warehouse_clerk"], backend=BACKEND)
    answer = client.post(URL, sent(b"GIF89a"), headers={"Accept-Language": "zh-hans"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "photo_kind"
    assert client.post(URL, {}).json()["code"] == "photo_missing"


def test_strangers_and_other_sites_get_nothing(people, client):
    assert client.post(URL, sent()).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people["warehouse_clerk"], backend=BACKEND)
    assert strict.post(URL, sent()).status_code == 403
    client.force_login(people["warehouse_clerk"], backend=BACKEND)
    assert client.get(URL).status_code == 405
