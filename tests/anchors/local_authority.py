"""A real time-stamping authority on this machine: `openssl ts` behind a small HTTP server.

Its certificates are made with `cryptography`, because odd ones (expired, of another use) are wanted too.
"""

import itertools
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lakehouse.adapters.log_settings import AuthoritySettings
from lakehouse.core.trust import Authority

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="there is no openssl: apt-get install openssl")

REPLY = "application/timestamp-reply"
NOW = datetime.now(UTC).replace(microsecond=0)
_CONFIGURATION = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/authority.pem
signer_key = {folder}/authority.key
signer_digest = {signed_with}
default_policy = 1.2.3.4.1
digests = {digests}
accuracy = secs:1
tsa_name = yes
ess_cert_id_alg = {signed_with}
"""


def make_key(kind: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    """Return a new private key: `rsa` (2048 bits), `rsa1024`, `p256`, `p384` or `k256` (secp256k1)."""
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "k256": ec.SECP256K1()}
    if kind in curves:
        return ec.generate_private_key(curves[kind])
    return rsa.generate_private_key(65537, 1024 if kind == "rsa1024" else 2048)


def make_certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    *,
    usage: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,),
    critical: bool = True,
    begins: datetime = NOW - timedelta(days=1),
    ends: datetime = NOW + timedelta(days=3650),
    authority: bool = False,
) -> x509.Certificate:
    """Return a certificate; by default one for time stamps alone, `authority` makes it a root's."""

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if usage and not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=critical)
    return builder.sign(issuer_key, hashes.SHA256())


def der(certificate: x509.Certificate) -> bytes:
    """Return a certificate's DER."""
    return certificate.public_bytes(Encoding.DER)


@dataclass
class LocalAuthority:
    """One authority: its folder, key and certificate; `spoil` changes what its server answers."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    certificate: x509.Certificate
    root: x509.Certificate
    url: str = ""
    asked: int = 0
    drips: bool = False
    spoil: Callable[[bytes], tuple[int, str, bytes]] | None = None
    _numbers: itertools.count = field(default_factory=itertools.count)

    @property
    def trusted(self) -> Authority:
        """Return the authority as a trust file names it."""
        return Authority(name=self.name, certificate=der(self.certificate))

    @property
    def settings(self) -> AuthoritySettings:
        """Return the authority as a site file names it."""
        return AuthoritySettings(
            name=self.name, url=self.url, certificate=der(self.certificate), issuers=(der(self.root),)
        )

    @property
    def pem(self) -> bytes:
        """Return the certificate and the root above it, as a site file's `certificate` has them."""
        return self.certificate.public_bytes(Encoding.PEM) + self.root.public_bytes(Encoding.PEM)

    def reply(self, request: bytes, *, token: bool = False) -> bytes:
        """Return what `openssl ts -reply` answers to a request, or only the token in it."""
        number = next(self._numbers)
        query, answer = self.folder / f"{number}.tsq", self.folder / f"{number}.tsr"
        query.write_bytes(request)
        command = ["ts", "-reply", "-config", self.folder / "ts.cnf", "-queryfile", query, "-out", answer]
        only = ["-token_out"] if token else []
        subprocess.run(
            [str(OPENSSL), *map(str, command), *only], capture_output=True, timeout=60, check=False
        )
        return answer.read_bytes()


def make_authority(
    folder: Path,
    kind: str = "rsa",
    *,
    signed_with: str = "sha256",
    digests: str = "sha256, sha384, sha512",
    name: str = "clock.example",
    **certified: object,
) -> LocalAuthority:
    """Return an authority with a root of its own; further arguments are those of `make_certificate`."""
    folder.mkdir(parents=True)
    root_key, key = make_key("p256"), make_key(kind)
    root = make_certificate("root.example", root_key, "root.example", root_key, authority=True)
    certificate = make_certificate(name, key, "root.example", root_key, **certified)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "authority.key").write_bytes(private)
    (folder / "authority.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "serial").write_text("01\n")
    settings = _CONFIGURATION.format(folder=folder, signed_with=signed_with, digests=digests)
    (folder / "ts.cnf").write_text(settings)
    return LocalAuthority(folder=folder, name=name, key=key, certificate=certificate, root=root)


@contextmanager
def served_by(authority: LocalAuthority) -> Iterator[LocalAuthority]:
    """Answer requests for `authority` in threads, and set its address."""
    lock = threading.Lock()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                authority.asked += 1
                spoil = authority.spoil or (lambda request: (200, REPLY, authority.reply(request)))
                status, kind, body = spoil(request)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):
                self._write(body)

        def _write(self, body: bytes) -> None:
            step = 1 if authority.drips else max(1, len(body))
            for start in range(0, len(body), step):
                self.wfile.write(body[start : start + step])
                if authority.drips:
                    time.sleep(0.02)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    authority.url = f"http://127.0.0.1:{server.server_address[1]}/stamp"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield authority
    server.shutdown()
    server.server_close()
