"""How a failed task is retried, and how a task says why it failed or did nothing; no value of a person."""

import json
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import NoReturn, ParamSpec, TypeVar

from airflow.sdk import get_current_context
from airflow.sdk.definitions.retry_policy import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from lakehouse.errors import (
    ContractError,
    Damaged,
    LivingLabError,
    NotReady,
    Refused,
    UnreadableInput,
    WrongUse,
)
from livinglab_airflow.task_events import task_events

P = ParamSpec("P")
R = TypeVar("R")

REFUSAL_KEY = "refusal"
"""The XCom under which a failed task leaves code, message and remedy."""

OUTCOME_KEY = "outcome"
"""The XCom under which a skipped task leaves why there was nothing to do; the run's receipt shows it."""

FAULT_CODE = "FAULT"
ENGINES = frozenset({"pyspark", "py4j", "grpc", "sqlite3", "sqlalchemy", "psycopg"})
"""Packages whose errors may pass by themselves, as those of disk and network may."""

OWN_PACKAGES = frozenset({"lakehouse", "livinglab_airflow"})


class TaskFaultError(LivingLabError):
    """A fault of our program: its type and place, without a message that could quote a row."""

    code = FAULT_CODE


class MachineFaultError(TaskFaultError):
    """A fault of disk, network, memory or an engine: a second try may do better."""


FINAL_ERRORS = (Refused, ContractError, WrongUse, UnreadableInput, NotReady, Damaged)
"""What a second try cannot change. Unavailable and faults of the machine are tried again."""

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=MachineFaultError, action=RetryAction.RETRY, reason="it may pass by itself"),
        RetryRule(exception=TaskFaultError, action=RetryAction.FAIL, reason="a fault stays a fault"),
        *(
            RetryRule(
                exception=error, action=RetryAction.FAIL, reason=f"{error.code}: a retry changes nothing"
            )
            for error in FINAL_ERRORS
        ),
    ]
)


def say_refusals(verb: Callable[P, R]) -> Callable[P, R]:
    """Let a task that ends with a LivingLabError leave it as an XCom before it fails.

    Any other error is named by type and place only: the messages of parsers and engines quote rows.
    """

    @wraps(verb)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with task_events(verb.__name__):
                return verb(*args, **kwargs)
        except LivingLabError as error:
            _leave_refusal(error.as_json())
            raise
        except AirflowException:
            raise
        except Exception as error:  # noqa: BLE001  the edge of a task: what is logged must not quote rows
            fault = _as_fault(error)
            _leave_refusal(fault.as_json())
            raise fault from None

    return spoken


def end_without_change(said: str) -> NoReturn:
    """Skip the running task because nothing is left for it to do; `said` stands in its log and receipt."""
    get_current_context()["ti"].xcom_push(key=OUTCOME_KEY, value=said)
    raise AirflowSkipException(said)


def _leave_refusal(refusal: dict[str, object]) -> None:
    get_current_context()["ti"].xcom_push(key=REFUSAL_KEY, value=json.loads(json.dumps(refusal, default=str)))


def _as_fault(error: Exception) -> TaskFaultError:
    passing = isinstance(error, OSError | MemoryError) or type(error).__module__.partition(".")[0] in ENGINES
    kind = MachineFaultError if passing else TaskFaultError
    return kind(f"{type(error).__name__} at {_place(error)}", errno=getattr(error, "errno", None))


def _place(error: Exception) -> str:
    """Return file and line of the last step in our own code."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if frame.filename != __file__]
    own = [frame for frame in inside if OWN_PACKAGES.intersection(Path(frame.filename).parts)]
    last = (own or inside or frames)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"
