"""Settings: typed environment variables, safe by default. `make run` writes the keys it needs into var/ once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from backoffice import env, logs

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
PDF_FONT = env.text("PDF_FONT")  # a font file with Chinese letters (path, or path#number in a collection); empty: found
PUBLIC_URL = env.address("PUBLIC_URL", plain=DEMO or DEBUG or TESTING)  # where the platforms' webhooks reach us
SECURE = env.flag("SECURE", default=not (DEMO or DEBUG or TESTING))
TRUSTED_PROXIES = env.whole("TRUSTED_PROXIES", 0, most=5)  # how many of our own proxies append to X-Forwarded-For

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "backoffice.admin_site.YikuAdminConfig",
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
    "backoffice.middleware.security_headers",
    "backoffice.middleware.alive",
    "backoffice.middleware.demo_at_home",
    "backoffice.middleware.body_limit",
    "backoffice.middleware.plain_methods",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "backoffice.middleware.session_limits",
    "backoffice.middleware.preferences",
    "backoffice.middleware.acting",
    "backoffice.twofactor.middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"
AUTH_USER_MODEL = "backoffice.User"
AUTHENTICATION_BACKENDS = [
    "backoffice.signin.AddressThrottle",
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
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
                "backoffice.demo_people.login_page",
                "backoffice.guides.guide_link",
            ],
        },
    },
]

DATABASE_URL = env.text("DATABASE_URL", f"sqlite:///{VAR_DIR / 'yiku.sqlite3'}")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=env.whole("CONN_MAX_AGE", 60))}
SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if SQLITE:
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA recursive_triggers=ON;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Django's None forbids preparing; so high a threshold leaves it to who asks (inventory.single_reservation).
    DATABASES["default"].setdefault("OPTIONS", {})["prepare_threshold"] = 1_000_000_000
    POOL = env.whole("DATABASE_POOL", 0, most=200)  # connections a process keeps open; 0: one per thread, CONN_MAX_AGE
    if POOL:
        DATABASES["default"]["CONN_MAX_AGE"] = 0
        DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 1, "max_size": POOL, "timeout": 10}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

FORMAT_MODULE_PATH = ["backoffice.formats"]
LANGUAGE_CODE = env.text("LANGUAGE_CODE", "zh-hans")
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "backoffice" / "locale"]
TIME_ZONE = env.text("TIME_ZONE", "Asia/Shanghai")
USE_I18N = USE_TZ = True

BASE_CURRENCY = env.text("BASE_CURRENCY", "CNY").upper()  # what the books are kept in; set it before the first voucher
ECB_RATES = env.flag("ECB_RATES", default=not (DEMO or TESTING))  # fetch the ECB's rates once a day

# --- incidents: how long something may stand before it becomes one ---------------------------------------------------

INCIDENT_ADDRESS_HOURS = env.whole("INCIDENT_ADDRESS_HOURS", 4, least=1, most=720)
INCIDENT_SHORTAGE_HOURS = env.whole("INCIDENT_SHORTAGE_HOURS", 8, least=1, most=720)
INCIDENT_ERROR_MINUTES = env.whole("INCIDENT_ERROR_MINUTES", 120, least=5, most=10_000)
INCIDENT_ERROR_ROWS = env.whole("INCIDENT_ERROR_ROWS", 20, least=1, most=10_000)

# --- messages: without a mail server or gateway they become files in VAR_DIR/outbox -----------------------------------

MAIL = env.mail_server("EMAIL_URL")  # smtp+tls://user:password@mail.example:587
EMAIL_FROM = DEFAULT_FROM_EMAIL = env.sender("EMAIL_FROM", "Yiku <yiku@localhost>")
SMS_URL = env.text("SMS_URL")  # where text messages are posted; see docs/incidents.md
SMS_BODY = env.json_text("SMS_BODY")
SMS_TOKEN = env.text("SMS_TOKEN")
SMS_SECRET = env.text("SMS_SECRET")
SMS_OK = env.text("SMS_OK")

# --- security --------------------------------------------------------------------------------------------------------

# Alpine, which unfold's pages are written with, evaluates its attributes: 'unsafe-eval' stays, inline scripts do not.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: https:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = env.whole("HSTS_SECONDS", 31_536_000) if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
if env.flag("BEHIND_PROXY"):  # a proxy of ours that always sets, and never passes on, X-Forwarded-Proto
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_IDLE = env.whole("SESSION_IDLE_MINUTES", 120, least=5) * 60
SESSION_LONGEST = env.whole("SESSION_LONGEST_HOURS", 12, least=1) * 3600
SESSION_COOKIE_AGE = SESSION_LONGEST
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# A guesser is stopped by user and address together: the user himself, at another address, still gets in.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = env.whole("LOGIN_FAILURES", 8, least=3)
AXES_COOLOFF_TIME = dt.timedelta(minutes=env.whole("LOGIN_PAUSE_MINUTES", 15, least=1))
LOGIN_FAILURES_PER_ADDRESS = env.whole("LOGIN_FAILURES_PER_ADDRESS", 60, least=10)  # one password, many users
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "backoffice.middleware.client_address"
AXES_LOCKOUT_TEMPLATE = "admin/locked_out.html"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "password", "csrfmiddlewaretoken"]
AXES_ENABLE_ACCESS_FAILURE_LOG = False
# Owner, bookkeeper and whoever may change rights or the shops' credentials set up a second factor before anything else.
REQUIRE_MFA = env.flag("REQUIRE_MFA", default=not (DEMO or TESTING))
CODE_FRESH = env.whole("CODE_FRESH_MINUTES", 15, least=1) * 60  # how long a code opens what asks for a fresh one
MOST_BODY_BYTES = 30 * 1024 * 1024  # a sheet of 25 MB and its form
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

# --- files -----------------------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
MEDIA_ROOT = Path(env.text("MEDIA_ROOT", str(VAR_DIR / "media")))  # with several web machines: a shared folder
FILE_UPLOAD_PERMISSIONS = 0o600
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- the REST API ----------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["backoffice.api.parsing.ShallowJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["backoffice.api.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["backoffice.api.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["backoffice.api.authentication.KeyThrottle"],
    "EXCEPTION_HANDLER": "backoffice.api.problems.handle",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Yiku REST API",
    "VERSION": "1",
    "DESCRIPTION": "Catalogue, stock, transfers, stocktakes, purchasing, orders and shipments of one installation. "
    "Errors are application/problem+json.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "OrderState": "orders.models.Order.State",
        "ShipmentState": "orders.models.Shipment.State",
        "LotState": "inventory.models.Lot.State",
        "TransferState": "inventory.models.Transfer.State",
        "StockDocumentState": "inventory.models.StockDocument.State",
        "StocktakeState": "inventory.models.Stocktake.State",
        "PurchaseState": "orders.models.PurchaseOrder.State",
        "SkuKind": "inventory.models.Sku.Kind",
        "StocktakeKind": "inventory.models.Stocktake.Kind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "backoffice.api.describing.problems_and_scopes",
    ],
}
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
UNFOLD = {
    "SITE_TITLE": _("Yiku"),
    "SITE_HEADER": _("Yiku"),
    "SITE_SUBHEADER": _("One stock, every shop"),
    "SITE_SYMBOL": "inventory_2",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("backoffice/icon.svg")},
    ],
    "LOGIN": {"image": lambda request: static("backoffice/login.svg")},
    "SITE_URL": None,
    "ACCOUNT": {
        "navigation": [
            {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
            {"title": _("Two-factor sign-in"), "link": reverse_lazy("two_factor")},
            {"title": _("My notices"), "link": reverse_lazy("notices")},
            {"title": _("How it goes"), "link": reverse_lazy("guides")},
        ]
    },
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "backoffice.home.dashboard",
    "ENVIRONMENT": "backoffice.site.environment",
    "STYLES": [lambda request: static("backoffice/yiku.css")],
    "SIDEBAR": {"show_search": True, "command_search": False},  # its lines: backoffice.site
    "COLORS": {
        "primary": {
            "50": "#eff6ff", "100": "#dbeafe", "200": "#bfdbfe", "300": "#93c5fd", "400": "#60a5fa", "500": "#3b82f6",
            "600": "#2563eb", "700": "#1d4ed8", "800": "#1e40af", "900": "#1e3a8a", "950": "#172554",
        }
    },
}  # fmt: skip
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

# --- logs ------------------------------------------------------------------------------------------------------------

logs.configure_structlog()
LOGGING = logs.dict_config(env.text("LOG_LEVEL", "INFO"), as_json=env.text("LOG_FORMAT", "text") == "json")
