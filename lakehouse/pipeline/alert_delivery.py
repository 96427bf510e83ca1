"""Alerts go out: each is told once when it begins, and once when it has ended, to every receiver.

`alerts/told.json` of the home says who was told of what. Without it everything that fires is told again;
a receiver that did not take something is tried again at the next settling.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lakehouse.adapters.alert_receivers import Receiver, alert_receivers
from lakehouse.adapters.durable_files import write_durably
from lakehouse.core.alert_notice import AlertKey, AlertNotice, State, parse_told, render_told, untold
from lakehouse.core.alerts import Alert
from lakehouse.core.canonical import timestamp
from lakehouse.errors import Damaged, LivingLabError, Unavailable
from lakehouse.pipeline.alerts import firing_alerts
from lakehouse.pipeline.site import Site

FOLDER, TOLD = "alerts", "told.json"
LOCK = "alerts"
LOCK_SECONDS = 1.0
LARGEST_MEMORY = 1 << 20

Told = dict[str, dict[AlertKey, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How many notices went out, how many wait for a receiver, and what kept those back."""

    told: int = 0
    waiting: int = 0
    problems: tuple[str, ...] = ()

    def as_json(self) -> dict[str, int]:
        """Return the fields of `status --tell`."""
        return {"told": self.told, "waiting": self.waiting}


def settle_alerts(site: Site, say: Callable[[str], None]) -> None:
    """Tell what began or ended since the last time; `say` is told of what keeps it from going out."""
    if not site.alerts.told_anywhere:
        return
    try:
        problems = tell_alerts(site).problems
    except LivingLabError as error:
        problems = (error.message,)
    except OSError as error:
        problems = (f"{FOLDER}/ of the home cannot be written ({error.strerror})",)
    for problem in problems:
        say(f"alerts wait to be told: {problem}")


def tell_alerts(site: Site) -> Delivery:
    """Tell every receiver what it was not told; one process at a time.

    Raises Unavailable (another process is at it), Damaged (the memory), ContractError (a wrong threshold).
    """
    with site.locks.hold([LOCK], LOCK_SECONDS):
        firing = firing_alerts(site)
        receivers = alert_receivers(site.alerts)
        memory = _read_told(site)
        told = {receiver.target: memory.get(receiver.target, {}) for receiver in receivers}
        deliveries = [_tell_one(site, receiver, told, firing) for receiver in receivers]
    return Delivery(
        told=sum(own.told for own in deliveries),
        waiting=sum(own.waiting for own in deliveries),
        problems=tuple(problem for own in deliveries for problem in own.problems),
    )


def waiting_notices(site: Site) -> int:
    """Return how many notices no receiver has taken yet; 0 where the site names none. Raises Damaged."""
    if not site.alerts.told_anywhere:
        return 0
    firing, memory = firing_alerts(site), _read_told(site)
    listed = (untold(memory.get(own.target, {}), firing) for own in alert_receivers(site.alerts))
    return sum(len(began) + len(ended) for began, ended in listed)


def _tell_one(site: Site, receiver: Receiver, told: Told, firing: list[Alert]) -> Delivery:
    """Tell one receiver until it takes nothing more; what it took is kept at once."""
    own = told[receiver.target]
    notices = list(_notices(site, own, firing))
    for done, notice in enumerate(notices):
        try:
            receiver.send(notice)
        except Unavailable as error:
            return Delivery(told=done, waiting=len(notices) - done, problems=(error.message,))
        if notice.state == "began":
            own[notice.key] = notice.time
        else:
            del own[notice.key]
        write_durably(site.home.place(FOLDER, TOLD), render_told(told).encode())
    return Delivery(told=len(notices))


def _notices(site: Site, told: Mapping[AlertKey, str], firing: list[Alert]) -> Iterator[AlertNotice]:
    began, ended = untold(told, firing)
    for alert in began:
        yield _notice(site, "began", AlertKey.of(alert), alert.says, alert.remedy)
    for key in ended:
        yield _notice(site, "ended", key, f"{key.name} {key.about}: told since {told[key]}, ended", "")


def _notice(site: Site, state: State, key: AlertKey, says: str, remedy: str) -> AlertNotice:
    return AlertNotice(
        state=state,
        key=key,
        says=says,
        remedy=remedy,
        site=site.name,
        origin=site.home.origin,
        time=timestamp(site.clock()),
    )


def _read_told(site: Site) -> Told:
    path = site.home.place(FOLDER, TOLD)
    try:
        with path.open(encoding="utf-8") as file:
            return parse_told(file.read(LARGEST_MEMORY))
    except FileNotFoundError:
        return {}
    except (IsADirectoryError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Damaged(
            f"{FOLDER}/{TOLD} cannot be parsed", remedy="remove it: what fires is told again"
        ) from error
