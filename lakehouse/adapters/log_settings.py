"""`[log]` of a site file: who witnesses the log, who stamps its heads, where copies go, what is demanded."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lakehouse.core.checkpoint import COSIGNATURE_ML_DSA_44, VerifierKey, parse_vkey
from lakehouse.core.toml_section import Section
from lakehouse.core.trust import Authority, Trust
from lakehouse.errors import NotVerified

WHEN_MISSING = ("wait", "warn", "refuse")
LONGEST_WAIT = 3600
LARGEST_CERTIFICATE = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessSettings:
    """One witness: its name, its keys (Ed25519, ML-DSA-44 or both) and where it answers."""

    name: str
    keys: tuple[VerifierKey, ...]
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoritySettings:
    """One time-stamping authority (RFC 3161): name, address, certificate (DER), those above it."""

    name: str
    url: str
    certificate: bytes
    issuers: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CopySettings:
    """A folder that takes an append-only copy of each head."""

    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What a site demands of its log's heads; the default demands nothing and names nobody.

    cosignatures, post_quantum: witnesses that must have cosigned (with any key; with ML-DSA-44);
    when_missing: what a write does where they have not; wait_seconds: how long `wait` tries.
    """

    cosignatures: int = 0
    post_quantum: int = 0
    time_stamps: int = 0
    when_missing: str = "warn"
    wait_seconds: int = 60
    witnesses: tuple[WitnessSettings, ...] = ()
    authorities: tuple[AuthoritySettings, ...] = ()
    copies: tuple[CopySettings, ...] = ()

    def trust(self, log: VerifierKey) -> Trust:
        """Return what a verifier must hold: the log's key with witnesses and policy of this site."""
        return Trust(
            log=log,
            witnesses=tuple(key for witness in self.witnesses for key in witness.keys),
            authorities=tuple(
                Authority(name=each.name, certificate=each.certificate) for each in self.authorities
            ),
            cosignatures=self.cosignatures,
            post_quantum=self.post_quantum,
            time_stamps=self.time_stamps,
        )


def parse_log_settings(section: Section | None, folder: Path) -> LogSettings:
    """Return the settings of `[log]`; files it names lie beside the site file, in `folder`.

    Raises ContractError naming file and key.
    """
    if section is None:
        return LogSettings()
    settings = LogSettings(
        cosignatures=section.integer("cosignatures", 0),
        post_quantum=section.integer("post_quantum", 0),
        time_stamps=section.integer("time_stamps", 0),
        when_missing=section.choice("when_missing", WHEN_MISSING, "warn"),
        wait_seconds=section.integer("wait_seconds", 60),
        witnesses=tuple(_parse_witness(each) for each in section.sections("witnesses")),
        authorities=tuple(_parse_authority(each, folder) for each in section.sections("authorities")),
        copies=tuple(_parse_copy(each, folder) for each in section.sections("copies")),
    )
    section.finish()
    _check_policy(section, settings)
    return settings


def _parse_witness(section: Section) -> WitnessSettings:
    texts = section.texts("keys")
    try:
        keys = tuple(parse_vkey(text) for text in texts)
    except NotVerified as error:
        raise section.error("keys", error.message) from error
    names = {key.name for key in keys}
    if len(names) != 1 or len({key.algorithm for key in keys}) != len(keys):
        raise section.error("keys", "must be the keys of one name, at most one of a type")
    url = _address(section)
    section.finish()
    return WitnessSettings(name=keys[0].name, keys=keys, url=url)


def _parse_authority(section: Section, folder: Path) -> AuthoritySettings:
    certificate, *issuers = _read_certificates(section, folder)
    settings = AuthoritySettings(
        name=section.text("name"), url=_address(section), certificate=certificate, issuers=tuple(issuers)
    )
    section.finish()
    return settings


def _parse_copy(section: Section, folder: Path) -> CopySettings:
    settings = CopySettings(folder=folder / section.text("folder"))
    section.finish()
    return settings


def _address(section: Section) -> str:
    """Return the address without its last slash: a web address without a name, password or query."""
    url = section.text("url")
    try:
        parts = urlsplit(url)
        plain = not (parts.username or parts.password or parts.query or parts.fragment)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0 and plain
    except ValueError:
        sound = False
    if not sound:
        raise section.error("url", "must be an address like https://witness.example.org, without a password")
    return url.rstrip("/")


def _read_certificates(section: Section, folder: Path) -> list[bytes]:
    """Return the DER of the authority's certificate and of those that follow it in a PEM file."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    from lakehouse.adapters.time_stamps import load_authority

    path = folder / section.text("certificate")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_CERTIFICATE)
        armoured = content.lstrip().startswith(b"-----BEGIN")
        loaded = (
            x509.load_pem_x509_certificates(content)
            if armoured
            else [x509.load_der_x509_certificate(content)]
        )
        found = [certificate.public_bytes(Encoding.DER) for certificate in loaded]
        load_authority(found[0])
    except OSError as error:
        raise section.error("certificate", "cannot be read") from error
    except ValueError as error:
        raise section.error("certificate", "is not an X.509 certificate (PEM or DER)") from error
    except NotVerified as error:
        raise section.error("certificate", error.message) from error
    return found


def _check_policy(section: Section, settings: LogSettings) -> None:
    """Refuse what no head could meet: more signers than are named, a name or key twice."""
    names = [witness.name for witness in settings.witnesses]
    publics = [key.public for witness in settings.witnesses for key in witness.keys]
    _require_distinct(section, "witnesses", names)
    _require_distinct(section, "witnesses", publics)
    _require_distinct(section, "authorities", [each.name for each in settings.authorities])
    quantum = sum(
        any(key.algorithm == COSIGNATURE_ML_DSA_44 for key in witness.keys) for witness in settings.witnesses
    )
    asked = {
        "cosignatures": (settings.cosignatures, len(names), "witnesses"),
        "post_quantum": (settings.post_quantum, quantum, "witnesses with an ML-DSA-44 key"),
        "time_stamps": (settings.time_stamps, len(settings.authorities), "authorities"),
    }
    for key, (wanted, there, of) in asked.items():
        if wanted > there:
            raise section.error(key, f"asks {wanted} of {there} {of}")
    if settings.wait_seconds > LONGEST_WAIT:
        raise section.error("wait_seconds", f"must be at most {LONGEST_WAIT}")


def _require_distinct(section: Section, key: str, found: list[str] | list[bytes]) -> None:
    if len(set(found)) != len(found):
        raise section.error(key, "names one of them twice")
