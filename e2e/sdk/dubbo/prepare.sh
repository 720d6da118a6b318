#!/bin/bash
# Fetches Dubbo and compiles a provider and a consumer; exit code 2 when they do not compile.
set -eu
cd "$(dirname "$0")"
command -v javac >/dev/null || { echo "javac is missing"; exit 1; }
out=$(cd ../../.. && pwd)/.cache/sdk/dubbo
if ! cmp -s pom.xml "$out/lib/.done"; then
	rm -rf "$out"
	mvn -q -B dependency:copy-dependencies -DoutputDirectory="$out/lib"
	cp pom.xml "$out/lib/.done"
fi
rm -rf "$out/classes"
mkdir -p "$out/classes"
javac -nowarn -parameters -d "$out/classes" -cp "$out/lib/*" ../java/src/{Checks,Server}.java src/nacre/dubbo/*.java || exit 2
