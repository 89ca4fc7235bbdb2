"""Gunicorn's configuration: `gunicorn -c python:backoffice.gunicorn backoffice.wsgi`."""

from __future__ import annotations

import os
from typing import Any

from backoffice import env, tether

bind = env.text("YIKU_BIND", "127.0.0.1:8000")
workers = env.whole("WEB_PROCESSES", 2, least=1, most=64)
threads = env.whole("WEB_THREADS", 4, least=1, most=64)
worker_class = "gthread"
timeout = 60  # a request that takes longer is stuck: its process is replaced
graceful_timeout = 15
keepalive = 5
max_requests, max_requests_jitter = 5_000, 500
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 — gunicorn's own heartbeat files
accesslog = None
errorlog = "-"
loglevel = "warning"
proc_name = "yiku-web"
forwarded_allow_ips = env.text("FORWARDED_ALLOW_IPS", "127.0.0.1")
limit_request_line, limit_request_fields, limit_request_field_size = 8190, 100, 8190

if env.flag("DEMO") and not bind.startswith(("127.0.0.1:", "[::1]:", "localhost:")):
    raise env.ImproperlyConfigured(f"YIKU_BIND={bind}: the demo listens on this machine only.")

tether.tie_children()


def post_worker_init(worker: Any) -> None:
    """Start the sign of life of a web process, once the application is loaded."""
    from backoffice import startup
    from backoffice.health import BeatingThread

    startup.settle()
    BeatingThread("web").start()
