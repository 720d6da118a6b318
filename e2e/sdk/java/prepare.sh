#!/bin/bash
# Fetches the three generations of the Java client and compiles the checks against each; exit code 2 when they do not compile.
set -eu
cd "$(dirname "$0")"
command -v javac >/dev/null || { echo "javac is missing"; exit 1; }
cache=$(cd ../../.. && pwd)/.cache/sdk/java
for version in 3.1.1 2.5.1 1.4.8; do
	out=$cache/$version
	if ! [ -f "$out/lib/.done" ] || ! cmp -s pom.xml "$out/lib/.done"; then
		rm -rf "$out"
		mvn -q -B -Dnacos.version=$version dependency:copy-dependencies -DoutputDirectory="$out/lib"
		cp pom.xml "$out/lib/.done"
	fi
	rm -rf "$out/classes"
	mkdir -p "$out/classes"
	sources=(src/*.java)
	case $version in
	3.*) sources+=(fuzzy/*.java) ;;
	esac
	case $version in
	1.*) ;;
	*)
		sources+=(plugin/*.java grpc/*.java)
		cp -r plugin/META-INF "$out/classes"
		;;
	esac
	javac -nowarn -d "$out/classes" -cp "$out/lib/*" "${sources[@]}" || exit 2
done
