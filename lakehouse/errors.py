"""Every refusal of LivingLab, in one tree.

    LivingLabError
    ├── WrongUse            2  WRONG_USE            the call is not of the command's form
    ├── UnreadableInput     2  UNREADABLE_INPUT     a file or document cannot be understood
    ├── ContractError       2  CONTRACT_ERROR       a contract, policy or site file is wrong
    ├── NotReady            3  NOT_READY            the site lacks something: Java, models, a home
    ├── Refused             4  POLICY_REFUSED       a rule forbids it
    │   ├── NotAllowed      4  NOT_ALLOWED          the actor's roles do not cover it
    │   ├── ConsentRefused  4  CONSENT_REFUSED      no consent or permit covers it
    │   └── BudgetExhausted 4  BUDGET_EXHAUSTED     the privacy loss no longer fits
    ├── NotVerified         5  NOT_VERIFIED         a proof does not hold
    ├── Damaged             6  DAMAGED              store and log disagree
    └── Unavailable         7  UNAVAILABLE          something needed cannot be reached

Messages are facts with numbers; `remedy` is the way out. Neither holds a value of a person.
"""

from collections.abc import Mapping


class LivingLabError(Exception):
    """A fact that ends a command; `facts` are further machine-readable fields."""

    code = "ERROR"
    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.facts: Mapping[str, object] = facts

    def as_json(self) -> dict[str, object]:
        """Return the `error` object of INTERFACE, Rules."""
        return {"code": self.code, "message": self.message, "remedy": self.remedy, **self.facts}


class WrongUse(LivingLabError):
    """The call is not of the command's form."""

    code, exit_code = "WRONG_USE", 2


class UnreadableInput(LivingLabError):
    """A file or document given by the user cannot be understood."""

    code, exit_code = "UNREADABLE_INPUT", 2


class ContractError(LivingLabError):
    """A contract, policy or site file is wrong; names file, key and the allowed values."""

    code, exit_code = "CONTRACT_ERROR", 2

    def __init__(self, file: str, key: str, problem: str, *, allowed: tuple[str, ...] = ()) -> None:
        choices = f"allowed: {', '.join(allowed)}" if allowed else f"mend {key!r} in {file}"
        super().__init__(
            f"{file}: {key}: {problem}", remedy=choices, file=file, key=key, allowed=list(allowed)
        )
        self.file, self.key, self.problem, self.allowed = file, key, problem, allowed


class NotReady(LivingLabError):
    """The site lacks something that set-up provides."""

    code, exit_code = "NOT_READY", 3


class Refused(LivingLabError):
    """A rule of the site forbids what was asked."""

    code, exit_code = "POLICY_REFUSED", 4


class NotAllowed(Refused):
    """The actor's roles do not cover the verb."""

    code = "NOT_ALLOWED"


class ConsentRefused(Refused):
    """No consent or permit covers the purpose."""

    code = "CONSENT_REFUSED"


class BudgetExhausted(Refused):
    """The privacy loss asked for does not fit what is left."""

    code = "BUDGET_EXHAUSTED"


class NotVerified(LivingLabError):
    """A proof does not hold, or could not be checked."""

    code, exit_code = "NOT_VERIFIED", 5


class Damaged(LivingLabError):
    """Store and log disagree, or a file of the home cannot be parsed."""

    code, exit_code = "DAMAGED", 6


class Unavailable(LivingLabError):
    """A vault, database, witness or disk that is needed cannot be reached."""

    code, exit_code = "UNAVAILABLE", 7
