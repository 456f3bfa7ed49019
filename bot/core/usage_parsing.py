"""Untrusted JSON of useapi.net into jobs and credits; each field is optional.

A job's id, which holds the number of a useapi.net user, is dropped.
"""

import math
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from bot.core.accounts import is_possible_id
from bot.core.credits import Credits, Portion
from bot.core.jobs import MAX_JOBS, Job, JobReport, outcome_of, report_jobs
from bot.core.lenient import LENIENT, IsoMoment, Moment, Text, whole_number_up_to
from bot.core.secrets import Redactor
from bot.errors import UnreadableAnswer

_LARGEST_CODE = 999
_MOST = 10**12
_LONGEST_TEXT = 200
_MAX_PORTIONS = 1_000
_KNOWN = ("totalCredits", "memberName", "memberHoverText", "expireText", "creditExpireText")


class _Row(BaseModel):
    timestamp: IsoMoment = None
    config: Text = None
    code: Annotated[int | None, BeforeValidator(whole_number_up_to(_LARGEST_CODE)), LENIENT] = None


def parse_jobs(data: object, redact: Redactor, now: datetime) -> JobReport:
    """Return what the jobs show in the answer about usage, read now.

    Rows without an account or a time are skipped. An account's id that holds a secret is no id.

    Raises:
        UnreadableAnswer: it is not the documented object, or no row of it can be used.
    """
    if not isinstance(data, dict):
        raise UnreadableAnswer("not an object")
    rows = data.get("data", [] if data.get("total") == 0 else None)
    if not isinstance(rows, list):
        raise UnreadableAnswer("no list of jobs")
    jobs = [job for row in rows if isinstance(row, dict) and (job := _parse_job(row)) is not None]
    if rows and not jobs:
        raise UnreadableAnswer("no job can be read")
    usable = {one for one in {job.account_id for job in jobs} if is_possible_id(one) and redact(one) == one}
    counted = data.get("total")
    is_cut = len(rows) >= MAX_JOBS or (isinstance(counted, int) and counted > len(rows))
    return report_jobs([job for job in jobs if job.account_id in usable], now, is_cut=is_cut)


def _parse_job(data: dict[str, Any]) -> Job | None:
    row = _Row.model_validate({key: data[key] for key in ("timestamp", "config", "code") if key in data})
    if row.timestamp is None or row.config is None:
        return None
    return Job(row.config, row.timestamp, outcome_of(row.code))


def _amount(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a number")
    if not 0 <= value <= _MOST:
        raise ValueError("out of range")
    return int(value)


_Amount = Annotated[int | None, BeforeValidator(_amount), LENIENT]


class _Portion(BaseModel):
    credit: _Amount = None
    end_time: Moment = Field(None, alias="endTime")


class _Document(BaseModel):
    total: _Amount = Field(None, alias="totalCredits")
    plan: Text = Field(None, alias="memberName")
    plan_note: Text = Field(None, alias="memberHoverText")
    expiry_note: Text = Field(None, alias="expireText")
    portions: Annotated[list[Annotated[_Portion | None, LENIENT]] | None, LENIENT] = Field(
        None, alias="creditExpireText"
    )


def parse_credits(data: object, redact: Redactor, now: datetime) -> Credits:
    """Return the credits of one account, read now.

    Raises:
        UnreadableAnswer: the value is not an object with any documented field.
    """
    if not isinstance(data, dict) or not data.keys() & set(_KNOWN):
        raise UnreadableAnswer("not the documented object")
    document = _Document.model_validate({key: data[key] for key in _KNOWN if key in data})
    portions = [
        Portion(one.credit, one.end_time)
        for one in (document.portions or [])[:_MAX_PORTIONS]
        if one is not None and one.credit and one.end_time is not None
    ]

    def clean(text: str | None) -> str | None:
        # Cut afterwards: of a secret at the end, a part would stay.
        return redact(text)[:_LONGEST_TEXT] if text else None

    return Credits(
        now,
        document.total,
        clean(document.plan),
        clean(document.plan_note),
        clean(document.expiry_note),
        tuple(sorted(portions, key=lambda one: one.expires_at)),
    )
