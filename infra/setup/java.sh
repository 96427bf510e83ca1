#!/usr/bin/env bash
# Say at once, before anything is fetched, that Spark's Java is missing.
set -euo pipefail
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
remedy="sudo apt-get install openjdk-17-jre-headless"
if ! command -v "$java" >/dev/null; then
  echo "Java was not found; Spark needs Java 17 or 21: $remedy" >&2
  exit 3
fi
if [[ ! $("$java" -version 2>&1) =~ version\ \"(17|21)[.\"] ]]; then
  echo "the Java that is installed is neither 17 nor 21, which Spark needs: $remedy" >&2
  exit 3
fi
