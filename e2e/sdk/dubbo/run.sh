#!/bin/bash
# Runs providers and a consumer against a server of their own. NACRE names the server's binary.
cd "$(dirname "$0")" || exit 1
cache=$(cd ../../.. && pwd)/.cache/sdk/dubbo
rm -rf "$cache/home"
mkdir -p "$cache/home"
exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Duser.home="$cache/home" -DJM.LOG.PATH="$cache/home/log" -DJM.SNAPSHOT.PATH="$cache/home" \
	-cp "$cache/classes:$cache/lib/*" nacre.dubbo.Consumer
