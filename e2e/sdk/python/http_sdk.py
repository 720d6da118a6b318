"""Checks Nacre with Nacos' old SDK for Python, which polls over HTTP. NACRE names the binary of the server."""
import asyncio
import multiprocessing
import signal
import threading
import time

import nacos
from nacos.listener import SubscribeListener

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


class Naming:
    """What the SDK does with services and instances."""

    def __init__(self, server):
        self.server, self.client = server, connect(server)

    def shown(self, name, **more):
        return sorted(f"{h['ip']}:{h['port']}" for h in self.client.list_naming_instance(name, **more)["hosts"])

    async def until(self, name, want, limit):
        end = time.monotonic() + limit
        while self.shown(name) != want:
            assert time.monotonic() < end, f"after {limit} s it is {self.shown(name)}, want {want}"
            await asyncio.sleep(0.02)

    def basics(self):
        add = self.client.add_naming_instance
        assert add("py.a", "10.0.0.1", 80, "c1", 2.0, {"zone": "a"}, heartbeat_interval=2)
        assert add("py.a", "10.0.0.2", 80, "DEFAULT", metadata={"zone": "b"})
        same(self.shown("py.a"), ["10.0.0.1:80", "10.0.0.2:80"])
        same(self.shown("py.a", clusters="c1"), ["10.0.0.1:80"])
        one = self.client.get_naming_instance("py.a", "10.0.0.1", 80, "c1")
        same((one["weight"], one["metadata"], one["healthy"]), (2.0, {"zone": "a"}, True))
        assert self.client.modify_naming_instance("py.a", "10.0.0.1", 80, "c1", 3.0, "v=2")
        one = self.client.get_naming_instance("py.a", "10.0.0.1", 80, "c1")
        same((one["weight"], one["metadata"]), (3.0, {"zone": "a", "v": "2"}))
        assert self.client.remove_naming_instance("py.a", "10.0.0.2", 80)
        same(self.shown("py.a"), ["10.0.0.1:80"])

    def groups(self):
        assert self.client.add_naming_instance("py.a", "10.0.1.1", 81, "DEFAULT", group_name="other")
        same(self.shown("py.a", group_name="other"), ["10.0.1.1:81"])
        same(self.shown("py.a"), ["10.0.0.1:80"])

    def persistent(self):
        assert self.client.add_naming_instance("py.p", "10.0.2.1", 80, "DEFAULT", ephemeral=False)
        same(self.shown("py.p"), ["10.0.2.1:80"])
        assert self.client.remove_naming_instance("py.p", "10.0.2.1", 80, "DEFAULT", ephemeral=False)
        same(self.shown("py.p"), [])

    async def told(self):
        seen = Seen()
        self.client.add_naming_instance("py.told", "10.0.0.1", 80, "DEFAULT")
        listener = SubscribeListener(lambda event, slc: seen.values.append(f"{event} {slc.instance['ip']}"), "told")
        self.client.subscribe(listener, 1, "py.told")
        await asyncio.sleep(2)
        self.client.add_naming_instance("py.told", "10.0.0.2", 80, "DEFAULT")
        await seen.until("ADDED 10.0.0.2", 5)
        self.client.remove_naming_instance("py.told", "10.0.0.2", 80)
        await seen.until("DELETED 10.0.0.2", 5)
        self.client.stop_subscribe()

    async def beats(self):
        """Without heartbeats an instance becomes unhealthy and goes, with them it stays."""
        self.client.add_naming_instance("py.dies", "10.0.0.1", 80, "DEFAULT", metadata={
            "preserved.heart.beat.interval": "500", "preserved.heart.beat.timeout": "1500", "preserved.ip.delete.timeout": "3000"})
        await asyncio.sleep(2)
        same([h["healthy"] for h in self.client.list_naming_instance("py.dies")["hosts"]], [False])
        same(self.client.list_naming_instance("py.dies", healthy_only=True)["hosts"], [])
        same(self.client.send_heartbeat("py.dies", "10.0.0.1", 80)["code"], 10200)
        same([h["healthy"] for h in self.client.list_naming_instance("py.dies")["hosts"]], [True])
        await asyncio.sleep(3.5)
        same(self.shown("py.dies"), [])
        await asyncio.sleep(15)
        same(self.shown("py.a"), ["10.0.0.1:80"])

    async def killed(self):
        """A process that sent heartbeats, which may be late by 2 s, is killed."""
        child = multiprocessing.get_context("spawn").Process(target=register_and_wait, args=(self.server.address,), daemon=True)
        child.start()
        try:
            await self.until("py.killed", ["10.0.9.9:99"], 20)
            await asyncio.sleep(5)
            same(self.shown("py.killed"), ["10.0.9.9:99"])
        finally:
            child.kill()
        await self.until("py.killed", [], 8)

    async def restart(self, sig):
        self.server.end(sig)
        self.server.start()
        await self.until("py.a", ["10.0.0.1:80"], 15)


def register_and_wait(address):
    nacos.NacosClient(address, namespace="").add_naming_instance("py.killed", "10.0.9.9", 99, "DEFAULT", heartbeat_interval=1, metadata={
        "preserved.heart.beat.interval": "1000", "preserved.heart.beat.timeout": "3000", "preserved.ip.delete.timeout": "4000"})
    time.sleep(600)


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
    naming = Naming(Server())
    for name, run in (
            ("register, list, change, deregister", naming.basics), ("groups of services", naming.groups), ("a persistent instance", naming.persistent),
            ("a subscriber is told of what comes and goes", naming.told), ("heartbeats that stop, and that do not", naming.beats),
            ("a killed client is gone when its heartbeats are late", naming.killed),
            ("the server is restarted in order and heartbeats bring back what it had, once", lambda: naming.restart(signal.SIGTERM)),
            ("the server is killed and heartbeats bring back what it had, once", lambda: naming.restart(signal.SIGKILL))):
        await check(name, run, failed)
    await asyncio.to_thread(idling.join)
    checks.server.close()
    naming.server.close()
    finish(failed)


if __name__ == "__main__":
    asyncio.run(main())
