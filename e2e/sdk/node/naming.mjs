// Checks the registry with Nacos' SDK for Node, which registers, sends heartbeats and polls over HTTP.

/** The instances that a client sees, as texts in order. */
const shown = (hosts) => hosts.map((h) => `${h.ip}:${h.port}`).sort().join()

export async function naming({ nacos, Server, check, pause, same }) {
  const server = await Server.create()
  const client = new nacos.NacosNamingClient({
    serverList: `127.0.0.1:${server.port}`, namespace: 'public', logger: { ...console, info() {}, warn() {}, debug() {}, error() {} },
  })
  client.on('error', () => {})
  await client.ready()
  const list = async (serviceName, more = {}) => {
    const answer = await fetch(`${server.url}/nacos/v1/ns/instance/list?${new URLSearchParams({ serviceName, ...more })}`)
    return (await answer.json()).hosts
  }
  const until = async (what, limit, want) => {
    let got
    for (const end = Date.now() + limit; (got = await what()) !== want; await pause(20)) {
      if (Date.now() > end) throw new Error(`after ${limit} ms it is ${JSON.stringify(got)}, want ${JSON.stringify(want)}`)
    }
  }

  await check('register, list, deregister', async () => {
    await client.registerInstance('node.a', { ip: '10.0.0.1', port: 80, weight: 2, metadata: { zone: 'a' } })
    await client.registerInstance('node.a', { ip: '10.0.0.2', port: 80 })
    const all = await client.getAllInstances('node.a')
    same(shown(all), '10.0.0.1:80,10.0.0.2:80')
    const one = all.find((h) => h.ip === '10.0.0.1')
    same(one.weight, 2)
    same(one.metadata.zone, 'a')
    same(shown(await client.selectInstances('node.a', undefined, undefined, true)), '10.0.0.1:80,10.0.0.2:80')
    await client.deregisterInstance('node.a', { ip: '10.0.0.2', port: 80 })
    await until(async () => shown(await list('node.a')), 1000, '10.0.0.1:80')
  })
  await check('groups are apart', async () => {
    await client.registerInstance('node.a', { ip: '10.0.1.1', port: 81 }, 'other')
    same(shown(await list('node.a', { groupName: 'other' })), '10.0.1.1:81')
    same(shown(await client.getAllInstances('node.a', 'other')), '10.0.1.1:81')
    same(shown(await list('node.a')), '10.0.0.1:80')
  })
  await check('the server says that it is well', async () => same(await client.getServerStatus(), 'UP'))
  await check('a subscriber is told of what comes and goes', async () => {
    let seen = '<nothing>'
    client.subscribe('node.told', (hosts) => (seen = shown(hosts)))
    await client.registerInstance('node.told', { ip: '10.0.0.1', port: 80 })
    await until(async () => seen, 15_000, '10.0.0.1:80')
    await client.registerInstance('node.told', { ip: '10.0.0.2', port: 80 })
    await until(async () => seen, 15_000, '10.0.0.1:80,10.0.0.2:80')
    await client.deregisterInstance('node.told', { ip: '10.0.0.1', port: 80 })
    await until(async () => seen, 15_000, '10.0.0.2:80')
  })
  await check('heartbeats keep an instance for 35 s', async () => {
    await pause(35_000)
    const hosts = await list('node.a')
    same(shown(hosts), '10.0.0.1:80')
    same(hosts[0].healthy, true)
  })
  await check('the server is killed and the heartbeats bring all back', async () => {
    await server.end('SIGKILL')
    await server.start()
    await until(async () => shown(await list('node.a')), 20_000, '10.0.0.1:80')
    same((await list('node.a'))[0].metadata.zone, 'a')
    await until(async () => shown(await list('node.a', { groupName: 'other' })), 20_000, '10.0.1.1:81')
  })
  await client.close()
  await server.close()
}
