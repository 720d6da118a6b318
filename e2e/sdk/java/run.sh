#!/bin/bash
# Runs the checks with each generation of the Java client, and with gRPC on the HTTP port. NACRE names the server's binary.
set -u
cd "$(dirname "$0")"
cache=$(cd ../../.. && pwd)/.cache/sdk/java
pids=()
names=()
one() {
	local name=$1 version=$2
	shift 2
	# Each client keeps its files in a home of its own.
	local home=$cache/home-$name
	rm -rf "$home"
	mkdir -p "$home"
	timeout -k 5 300 java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Duser.home="$home" -DJM.LOG.PATH="$home/log" -DJM.SNAPSHOT.PATH="$home" \
		"$@" -cp "$cache/$version/classes:$cache/$version/lib/*" nacre.sdk.Check "$version" 2>&1 | grep -E --line-buffered '^(ok|FAILED) |Exception|	at ' | sed -u "s/^\(ok    \|FAILED\)/\1 $name:/"
	return "${PIPESTATUS[0]}"
}
start() {
	one "$@" &
	pids+=($!)
	names+=("$1")
}
start 3.1.1 3.1.1
start 2.5.1 2.5.1
start 1.4.8 1.4.8
start 3.1.1-one-port 3.1.1 -Dnacos.server.grpc.port.offset=0 -Dcheck.short=true
failed=0
for i in "${!pids[@]}"; do
	wait "${pids[$i]}" || { echo "FAILED ${names[$i]}: it ended with $?"; failed=1; }
done
exit $failed
