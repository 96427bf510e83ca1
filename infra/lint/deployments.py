"""Check compose file, chart and image: our own rules always, and the linters that are installed.

`make lint-infra`. A linter that is absent is named, not passed over in silence.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

COMPOSE = Path("infra/compose/compose.yaml")
CHART = Path("infra/helm/livinglab")
IMAGE = Path("infra/container/Dockerfile")
LINTED = ("infra/compose", "infra/helm/livinglab/Chart.yaml", "infra/helm/livinglab/values.yaml")
TAG = re.compile(r"^[a-z0-9][a-z0-9./_-]*:v?\d[\w.-]*$")
SECRET_NAME = re.compile(r"password|secret|token|fernet|jwt", re.IGNORECASE)
VAULT_READERS = {"prepare", "api-server", "scheduler"}
"""The only parts that open the vault; `engine` shares the scheduler's network and has no password."""

ONE_SHOT = {"prepare"}
DENY_ALL = """podSelector:
    matchLabels: {{- toYaml $instance | nindent 6 }}
  policyTypes: [Ingress, Egress]
---"""
"""The end of the network policy that forbids every pod of a release everything."""

SCHEMAS = "KUBECONFORM_SCHEMAS"
"""Variable with kubeconform's `-schema-location`: a folder of Kubernetes' JSON schemas, never downloaded."""

SHOWN_LINES = 30
KUBERNETES = "1.33.0"


def compose_faults(text: str) -> Iterator[str]:
    """Yield what a compose file says that a site must not."""
    said = yaml.safe_load(text)
    networks, services = said["networks"], said["services"]
    for name, service in services.items():
        yield from (f"compose: {name} {fault}" for fault in service_faults(name, service))
    reached = {name for name, service in services.items() if "vault" in service.get("networks", ())}
    for name in sorted(reached - VAULT_READERS - {"vault-database"}):
        yield f"compose: {name} reaches the vault's database"
    for name, network in networks.items():
        if name != "front" and not (network or {}).get("internal"):
            yield f"compose: network {name} leads outside"
    for name, secret in said["secrets"].items():
        if set(secret) != {"file"}:
            yield f"compose: secret {name} is not a file"


def service_faults(name: str, service: Mapping[str, object]) -> Iterator[str]:
    """Yield what one service of a compose file lacks."""
    if not TAG.match(str(service.get("image", ""))):
        yield "has an image without a fixed tag"
    if str(service.get("user", "0")).partition(":")[0] in {"0", "root", ""}:
        yield "runs as root"
    if not service.get("read_only"):
        yield "can write to its root file system"
    if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", ()):
        yield "keeps privileges"
    if service.get("privileged") or service.get("network_mode") == "host":
        yield "shares the machine"
    health = service.get("healthcheck") or {}
    if name not in ONE_SHOT and not (isinstance(health, Mapping) and health.get("test")):
        yield "has no health check"
    for port in service.get("ports", ()):
        if not str(port).startswith("127.0.0.1:"):
            yield "listens beyond this machine"
    for variable in service.get("environment") or {}:
        if SECRET_NAME.search(variable) and not variable.endswith(("_FILE", "_CMD")):
            yield f"holds a secret in {variable}"


def chart_faults(templates: Mapping[str, str], values: str) -> Iterator[str]:
    """Yield what a chart's templates and values say that a site must not."""
    said = yaml.safe_load(values)
    if not TAG.match(f"{said['image']['repository']}:{said['image']['tag']}"):
        yield "chart: the image has no fixed tag"
    if not all(isinstance(name, str) for name in said["secrets"].values()):
        yield "chart: secrets are not given by name"
    for name, text in templates.items():
        if re.search(r"^kind: Secret$", text, re.MULTILINE):
            yield f"chart: {name} makes a secret"
        pods = len(re.findall(r'include "livinglab\.pod"', text))
        workloads = len(re.findall(r"^kind: (?:Deployment|StatefulSet|Job|CronJob)$", text, re.MULTILINE))
        if pods != workloads:
            yield f"chart: {name} has {workloads} workloads, {pods} of them with the account that is not root"
        containers = len(
            re.findall(r"^ +- name: [^\n]+\n +\{\{- include \"livinglab\.image\"", text, re.MULTILINE)
        )
        resources = text.count("resources: {{- toYaml")
        if not workloads <= containers == resources:
            yield f"chart: {name} has {containers} closed containers, {resources} with limits"
    joined = "".join(templates.values())
    for needed in ("runAsNonRoot: true", "readOnlyRootFilesystem: true", "kind: PodDisruptionBudget"):
        if needed not in joined:
            yield f"chart: nothing says {needed}"
    if DENY_ALL not in joined:
        yield "chart: not everything is forbidden before something is allowed"


def image_faults(text: str) -> Iterator[str]:
    """Yield what a Dockerfile does that a site must not."""
    for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        if not TAG.match(image):
            yield f"image: {image} has no fixed tag"
    users = re.findall(r"^USER (\S+)", text, re.MULTILINE)
    if not users or users[-1].partition(":")[0] in {"0", "root"}:
        yield "image: it runs as root"
    for line in text.splitlines():
        if re.search(r"pip (?:install|sync)", line) and not re.search(r"--require-hashes|--no-deps", line):
            yield "image: it installs something without its hash"


def faults() -> list[str]:
    """Return every fault of the files that are shipped."""
    templates = {path.name: path.read_text() for path in sorted((CHART / "templates").iterdir())}
    return [
        *compose_faults(COMPOSE.read_text()),
        *chart_faults(templates, (CHART / "values.yaml").read_text()),
        *image_faults(IMAGE.read_text()),
    ]


def linters(rendered: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield (program, command) of each linter; `rendered` takes what helm makes of the chart."""
    yield "yamllint", ["yamllint", "-s", "-c", "infra/lint/yamllint.yaml", *LINTED]
    yield "helm", ["helm", "lint", "--strict", str(CHART)]
    yield "helm", ["helm", "template", "site", str(CHART), "--kube-version", KUBERNETES,
                   "--set", "witness.enabled=true", "--output-dir", str(rendered)]  # fmt: skip
    if os.environ.get(SCHEMAS):
        yield (
            "kubeconform",
            ["kubeconform", "-strict", "-schema-location", os.environ[SCHEMAS], str(rendered)],
        )
    else:
        print(f"kubeconform is not run: {SCHEMAS} names no schemas")
    yield "dclint", ["dclint", "-c", "infra/compose/.dclintrc.yaml", "--max-warnings", "0", str(COMPOSE)]
    yield "shellcheck", ["shellcheck", "infra/container/start", *map(str, COMPOSE.parent.glob("*.sh"))]


def main() -> int:
    """Print every fault; 1 where there is one."""
    found = faults()
    for fault in found:
        print(fault)
    failed = bool(found)
    with tempfile.TemporaryDirectory() as rendered:
        for program, command in linters(Path(rendered)):
            beside = Path(sys.executable).with_name(program)
            runs = str(beside) if beside.exists() else shutil.which(program)
            if runs is None:
                print(f"{program} is not installed: not run")
                continue
            done = subprocess.run([runs, *command[1:]], capture_output=True, text=True, check=False)
            if done.returncode:
                failed = True
                said = f"{done.stdout}{done.stderr}".splitlines()
                print("\n".join([" ".join(command), *said[:SHOWN_LINES]]))
            else:
                print(f"{' '.join(command[:2])}: no fault")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
