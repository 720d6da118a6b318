#!/bin/sh
# Does what README.md tells a person to do: runs each of its ```sh blocks against a server, and
# compares what it prints with the ```text block behind it. NACRE names the binary.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
nacre=${NACRE:-$root/bin/nacre}
readme=$root/README.md
command -v curl >/dev/null || {
	echo "curl is not installed"
	exit 77
}
work=$(mktemp -d)
mkdir "$work/bin" "$work/steps"
ln -s "$nacre" "$work/bin/nacre"
server=
stop() {
	[ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server"
	rm -rf "$work"
}
trap stop EXIT

# With port 0 the server takes a free one and says in its log which.
"$nacre" serve --http-addr 127.0.0.1:0 --data-dir "$work/data" 2>"$work/log" &
server=$!
tries=0
port=
until [ -n "$port" ] && curl -sf -o /dev/null "http://127.0.0.1:$port/readyz"; do
	tries=$((tries + 1))
	if [ $tries -gt 150 ] || ! kill -0 "$server" 2>/dev/null; then
		echo "the server did not become ready:"
		cat "$work/log"
		exit 1
	fi
	sleep 0.1
	port=$(sed -n 's/.*msg=serving url=http:\/\/127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/log")
done

awk -v dir="$work/steps" -v port="$port" '
	/^```sh$/ { n++; to = sprintf("%s/%02d.sh", dir, n); next }
	/^```text$/ { to = sprintf("%s/%02d.want", dir, n); next }
	/^```$/ { to = ""; next }
	to != "" { gsub(/127\.0\.0\.1:8848/, "127.0.0.1:" port); print > to }' "$readme"

cd "$work" || exit 1
failed=0
for step in steps/*.sh; do
	want=${step%.sh}.want
	got=${step%.sh}.got
	if ! PATH="$work/bin:$PATH" NACRE_SERVER="http://127.0.0.1:$port" USER=reader sh -e "$step" >"$got" 2>"$got.err"; then
		echo "FAILED: $(cat "$step")"
		cat "$got" "$got.err"
		failed=1
	elif [ -e "$want" ] && [ "$(cat "$want")" != "$(cat "$got")" ]; then
		echo "FAILED: $(cat "$step")"
		echo "README says: $(cat "$want")"
		echo "it answered: $(cat "$got")"
		failed=1
	else
		echo "ok: $(head -n 1 "$step")"
	fi
done
kill "$server"
if wait "$server"; then
	server=
	echo "ok: the server stopped with exit code 0"
else
	echo "FAILED: the server stopped with exit code $?"
	server=
	failed=1
fi
exit $failed
