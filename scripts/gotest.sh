#!/bin/sh
# Runs go test, shows a line for each package and everything of those that fail, and lists at the end
# which tests were skipped and why: go test alone hides that of packages that pass.
# Usage: gotest.sh [flags of go test] packages...
cd "$(dirname "$0")/.." || exit 1
mkdir -p .cache
log=.cache/gotest.log
status=.cache/gotest.status
{
	go test -v "$@" 2>&1
	echo $? >$status
} | tee $log | awk '
	/^(ok|\?)[ \t]/ { if ($1 == "ok") print; text = ""; next }
	/^FAIL\t/ { printf "%s%s\n", text, $0; text = ""; next }
	{ text = text $0 "\n" }
	END { printf "%s", text }'
awk '
	/^ *--- SKIP: / { sub(/^ *--- SKIP: /, ""); skipped[++n] = $1; why[n] = last }
	{ last = $0 }
	END {
		if (n) printf "\n%d tests were skipped:\n", n
		for (i = 1; i <= n; i++) { sub(/^ +/, "", why[i]); printf "  %s: %s\n", skipped[i], why[i] }
	}' $log | tee .cache/skipped.txt
exit "$(cat $status)"
