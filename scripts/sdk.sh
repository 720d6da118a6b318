#!/bin/bash
# Checks bin/nacre with the SDKs that applications use, each in a process of its own with servers of its own.
# Usage: sdk.sh [go|python|python-http|node|java|spring|spring-cloud|dubbo ...]; without names all of them. Three run at a time, as they mostly wait.
set -u
cd "$(dirname "$0")/.." || exit 1
root=$PWD
cache=$root/.cache/sdk
mkdir -p "$cache"
export NACRE=${NACRE:-$root/bin/nacre}
export PYTHONDONTWRITEBYTECODE=1
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(go python python-http node java spring spring-cloud dubbo)
: >"$root/.cache/sdk-skipped.txt"
failed=0
for name in "${names[@]}"; do
	case $name in
	go | python | python-http | node | java | spring | spring-cloud | dubbo) ;;
	*)
		echo "there is no SDK test $name" >&2
		exit 2
		;;
	esac
done
[ -x "$NACRE" ] || make -s build || exit 1

skip() {
	echo "SKIPPED SDK test $1: $2" | tee -a "$root/.cache/sdk-skipped.txt"
}

# venv NAME REQUIREMENTS makes a virtual environment in the cache.
venv() {
	local dir=$cache/$1
	[ -f "$dir/done" ] && cmp -s "$dir/done" "$2" && return 0
	rm -rf "$dir"
	python3 -m venv "$dir" && "$dir/bin/pip" -q install --disable-pip-version-check -r "$2" && cp "$2" "$dir/done"
}

# prepare NAME gets what a test needs, and compiles it; what it says on failure stands in the log. It returns 2 when a test of ours
# does not compile, which is a failure, and something else when what it needs can't be had.
prepare() {
	case $1 in
	go) (cd e2e/sdk/go && { go mod download || exit 1; } && { go build -o "$cache/go-check" . || exit 2; }) ;;
	python) venv python e2e/sdk/python/grpc.txt ;;
	python-http) venv python-http e2e/sdk/python/http.txt ;;
	node) (cd e2e/sdk/node && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; }) ;;
	java | spring | spring-cloud | dubbo) (cd "e2e/sdk/$1" && ./prepare.sh) ;;
	esac
}

run() {
	case $1 in
	go) "$cache/go-check" ;;
	python) "$cache/python/bin/python" e2e/sdk/python/grpc_sdk.py ;;
	python-http) "$cache/python-http/bin/python" e2e/sdk/python/http_sdk.py ;;
	node) node e2e/sdk/node/check.mjs ;;
	java | spring | spring-cloud | dubbo) "e2e/sdk/$1/run.sh" ;;
	esac
}

one() {
	local log=$cache/$1.log from=$SECONDS
	timeout -k 10 540 bash -c "$(declare -f run); cache=$cache; run $1" >"$log" 2>&1
	local code=$?
	grep -hE '^(ok|FAILED) ' "$log" | sed "s/^/$1: /"
	if [ $code -ne 0 ]; then
		echo "$1: FAILED with $code; the end of its log:"
		tail -n 25 "$log" | cut -c1-300
	fi
	echo "$1: $(grep -c '^ok ' "$log") checks passed, $(grep -c '^FAILED ' "$log") failed, $((SECONDS - from)) s" >>"$cache/summary"
	return $code
}

: >"$cache/summary"
pids=()
running=()
collect() {
	wait "${pids[0]}" || { failed=1; echo "FAILED SDK test ${running[0]}"; }
	pids=("${pids[@]:1}")
	running=("${running[@]:1}")
}
for name in "${names[@]}"; do
	prepare "$name" >"$cache/$name.prepare.log" 2>&1
	prepared=$?
	if [ $prepared -eq 2 ]; then
		tail -n 20 "$cache/$name.prepare.log"
		echo "FAILED SDK test $name: it does not compile"
		echo "$name: does not compile" >>"$cache/summary"
		failed=1
		continue
	fi
	if [ $prepared -ne 0 ]; then
		tail -n 5 "$cache/$name.prepare.log"
		skip "$name" "its SDK or toolchain could not be installed, see above"
		continue
	fi
	[ ${#pids[@]} -lt ${SDK_AT_ONCE:-3} ] || collect
	one "$name" &
	pids+=($!)
	running+=("$name")
done
while [ ${#pids[@]} -gt 0 ]; do collect; done
echo
cat "$cache/summary" "$root/.cache/sdk-skipped.txt"
exit $failed
