"""The Java that Spark starts: where it is, and whether Spark can use it."""

import os
import re
import resource
import shutil
import subprocess
from pathlib import Path

from lakehouse.errors import NotReady, Unavailable

JAVA_VERSIONS = (17, 21)
OPEN_FILES = 1024
"""Spark holds its 300 jars open, and its sockets and files besides; Java raises its own soft limit."""


def check_java() -> int:
    """Return Java's major version.

    NotReady where neither Java 17 nor 21 answers, Unavailable where it may open too few files.
    """
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < OPEN_FILES:
        raise Unavailable(
            f"a process may open {files} files here; Spark needs {OPEN_FILES}", remedy="ulimit -n 4096"
        )
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(Path(home, "bin", "java") if home else "java")
    remedy = "sudo apt-get install openjdk-17-jre-headless"
    if home and java is None:
        raise NotReady("JAVA_HOME names no Java; Spark starts the one it names", remedy="unset JAVA_HOME")
    if java is None:
        raise NotReady("Java was not found; Spark needs Java 17 or 21", remedy=remedy)
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    major = int(found.group(1)) if found else 0
    if major not in JAVA_VERSIONS:
        raise NotReady(f"Java {major} is installed; Spark needs Java 17 or 21", remedy=remedy)
    return major
