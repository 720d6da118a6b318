#!/bin/sh
# Runs every end-to-end test against bin/nacre: each e2e/*.sh, then the browser tests. A script ends
# with 77 when it can't run here, and says why.
set -u
cd "$(dirname "$0")/.." || exit 1
NACRE=$PWD/bin/nacre
export NACRE
failed=0
mkdir -p .cache
: >.cache/e2e-skipped.txt
skip() {
	echo "SKIPPED $1: $2" | tee -a .cache/e2e-skipped.txt
}
for script in e2e/*.sh; do
	[ -e "$script" ] || continue
	echo "== $script"
	sh "$script"
	case $? in
	0) ;;
	77) skip "$script" "it says that it can't run here, see above" ;;
	*)
		echo "FAILED $script" >&2
		failed=1
		;;
	esac
done
chromium=${CHROMIUM:-/usr/bin/chromium}
if [ ! -x "$chromium" ]; then
	skip "browser tests" "$chromium is not there (apt-get install chromium)"
elif [ ! -x node_modules/.bin/playwright ]; then
	skip "browser tests" "node modules are not installed (npm ci)"
else
	echo "== browser"
	CHROMIUM=$chromium node_modules/.bin/playwright test -c e2e/console || failed=1
fi
exit $failed
