"""The ground's own rows: people and traces, attachments, imports, incidents, messages to customers and staff."""

from backoffice.models.attachments import Attachment
from backoffice.models.ground import (
    ApiKey,
    ApiUsage,
    AuditEntry,
    BackupCode,
    Heartbeat,
    IdempotentReply,
    Lease,
    Progress,
    SecondFactor,
    TaskAttempt,
    Upload,
    User,
)
from backoffice.models.imports import ImportRow, ImportRun
from backoffice.models.incidents import (
    Incident,
    IncidentCause,
    IncidentEntry,
    IncidentLink,
    IncidentRule,
    IncidentStep,
    WorkTime,
)
from backoffice.models.messages import MessageTemplate, NoticePreference, OutgoingMessage, Robot, StaffNotice

__all__ = [
    "ApiKey",
    "ApiUsage",
    "Attachment",
    "AuditEntry",
    "BackupCode",
    "Heartbeat",
    "IdempotentReply",
    "ImportRow",
    "ImportRun",
    "Incident",
    "IncidentCause",
    "IncidentEntry",
    "IncidentLink",
    "IncidentRule",
    "IncidentStep",
    "Lease",
    "MessageTemplate",
    "NoticePreference",
    "OutgoingMessage",
    "Progress",
    "Robot",
    "SecondFactor",
    "StaffNotice",
    "TaskAttempt",
    "Upload",
    "User",
    "WorkTime",
]
