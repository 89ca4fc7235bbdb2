"""Settings: typed environment variables, safe by default. `make run` writes the keys it needs into var/ once."""

from __future__ import annotations

from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from backoffice import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("YIKU_VAR", str(BASE_DIR / "var")))

DEMO = env.flag("DEMO")
DEBUG = env.flag("DEBUG")
TESTING = env.flag("YIKU_TESTING")

SECRET_KEY = env.secret("SECRET_KEY", VAR_DIR / "secret_key") or ("test-" * 12 if TESTING else "")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
FIELD_KEYS = env.secret("FIELD_KEYS", VAR_DIR / "field_keys").split() or (
    ["dGVzdC10ZXN0LXRlc3QtdGVzdC10ZXN0LXRlc3QtdGU="] if TESTING else []
)
HASH_KEY = env.secret("HASH_KEY", VAR_DIR / "hash_key") or ("test-" * 12 if TESTING else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY is missing: set it, or let `make run` write var/secret_key.")

ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
EGRESS_ALLOW = env.words("EGRESS_ALLOW")  # host or host:port that may be private or plain http (sandbox, same machine)
SECURE = env.flag("SECURE", default=not (DEMO or DEBUG or TESTING))

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "import_export",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_q",
    "axes",
    "backoffice",
    "inventory",
    "finance",
    "orders",
    "channels",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"
AUTH_USER_MODEL = "backoffice.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "backoffice" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASE_URL = env.text("DATABASE_URL", f"sqlite:///{VAR_DIR / 'yiku.sqlite3'}")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=env.whole("CONN_MAX_AGE", 60))}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA recursive_triggers=ON;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = env.text("LANGUAGE_CODE", "zh-hans")
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "backoffice" / "locale"]
TIME_ZONE = env.text("TIME_ZONE", "Asia/Shanghai")
USE_I18N = USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
MEDIA_ROOT = VAR_DIR / "media"

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
LOGIN_URL = reverse_lazy("admin:login")
UNFOLD = {"SITE_TITLE": _("Yiku"), "SITE_HEADER": _("Yiku")}
WORKERS = env.whole("WORKERS", 2, least=1, most=64)
Q_CLUSTER = {
    "name": "yiku",
    "orm": "default",
    "workers": WORKERS,
    "queue_limit": WORKERS,
    "bulk": 1,
    "timeout": 120,
    "retry": 400,
    "max_attempts": 3,
    "ack_failures": False,
    "save_limit": 200,
    "scheduler": False,
    "catch_up": False,
    "poll": 0.2,
    "guard_cycle": 0.5,
    "label": _("Tasks"),
}
