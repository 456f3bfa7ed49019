"""What jobs show about an account's login: when they fail for good, and when they don't."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.incidents import Reason
from bot.core.jobs import (
    MAX_JOBS,
    Job,
    JobSummary,
    Outcome,
    has_failing_jobs,
    judge_all_jobs,
    judge_jobs,
    outcome_of,
    report_jobs,
)
from bot.core.secrets import Redactor
from bot.core.usage_parsing import parse_jobs
from bot.errors import UnreadableAnswer
from bot.useapi.fake import USER_NUMBER, build_job

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def summary_of(*codes: int | None, newest: timedelta = 10 * MINUTE, apart: timedelta = MINUTE) -> JobSummary:
    """Return what jobs with these codes show, newest first, the newest of them so long ago."""
    jobs = [Job("a", NOW - newest - number * apart, outcome_of(code)) for number, code in enumerate(codes)]
    return report_jobs(jobs, NOW).of("a")


@pytest.mark.parametrize(
    ("codes", "verdict", "reason"),
    [
        ((401, 401, 401), True, Reason.REFUSED),
        ((403, 403, 403, 201), True, Reason.REFUSED),
        ((596, 596, 596), True, Reason.ON_HOLD),
        ((402, 412, 412, 200), True, Reason.OUT_OF_CREDITS),
        ((412, 401, 596), True, Reason.OUT_OF_CREDITS),
        ((401, 422, 401, 429, 503, 401), True, Reason.REFUSED),
        ((401, None, 401, 400, 404, 401), True, Reason.REFUSED),
        ((401, 401), None, Reason.REFUSED),
        ((401, 401, 201), False, Reason.REFUSED),
        ((201, 401, 401, 401), False, None),
        ((422, 422, 422, 422), None, None),
        ((429, 429, 429, 429), None, None),
        ((500, 502, 503, 504), None, None),
        ((None, None, None, None), None, None),
        ((400, 404, 418, 302), None, None),
        ((), None, None),
    ],
)
def test_three_failures_that_repeat_are_a_failing_account(
    codes: Sequence[int | None], *, verdict: bool | None, reason: Reason | None
) -> None:
    """Only refusals, missing credits and holds count, after the last success; others neither count nor end a run."""
    summary = summary_of(*codes)
    assert judge_jobs(summary, None, NOW) is verdict
    assert summary.reason is reason


def test_old_failures_are_no_signal() -> None:
    """An account whose newest failure is over an hour old gives no signal, neither good nor bad."""
    assert judge_jobs(summary_of(401, 401, 401, newest=HOUR), None, NOW)
    assert judge_jobs(summary_of(401, 401, 401, newest=HOUR + MINUTE), None, NOW) is None


def test_a_refusal_of_an_earlier_login_is_over() -> None:
    """A login that was issued after the last refusal has not been refused; missing credits outlast it."""
    issued = NOW - 5 * MINUTE
    assert judge_jobs(summary_of(401, 401, 401), issued, NOW) is False
    assert judge_jobs(summary_of(401, 401, 401), NOW - HOUR, NOW)
    assert judge_jobs(summary_of(412, 412, 412), issued, NOW)


def test_a_new_login_is_judged_by_its_own_jobs() -> None:
    """Refusals of the login before do not count against the one that replaced it."""
    summary = summary_of(401, 401, 401, 401, 401)
    assert judge_jobs(summary, NOW - 12.5 * MINUTE, NOW)
    assert judge_jobs(summary, NOW - 11.5 * MINUTE, NOW) is False


@pytest.mark.parametrize("has_incident", [True, False])
def test_only_the_database_knows_whose_refusals_they_are(*, has_incident: bool) -> None:
    """Where the issue of a login is not reported, refusals fail an account as long as its incident is open."""
    assert has_failing_jobs(summary_of(401, 401, 401), None, NOW, has_incident=has_incident) is has_incident
    assert has_failing_jobs(summary_of(596, 596, 596), None, NOW, has_incident=has_incident)


def test_a_time_in_the_future_is_no_job() -> None:
    """A job that is dated later than the clocks can differ is left out."""
    assert judge_jobs(summary_of(401, 401, 401, newest=-4 * MINUTE), None, NOW)
    assert judge_jobs(summary_of(401, 401, 401, newest=-DAY), None, NOW) is None


@pytest.mark.parametrize(
    ("streams", "verdict"),
    [
        ([(500, 502, 503), (504, 504, 520)], True),
        ([(500, 502, 503), (504, 504, 520), (401, 401, 401)], True),
        ([(500, 502, 503), (504, 504, 520), ()], True),
        ([(500, 502, 503)], None),
        ([(500, 502, 503), (504, 504)], None),
        ([(500, 502, 503), (504, 504, 520), (201,)], False),
        ([(201, 502, 503), (504, 504, 520)], False),
        ([(401, 401, 401), (596, 596, 596)], None),
        ([(422, 429, 422), (429, 422, 429)], None),
        ([], None),
    ],
)
def test_server_errors_count_only_for_all_accounts_together(
    streams: Sequence[Sequence[int]], *, verdict: bool | None
) -> None:
    """If every account gets server errors, useapi.net or MiniMax fails; a success of one account ends that."""
    assert judge_all_jobs([summary_of(*codes) for codes in streams], NOW) is verdict


def test_old_server_errors_and_successes_are_no_signal() -> None:
    """Accounts without a job within an hour neither make nor end a failure of all."""
    old = [summary_of(500, 500, 500, newest=2 * HOUR), summary_of(201, newest=2 * HOUR)]
    assert judge_all_jobs(old, NOW) is None
    assert judge_all_jobs([*old, summary_of(500, 500, 500), summary_of(500, 500, 500)], NOW)


def test_ten_thousand_ordinary_streams_raise_no_alarm() -> None:
    """With 5 % of moderation, load and server errors no account is ever found failing, nor all of them."""
    dice = random.Random(1)
    raised = 0
    for _ in range(2_000):
        jobs = [
            Job(account, NOW - number * 7 * MINUTE, outcome_of(_draw(dice)))
            for account in "abcde"
            for number in range(dice.randint(1, 40))
        ]
        report = report_jobs(jobs, NOW)
        raised += sum(judge_jobs(one, None, NOW) is True for one in report.summaries.values())
        raised += judge_all_jobs(report.summaries.values(), NOW) is True
    assert raised == 0


def _draw(dice: random.Random) -> int:
    return 201 if dice.random() >= 0.05 else dice.choice([422, 429, 500, 502, 503, 504])


def test_counts_are_of_24_hours() -> None:
    """The counts leave out older jobs; the last success is known all the same."""
    summary = summary_of(422, 201, 201, newest=HOUR, apart=12 * HOUR)
    assert summary.counts == {Outcome.MODERATED: 1, Outcome.SUCCEEDED: 1}
    assert (summary.total, summary.since, summary.succeeded_at) == (2, NOW - DAY, NOW - 13 * HOUR)
    assert summary_of(201, newest=3 * DAY).succeeded_at == NOW - 3 * DAY


def test_an_account_without_jobs_has_none_since_then() -> None:
    """An account that the answer does not name had no job."""
    assert report_jobs([], NOW).of("b") == JobSummary({}, NOW - DAY)


def answer(*rows: Any, **changes: Any) -> dict[str, Any]:
    """Return the documented answer with these rows."""
    return {"bot": "minimax", "date": "2026-01-01", "total": len(rows), "data": list(rows)} | changes


def parsed(data: object) -> dict[str, JobSummary]:
    """Return the summaries in an answer."""
    return dict(parse_jobs(data, Redactor(), NOW).summaries)


def test_the_documented_answer_is_read() -> None:
    """Each row counts for its account, in whatever order, without its job's id."""
    rows = [build_job(key, NOW - number * MINUTE, 201) for number, key in enumerate(["1", "2", "1"])]
    report = parse_jobs(answer(*rows[::-1]), Redactor(), NOW)
    assert {key: one.total for key, one in report.summaries.items()} == {"1": 2, "2": 1}
    assert report.summaries["1"].succeeded_at == NOW
    assert str(USER_NUMBER) not in repr(report)
    assert "user:" not in repr(report)


def test_a_full_answer_may_not_reach_back() -> None:
    """Of as many jobs as were requested, the counts begin with the oldest; odd rows among them count as well."""
    rows = [build_job("1", NOW - number * timedelta(seconds=1)) for number in range(MAX_JOBS - 1)]
    assert parse_jobs(answer(*rows, {}), Redactor(), NOW).since == NOW - (MAX_JOBS - 2) * timedelta(seconds=1)
    assert parse_jobs(answer(*rows), Redactor(), NOW).since == NOW - DAY


@pytest.mark.parametrize(
    ("total", "since"), [(3, HOUR), (2, DAY), (1, DAY), (None, DAY), ("3", DAY), (float("nan"), DAY)]
)
def test_an_answer_with_fewer_jobs_than_there_are(total: object, since: timedelta) -> None:
    """If useapi.net gives fewer jobs than it counts, the counts begin with the oldest one."""
    rows = [build_job("1", NOW), build_job("1", NOW - HOUR)]
    assert parse_jobs(answer(*rows, total=total), Redactor(), NOW).since == NOW - since


@pytest.mark.parametrize("data", [answer(), {"total": 0}, answer(summary=None), answer(data=[], total=None)])
def test_no_jobs_are_an_empty_report(data: object) -> None:
    """An answer without rows, with or without the summary, is known to have no jobs."""
    assert parsed(data) == {}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {},
        {"error": "Unauthorized", "code": 401},
        {"total": 3},
        {"data": None, "total": 2},
        {"data": {}, "total": 0},
        answer("text", 7, None),
        answer({"code": 401}),
        answer({"config": "1", "code": 401}),
        answer({"config": "1", "timestamp": "yesterday", "code": 401}),
    ],
)
def test_an_unknown_shape_is_unreadable(data: object) -> None:
    """What is not the documented answer is never read as an answer without jobs."""
    with pytest.raises(UnreadableAnswer):
        parsed(data)


@pytest.mark.parametrize("code", [None, "401", True, 401.5, -1, 10**400, [401], {}, float("nan")])
def test_an_unknown_code_is_an_unknown_outcome(code: Any) -> None:
    """A job without a readable code is neither a success nor a failure, and not counted among those that ended."""
    rows = [{**build_job("1", NOW - number * MINUTE), "code": code} for number in range(4)]
    summary = parsed(answer(*rows))["1"]
    assert (summary.total, summary.reason, summary.succeeded_at) == (0, None, None)


@pytest.mark.parametrize(
    "config", [None, "", " ", "..", "a\x00", "x" * 257, ["1"], "user:77", f"1-user:{USER_NUMBER}-bot:minimax"]
)
def test_an_odd_account_is_skipped(config: Any) -> None:
    """A row whose account is no id, or holds a job's id or a user's number, is left out; the others count."""
    assert parsed(answer({**build_job("1", NOW), "config": config}, build_job("2", NOW))).keys() == {"2"}
