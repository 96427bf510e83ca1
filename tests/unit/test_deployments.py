"""What compose file, chart and image promise, each with a broken variant that must be named."""

from pathlib import Path

import pytest

from infra.lint.deployments import CHART, COMPOSE, IMAGE, chart_faults, compose_faults, faults, image_faults
from lakehouse.adapters.site_file import read_site_file

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)


def test_what_is_shipped_has_no_fault() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("shipped", "broken", "fault"),
    [
        ("livinglab:0.1.0", "livinglab:latest", "without a fixed tag"),
        ("postgres:15.14-bookworm", "postgres", "without a fixed tag"),
        ('user: "10001:10001"', 'user: "0:0"', "runs as root"),
        ("read_only: true", "read_only: false", "can write"),
        ("cap_drop: [ALL]", "cap_drop: []", "keeps privileges"),
        ("networks: [cluster]", "networks: [cluster, vault]", "spark-master reaches the vault"),
        ("vault: {internal: true}", "vault: {}", "network vault leads outside"),
        ("'127.0.0.1:8080:8080'", "'8080:8080'", "listens beyond"),
        ("LIVINGLAB_WITNESS: ", "LIVINGLAB_VAULT_PASSWORD: ", "holds a secret in"),
        ("      test: [CMD, bash, -c, \"exec 3<>/dev/tcp/127.0.0.1/8100\"]\n", "", "witness has no health"),
        ('{file: "${LIVINGLAB_SECRETS:?run secrets.sh}/vault_password"}', "{environment: X}", "not a file"),
    ],
)  # fmt: skip
def test_a_broken_compose_file_is_named(shipped: str, broken: str, fault: str) -> None:
    text = COMPOSE.read_text()
    assert shipped in text
    assert [said for said in compose_faults(text.replace(shipped, broken)) if fault in said]


@pytest.mark.parametrize(
    ("file", "shipped", "broken", "fault"),
    [
        ("values.yaml", "tag: 0.1.0", "tag: latest", "no fixed tag"),
        ("values.yaml", "site: livinglab-site  ", "site: {vault_password: x} ", "not given by name"),
        ("spark.yaml", 'include "livinglab.pod" $worker', 'include "livinglab.labels" $worker', "not root"),
        ("spark.yaml", 'include "livinglab.image" $worker', 'include "livinglab.name" $worker', "closed"),
        (
            "health.yaml",
            "              resources: {{- toYaml .Values.parts.jobs",
            "   {{- toYaml .V",
            "limits",
        ),
        ("site.yaml", "kind: ConfigMap", "kind: Secret", "makes a secret"),
        ("_parts.tpl", "readOnlyRootFilesystem: true", "", "readOnlyRootFilesystem"),
        ("network.yaml", "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", "forbidden before"),
    ],
)
def test_a_broken_chart_is_named(file: str, shipped: str, broken: str, fault: str) -> None:
    texts = {path.name: path.read_text() for path in (CHART / "templates").iterdir()}
    texts["values.yaml"] = (CHART / "values.yaml").read_text()
    assert shipped in texts[file]
    texts[file] = texts[file].replace(shipped, broken)
    values = texts.pop("values.yaml")
    assert [said for said in chart_faults(texts, values) if fault in said]


@pytest.mark.parametrize(
    ("shipped", "broken", "fault"),
    [
        ("slim-bookworm\nRUN", "slim-bookworm\nUSER root\nRUN", None),
        ("python:3.11.13-slim-bookworm AS", "python AS", "no fixed tag"),
        ("USER 10001:10001", "USER root", "runs as root"),
        ("--require-hashes -r infra", "-r infra", "without its hash"),
    ],
)
def test_a_broken_image_is_named(shipped: str, broken: str, fault: str | None) -> None:
    text = IMAGE.read_text()
    assert shipped in text
    found = list(image_faults(text.replace(shipped, broken)))
    assert any(fault in said for said in found) if fault else found == []


def test_the_production_site_keeps_registry_and_vault_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVINGLAB_SPARK", raising=False)
    settings = read_site_file(PROJECT / "infra" / "sites" / "production.toml")
    assert settings.engine.outlives_us and settings.stores.kinds() == {
        "registry": "postgresql",
        "vault": "postgresql",
    }
    assert settings.stores.registry and settings.stores.vault
    assert settings.stores.registry.place != settings.stores.vault.place


def test_a_site_has_the_secrets_that_its_compose_file_names(tmp_path: Path) -> None:
    """Files for one account of the machine; each is made once."""
    import subprocess

    folder = tmp_path / "secrets"
    for _ in range(2):
        made = {path.name: path.read_bytes() for path in folder.glob("*")}
        subprocess.run(["bash", "infra/compose/secrets.sh", str(folder)], check=True, capture_output=True)
    named = {line.split(":")[0].strip() for line in COMPOSE.read_text().split("\nsecrets:\n")[1].splitlines()}
    assert named == made.keys()
    assert made == {path.name: path.read_bytes() for path in folder.glob("*")}
    assert folder.stat().st_mode & 0o077 == 0 and min(map(len, made.values())) >= 32
