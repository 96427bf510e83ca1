"""Authorities that are made once a run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from local_authority import LocalAuthority, make_authority, served_by


@pytest.fixture(scope="session")
def rsa_authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    """An authority with an RSA key, asked through openssl directly."""
    return make_authority(tmp_path_factory.mktemp("authorities") / "rsa")


@pytest.fixture(scope="session")
def curve_authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    """An authority with a P-384 key that signs with SHA-384."""
    folder = tmp_path_factory.mktemp("authorities") / "p384"
    return make_authority(folder, "p384", signed_with="sha384", name="curve.example")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[LocalAuthority]:
    """An authority of this test alone, behind HTTP."""
    with served_by(make_authority(tmp_path / "served", "p256")) as authority:
        yield authority
