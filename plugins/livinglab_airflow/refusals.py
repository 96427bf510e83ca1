"""How a failed task is retried, and how it says why it failed without a value of a person."""

import json
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from airflow.sdk import get_current_context
from airflow.sdk.definitions.retry_policy import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowException

from lakehouse.errors import (
    ContractError,
    Damaged,
    LivingLabError,
    NotReady,
    Refused,
    UnreadableInput,
    WrongUse,
)

P = ParamSpec("P")
R = TypeVar("R")

REFUSAL_KEY = "refusal"
"""The XCom under which a failed task leaves code, message and remedy."""

FINAL_ERRORS = (Refused, ContractError, WrongUse, UnreadableInput, NotReady, Damaged)
"""What a second try cannot change. What is left, Unavailable and faults of the machine, is retried."""

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception=error, action=RetryAction.FAIL, reason=f"{error.code}: a retry changes nothing")
        for error in FINAL_ERRORS
    ]
)


FAULT_CODE = "FAULT"


class TaskFaultError(Exception):
    """A fault of program or machine: its type and place, without a message that could quote a row."""


def say_refusals(verb: Callable[P, R]) -> Callable[P, R]:
    """Let a task that ends with a LivingLabError leave it as an XCom before it fails.

    Any other error is named by type and place only: the messages of parsers and engines quote rows.
    """

    @wraps(verb)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return verb(*args, **kwargs)
        except LivingLabError as error:
            _leave_refusal(error.as_json())
            raise
        except AirflowException:
            raise
        except Exception as error:  # noqa: BLE001  the edge of a task: what is logged must not quote rows
            place = _type_and_place(error)
            _leave_refusal({"code": FAULT_CODE, "message": place, "errno": getattr(error, "errno", None)})
            raise TaskFaultError(place) from None

    return spoken


def _leave_refusal(refusal: dict[str, object]) -> None:
    get_current_context()["ti"].xcom_push(key=REFUSAL_KEY, value=json.loads(json.dumps(refusal, default=str)))


def _type_and_place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
    return f"{type(error).__name__} at {place}"
