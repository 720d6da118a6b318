"""Checks Nacre with Nacos' old SDK for Python, which polls over HTTP. NACRE names the binary of the server."""
import asyncio
import signal
import threading
import time

import nacos

from nacre import GROUP, Seen, Server, check, digest, finish, same


# A new listener waits for the end of the poll that is under way, which takes ten seconds at least.
LIMIT = 30


def connect(server, namespace=""):
    client = nacos.NacosClient(server.address, namespace=namespace)
    client.set_options(default_timeout=5, pulling_timeout=3, snapshot_base=server.dir + "/snapshot", no_snapshot=True)
    return client


def listen(client, data_id):
    seen = Seen()
    client.add_config_watcher(data_id, GROUP, lambda told: seen.values.append(told["content"]))
    return seen


class Checks:
    def __init__(self, server):
        self.server, self.client, self.many_seen = server, connect(server), []

    def publish(self, data_id, content, **more):
        assert self.client.publish_config(data_id, GROUP, content, **more)

    def read(self, data_id):
        return self.client.get_config(data_id, GROUP, no_snapshot=True)

    def basics(self):
        self.publish("a", "one")
        same(self.read("a"), "one")
        assert self.client.remove_config("a", GROUP)
        same(self.read("a"), None)

    def cas(self):  # this SDK has no compare and set of its own
        self.publish("cas", "one")
        assert not self.server.publishes("cas", "two", {"casMd5": digest("other")}), "a wrong md5 was taken"
        same(self.read("cas"), "one")
        self.server.publish("cas", "two", {"casMd5": digest("one")})
        same(self.read("cas"), "two")

    async def listens(self):
        seen = listen(self.client, "told")
        self.publish("told", "0")
        await seen.until("0", LIMIT)
        for value in "123":
            self.publish("told", value)
        await seen.until("3", LIMIT)
        same(seen.values, sorted(seen.values))
        self.client.remove_config("told", GROUP)
        await seen.until(None, LIMIT)

    async def many(self):
        self.many_seen = [listen(self.client, f"many.{i}") for i in range(200)]
        for turn in ("first", "second"):
            self.publish_many(turn)
            await self.many_told(turn)

    def publish_many(self, turn):
        for i in range(len(self.many_seen)):
            self.server.publish(f"many.{i}", f"{i} {turn}")

    async def many_told(self, turn):
        for i, seen in enumerate(self.many_seen):
            await seen.until(f"{i} {turn}", LIMIT)

    def contents(self):
        # This SDK writes contents into the URL, so not a megabyte: 300 KiB.
        for data_id, content in (("unicode", "grün, 中文, 🐚 and a tab\t\r\n"), ("large", "0123456789abcde\n" * (300 << 6))):
            self.publish(data_id, content)
            same(self.read(data_id), content)

    def types(self):
        for kind in ("json", "yaml", "properties", "xml", "text", "html"):
            self.publish("typed", "x " + kind, config_type=kind)
            same(self.server.header("typed", "Config-Type"), kind)

    def namespaces(self):
        other = connect(self.server, "other")
        self.publish("shared", "of the default one")
        assert other.publish_config("shared", GROUP, "of the other one")
        same(self.read("shared"), "of the default one")
        same(other.get_config("shared", GROUP, no_snapshot=True), "of the other one")

    async def gray(self):
        self.publish("gray", "for all")
        seen = listen(self.client, "gray")
        await asyncio.sleep(0.5)
        self.server.publish("gray", "for this address", {"betaIps": "127.0.0.1"})
        await seen.until("for this address", LIMIT)
        same(self.read("gray"), "for this address")
        self.publish("tagged", "for all")
        self.server.publish("tagged", "for the tag", tag="blue")
        same(self.read("tagged"), "for all")  # this SDK cannot say a tag

    def encrypted(self):
        self.server.publish("cipher-aes-x", "ciphertext", encryptedDataKey="the key")
        same(self.read("cipher-aes-x"), "ciphertext")
        same(self.server.header("cipher-aes-x", "Encrypted-Data-Key"), "the key")

    async def restart(self, sig):
        data_id = f"restart.{sig}"
        seen = listen(self.client, data_id)
        self.publish(data_id, "before")
        await seen.until("before", LIMIT)
        self.server.end(sig)
        await asyncio.sleep(0.5)
        self.server.start()
        # Published before the client is back: its next poll must tell it.
        self.server.publish(data_id, "meanwhile")
        self.publish_many(data_id)
        await seen.until("meanwhile", LIMIT)
        await self.many_told(data_id)
        self.publish(data_id, "after")
        await seen.until("after", LIMIT)


def idle(failed):
    server = Server()
    seen = listen(connect(server), "idle")
    time.sleep(60)
    server.publish("idle", "awake")
    asyncio.run(check("one idle minute, then a change", lambda: seen.until("awake", 2), failed))
    server.close()


async def main():
    failed = []
    idling = threading.Thread(target=idle, args=(failed,))
    idling.start()
    checks = Checks(Server())
    for name, run in (
            ("publish, read, remove", checks.basics), ("compare and set", checks.cas), ("three changes in a row and a removal are told", checks.listens),
            ("200 listeners on one client", checks.many), ("unicode and 300 KiB in the URL", checks.contents), ("types", checks.types),
            ("namespaces", checks.namespaces), ("a beta variant by address, a variant by tag", checks.gray),
            ("an encrypted configuration with its key", checks.encrypted),
            ("the server is restarted in order", lambda: checks.restart(signal.SIGTERM)),
            ("the server is killed", lambda: checks.restart(signal.SIGKILL))):
        await check(name, run, failed)
    await asyncio.to_thread(idling.join)
    checks.server.close()
    finish(failed)


if __name__ == "__main__":
    asyncio.run(main())
