"""Checks Nacre with Nacos' SDK for Python of version 3, which speaks gRPC. NACRE names the binary of the server."""
import asyncio
import signal
import socket
import tempfile

from v2.nacos import ClientConfigBuilder, ConfigParam, GRPCConfig, NacosConfigService

import grpc_naming
from nacre import GROUP, Seen, Server, check, digest, finish, same


async def connect(server, namespace="", labels=None):
    folder = tempfile.mkdtemp(prefix="sdk", dir=server.dir)
    config = (ClientConfigBuilder().server_address(server.address).namespace_id(namespace).timeout_ms(5000)
              .log_level("ERROR").log_dir(folder).cache_dir(folder).grpc_config(GRPCConfig(grpc_timeout=5000))
              .app_conn_labels(labels or {}).build())
    return await NacosConfigService.create_config_service(config)


async def listen(client, data_id):
    seen = Seen()

    async def told(tenant, group, data_id, content):
        seen.values.append(content)

    await client.add_listener(data_id, GROUP, told)
    return seen


class Checks:
    def __init__(self, server, client):
        self.server, self.client, self.many_seen = server, client, []

    async def publish(self, data_id, content, **more):
        done = await self.client.publish_config(ConfigParam(data_id=data_id, group=GROUP, content=content, **more))
        assert done, "publishing answered false"

    async def read(self, data_id, client=None):
        return await (client or self.client).get_config(ConfigParam(data_id=data_id, group=GROUP))

    async def basics(self):
        await self.publish("a", "one")
        same(await self.read("a"), "one")
        assert await self.client.remove_config(ConfigParam(data_id="a", group=GROUP))
        same(await self.read("a") or "", "")

    async def cas(self):
        await self.publish("cas", "one")
        try:
            taken = await self.client.publish_config(ConfigParam(data_id="cas", group=GROUP, content="two", cas_md5=digest("other")))
        except Exception:
            taken = False
        assert not taken, "a wrong md5 was taken"
        same(await self.read("cas"), "one")
        await self.publish("cas", "two", cas_md5=digest("one"))
        same(await self.read("cas"), "two")

    async def listens(self):
        seen = await listen(self.client, "told")
        await self.publish("told", "0")
        await seen.until("0", 15)
        for value in "123":
            await self.publish("told", value)
        await seen.until("3", 15)
        same(seen.values, sorted(seen.values))
        await self.client.remove_config(ConfigParam(data_id="told", group=GROUP))
        try:
            await seen.until("", 3)
        except AssertionError:
            if seen.last() not in ("3", None):
                raise
        same(await self.read("told") or "", "")

    async def many(self):
        self.many_seen = [await listen(self.client, f"many.{i}") for i in range(200)]
        for turn in ("first", "second"):
            await self.publish_many(turn)
            await self.many_told(turn, 15)

    async def publish_many(self, turn):
        for i in range(len(self.many_seen)):
            await asyncio.to_thread(self.server.publish, f"many.{i}", f"{i} {turn}")

    async def many_told(self, turn, limit):
        for i, seen in enumerate(self.many_seen):
            await seen.until(f"{i} {turn}", limit)

    async def contents(self):
        for data_id, content in (("unicode", "grün, 中文, 🐚, \x01 and a tab\t\r\n"), ("large", "0123456789abcde\n" * (1 << 16))):
            await self.publish(data_id, content)
            same(await self.read(data_id), content)

    async def types(self):
        for kind in ("json", "yaml", "properties", "xml", "text", "html", "toml"):
            await self.publish("typed", "x " + kind, type=kind)
            same(self.server.header("typed", "Config-Type"), kind)

    async def namespaces(self):
        other = await connect(self.server, "other")
        await self.publish("shared", "of the default one")
        assert await other.publish_config(ConfigParam(data_id="shared", group=GROUP, content="of the other one"))
        same(await self.read("shared"), "of the default one")
        same(await self.read("shared", other), "of the other one")
        await other.shutdown()

    async def gray(self):
        await self.publish("gray", "for all")
        seen = await listen(self.client, "gray")
        addresses = {"127.0.0.1", socket.gethostbyname(socket.gethostname())}
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            probe.connect(("10.255.255.255", 1))
            addresses.add(probe.getsockname()[0])
        except OSError:
            pass
        await self.publish("gray", "for this address", beta_ips=",".join(addresses))
        await seen.until("for this address", 15)
        same(await self.read("gray"), "for this address")
        await self.publish("tagged", "for all")
        await self.publish("tagged", "for the tag", tag="blue")
        same(await self.read("tagged"), "for all")
        blue = await connect(self.server, labels={"Vipserver-Tag": "blue"})  # this SDK says its tag in a label of the connection
        same(await self.read("tagged", blue), "for the tag")
        seen = await listen(blue, "tagged")
        await self.publish("tagged", "again for the tag", tag="blue")
        await seen.until("again for the tag", 15)
        await blue.shutdown()

    async def encrypted(self):
        data_id = "cipher-aes-x"  # the SDK encrypts for a key service; without one it passes the content and the key on
        self.server.publish(data_id, "ciphertext", encryptedDataKey="the key")
        same(await self.read(data_id), "ciphertext")
        await self.publish(data_id, "other", encrypted_data_key="another key")
        same(self.server.header(data_id, "Encrypted-Data-Key"), "another key")

    async def restart(self, sig):
        data_id = f"restart.{sig}"
        seen = await listen(self.client, data_id)
        await self.publish(data_id, "before")
        await seen.until("before", 15)
        await asyncio.to_thread(self.server.end, sig)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(self.server.start)
        # Published before the client is back: it must learn of it when it listens again.
        self.server.publish(data_id, "meanwhile")
        await self.publish_many(data_id)
        await seen.until("meanwhile", 30)
        await self.many_told(data_id, 15)
        await self.publish(data_id, "after")
        await seen.until("after", 15)


async def idle():
    server = Server()
    client = await connect(server)
    seen = await listen(client, "idle")
    await asyncio.sleep(60)
    server.publish("idle", "awake")
    await seen.until("awake", 1)
    await client.shutdown()
    server.close()


async def main():
    failed = []
    idling = asyncio.create_task(check("one idle minute, then a change", idle, failed))
    server = Server()
    checks = Checks(server, await connect(server))
    for name, run in (
            ("publish, read, remove", checks.basics), ("compare and set", checks.cas),
            ("three changes in a row and a removal are told", checks.listens), ("200 listeners on one client", checks.many),
            ("unicode and a megabyte", checks.contents), ("types", checks.types), ("namespaces", checks.namespaces),
            ("a beta variant by address, a variant by tag", checks.gray), ("an encrypted configuration with its key", checks.encrypted),
            ("the server is restarted in order", lambda: checks.restart(signal.SIGTERM)),
            ("the server is killed", lambda: checks.restart(signal.SIGKILL))):
        await check(name, run, failed)
    await checks.client.shutdown()
    server.close()
    await grpc_naming.run(failed)
    await idling
    finish(failed)


asyncio.run(main())
