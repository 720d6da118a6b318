"""What the SDK for Python of version 3 does with services: one client provides, another looks."""
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

from v2.nacos import (BatchRegisterInstanceParam, ClientConfigBuilder, DeregisterInstanceParam, GRPCConfig, ListInstanceParam,
                      ListServiceParam, NacosNamingService, RegisterInstanceParam, SubscribeServiceParam)

from nacre import GROUP, Seen, Server, check, same

# How long a subscriber, a killed client and a restart may take, in seconds. This SDK registers anew what is lost every 30 s.
TOLD, GONE, BACK = 1, 2, 65


async def connect(address):
    folder = tempfile.mkdtemp(prefix="nacre-sdk-python")
    config = (ClientConfigBuilder().server_address(address).namespace_id("public").timeout_ms(5000).log_level("ERROR")
              .log_dir(folder).cache_dir(folder).grpc_config(GRPCConfig(grpc_timeout=5000)).build())
    config.set_load_cache_at_start(False)
    config.set_update_cache_when_empty(True)  # without it this SDK keeps the last instance of a service when it goes
    return await NacosNamingService.create_naming_service(config)


def instance(service, ip, **more):
    return RegisterInstanceParam(service_name=service, group_name=more.pop("group", GROUP), ip=ip, port=80, **more)


def shown(hosts):
    return " ".join(sorted(h.ip for h in hosts))


class Naming:
    def __init__(self, server, a, b):
        self.server, self.a, self.b = server, a, b

    async def hosts(self, service, clusters=(), healthy=None, group=GROUP):
        """Subscribes, and then returns what the client was told: this SDK asks the server once."""
        return await self.b.list_instances(ListInstanceParam(
            service_name=service, group_name=group, clusters=list(clusters), subscribe=False, healthy_only=healthy))

    async def until(self, service, want, **more):
        end = time.monotonic() + TOLD
        while (got := shown(await self.hosts(service, **more))) != want:
            assert time.monotonic() < end, f"after {TOLD} s there is {got!r}, want {want!r}"
            await asyncio.sleep(0.005)

    def served(self, service):
        """What a server says to who is no client of this SDK."""
        query = urllib.parse.urlencode({"serviceName": f"{GROUP}@@{service}"})
        body = urllib.request.urlopen(f"http://{self.server.address}/nacos/v1/ns/instance/list?{query}", timeout=5).read()
        return " ".join(sorted(h["ip"] for h in json.loads(body)["hosts"]))

    async def deregister(self, service, ip, **more):
        assert await self.a.deregister_instance(DeregisterInstanceParam(service_name=service, group_name=GROUP, ip=ip, port=80, **more))

    async def subscribe(self, service):
        seen = Seen()

        async def told(hosts):
            seen.values.append(shown(hosts))

        param = SubscribeServiceParam(service_name=service, group_name=GROUP, subscribe_callback=told)
        await self.b.subscribe(param)
        return seen, param

    async def basics(self):
        assert await self.a.register_instance(instance("py.a", "10.0.0.1", weight=2.5, metadata={"unicode": "中文"}))
        one, = await self.hosts("py.a")
        same((one.weight, one.metadata, one.clusterName, one.healthy, one.ephemeral), (2.5, {"unicode": "中文"}, "DEFAULT", True, True))
        assert await self.a.update_instance(instance("py.a", "10.0.0.1", weight=7))
        end = time.monotonic() + TOLD
        while (await self.hosts("py.a"))[0].weight != 7:
            assert time.monotonic() < end, "the weight did not change"
            await asyncio.sleep(0.005)
        await self.deregister("py.a", "10.0.0.1")
        await self.until("py.a", "")

    async def groups(self):
        await self.a.register_instance(instance("py.clusters", "10.0.0.1", cluster_name="c1"))
        await self.b.register_instance(instance("py.clusters", "10.0.0.2", cluster_name="c2"))
        await self.a.register_instance(instance("py.clusters", "10.0.0.3", group="other"))
        for clusters, want in (["c1"], "10.0.0.1"), (["c1", "c2"], "10.0.0.1 10.0.0.2"), (["none"], ""), ([], "10.0.0.1 10.0.0.2"):
            await self.until("py.clusters", want, clusters=clusters)
        await self.until("py.clusters", "10.0.0.3", group="other")

    async def selects(self):
        await self.a.register_instance(instance("py.health", "10.0.0.1"))
        await self.b.register_instance(instance("py.health", "10.0.0.2", healthy=False))
        for healthy, want in (None, "10.0.0.1 10.0.0.2"), (True, "10.0.0.1"), (False, "10.0.0.2"):
            await self.until("py.health", want, healthy=healthy)

    async def subscribes(self):
        seen, param = await self.subscribe("py.told")
        await self.a.register_instance(instance("py.told", "10.0.0.1"))
        await seen.until("10.0.0.1", TOLD)
        await self.deregister("py.told", "10.0.0.1")
        await seen.until("", TOLD)
        await self.b.unsubscribe(param)
        await self.a.register_instance(instance("py.told", "10.0.0.1"))
        await asyncio.sleep(TOLD)
        same(seen.last(), "")

    async def batch(self):
        many = [instance("py.batch", f"10.0.0.{i}") for i in (1, 2, 3)]
        assert await self.a.batch_register_instances(BatchRegisterInstanceParam(service_name="py.batch", group_name=GROUP, instances=many))
        await self.until("py.batch", "10.0.0.1 10.0.0.2 10.0.0.3")
        assert await self.a.batch_deregister_instances(BatchRegisterInstanceParam(service_name="py.batch", group_name=GROUP, instances=many[:1]))
        await self.until("py.batch", "10.0.0.2 10.0.0.3")

    async def persistent(self):
        other = await connect(self.server.address)
        assert await other.register_instance(instance("py.lasting", "127.0.0.1", ephemeral=False))
        await other.shutdown()
        same([(h.ip, h.ephemeral) for h in await self.hosts("py.lasting")], [("127.0.0.1", False)])
        await self.deregister("py.lasting", "127.0.0.1", ephemeral=False)
        await self.until("py.lasting", "")

    async def pages(self):
        for i in range(25):
            await self.a.register_instance(instance(f"py.page.{i}", "10.0.0.1", group="pages"))
        found = set()
        for page in range(1, 5):
            m = await self.b.list_services(ListServiceParam(namespace_id="public", group_name="pages", page_no=page, page_size=10))
            same(m.count, 25)
            found.update(m.services)
        same(len(found), 25)

    async def killed(self):
        seen, _ = await self.subscribe("py.killed")
        child = subprocess.Popen([sys.executable, os.path.abspath(__file__), self.server.address, "py.killed"])
        try:
            await seen.until("10.0.9.9", BACK)
        finally:
            child.kill()
        await seen.until("", GONE)
        child.wait()
        same(self.served("py.killed"), "")

    async def restart(self, sig):
        """What both registered comes back, once."""
        service = f"py.restart.{sig}"
        seen, _ = await self.subscribe(service)
        many = [instance(service, f"10.0.0.{i}") for i in (1, 2)]
        await self.a.batch_register_instances(BatchRegisterInstanceParam(service_name=service, group_name=GROUP, instances=many))
        await self.b.register_instance(instance(service, "10.0.0.3"))
        every = "10.0.0.1 10.0.0.2 10.0.0.3"
        await seen.until(every, TOLD)
        await asyncio.to_thread(self.server.end, sig)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(self.server.start)
        end = time.monotonic() + BACK
        while (got := await asyncio.to_thread(self.served, service)) != every:
            assert time.monotonic() < end, f"after {BACK} s there is {got}"
            await asyncio.sleep(0.02)
        late = await connect(self.server.address)
        await late.register_instance(instance(service, "10.0.0.4"))
        await seen.until(every + " 10.0.0.4", BACK)
        same(self.served(service), every + " 10.0.0.4")
        await late.shutdown()


async def run(failed):
    server = Server()
    n = Naming(server, await connect(server.address), await connect(server.address))
    for name, one in (
            ("register, list, deregister", n.basics), ("groups and clusters", n.groups), ("only healthy ones are selected", n.selects),
            ("a subscriber is told within a second", n.subscribes), ("a batch", n.batch), ("a persistent instance", n.persistent),
            ("pages", n.pages), ("a killed client is gone within two seconds", n.killed),
            ("the server is restarted in order", lambda: n.restart(signal.SIGTERM)),
            ("the server is killed", lambda: n.restart(signal.SIGKILL))):
        await check("services: " + name, one, failed)
    await n.a.shutdown()
    await n.b.shutdown()
    server.close()


async def register_and_wait(address, service):
    client = await connect(address)
    await client.register_instance(instance(service, "10.0.9.9"))
    await asyncio.sleep(600)


if __name__ == "__main__":  # the client that is going to be killed
    asyncio.run(register_and_wait(sys.argv[1], sys.argv[2]))
