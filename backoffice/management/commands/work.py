"""`manage.py work`: the task workers."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from backoffice import health, startup, tether

BEAT_EVERY = 10.0
_last = 0.0


class Command(BaseCommand):
    """Run the django-q cluster, tied together: when its parent dies, no worker works on alone."""

    help = "Take jobs from the queue and do them, until stopped. SIGTERM lets running jobs finish."

    def handle(self, *args: Any, **options: Any) -> None:
        """Start the cluster and stay with it."""
        startup.refuse_public_passwords()
        from django_q.cluster import Cluster
        from django_q.signals import pre_execute

        tether.tie_children()
        startup.settle()
        pre_execute.connect(_beat, dispatch_uid="backoffice.work")
        Cluster().start()


def _beat(**kwargs: Any) -> None:
    """A worker that takes jobs is alive, also while so many wait that the beat's own turn is far off."""
    global _last
    if time.monotonic() - _last < BEAT_EVERY:
        return
    _last = time.monotonic()
    try:
        health.worker_beat()
    except DatabaseError:
        return  # the job itself will meet the same database and say so
