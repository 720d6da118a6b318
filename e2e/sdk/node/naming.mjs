// Checks the registry with Nacos' SDK for Node, which registers, sends heartbeats and polls over HTTP.

/** The instances that a client sees, as texts in order. */
const shown = (hosts) => hosts.map((h) => `${h.ip}:${h.port}`).sort().join()

async function connect(nacos, port) {
  const client = new nacos.NacosNamingClient({
    serverList: `127.0.0.1:${port}`, namespace: 'public', logger: { ...console, info() {}, warn() {}, debug() {}, error() {} },
  })
  client.on('error', () => {})
  await client.ready()
  return client
}

/** Is the client that is going to be killed; its heartbeats, every 5 s, may be late by 2 s. */
export async function registerAndWait(nacos, port) {
  const client = await connect(nacos, port)
  await client.registerInstance('node.killed', {
    ip: '10.0.9.9', port: 99, metadata: { 'preserved.heart.beat.timeout': '7000', 'preserved.ip.delete.timeout': '9000' },
  })
}

/** How long a subscriber may wait for a change: it is pushed over UDP. */
const told = 1000

export async function naming({ nacos, Server, check, elsewhere, pause, same }) {
  const server = await Server.create()
  const client = await connect(nacos, server.port)
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
  await check('clusters are chosen from', async () => {
    await client.registerInstance('node.clusters', { ip: '10.0.0.1', port: 80, clusterName: 'c1' })
    await client.registerInstance('node.clusters', { ip: '10.0.0.2', port: 80, clusterName: 'c2' })
    for (const [clusters, want] of [['c1', '10.0.0.1:80'], ['c1,c2', '10.0.0.1:80,10.0.0.2:80'], ['', '10.0.0.1:80,10.0.0.2:80']]) {
      same(shown(await client.getAllInstances('node.clusters', undefined, clusters)), want)
    }
  })
  await check('only healthy ones are selected', async () => {
    await client.registerInstance('node.health', { ip: '10.0.0.1', port: 80 })
    const metadata = 'preserved.heart.beat.interval=200,preserved.heart.beat.timeout=500'
    const silent = { serviceName: 'node.health', ip: '10.0.0.2', port: 80, ephemeral: true, metadata }
    same((await fetch(`${server.url}/nacos/v1/ns/instance?${new URLSearchParams(silent)}`, { method: 'POST' })).ok, true)
    const select = async (healthy) => shown(await client.selectInstances('node.health', undefined, undefined, healthy))
    await until(() => select(false), 5000, '10.0.0.2:80')
    same(await select(true), '10.0.0.1:80')
    same(shown(await client.getAllInstances('node.health')), '10.0.0.1:80,10.0.0.2:80')
  })
  await check('a persistent instance', async () => {
    const instance = { ip: '127.0.0.1', port: server.port, ephemeral: false }
    await client.registerInstance('node.lasting', instance)
    const [one] = await client.getAllInstances('node.lasting')
    same(one.ip + one.ephemeral, '127.0.0.1false')
    await client.deregisterInstance('node.lasting', instance)
    same(shown(await list('node.lasting')), '')
  })
  await check('pages of services', async () => {
    for (let i = 0; i < 25; i++) await client.registerInstance(`node.page.${i}`, { ip: '10.0.0.1', port: 80 }, 'pages')
    const found = new Set()
    for (let page = 1; page <= 3; page++) {
      const { count, data } = await client._serverProxy.getServiceList(page, 10, 'pages') // the client has no method for it
      same(count, 25)
      data.forEach((name) => found.add(name))
    }
    same(found.size, 25)
  })
  await check('the server says that it is well', async () => same(await client.getServerStatus(), 'UP'))
  await check('a subscriber is told within a second', async () => {
    let seen = '<nothing>'
    client.subscribe('node.told', (hosts) => (seen = shown(hosts)))
    await client.registerInstance('node.told', { ip: '10.0.0.1', port: 80 })
    await until(async () => seen, told, '10.0.0.1:80')
    await client.registerInstance('node.told', { ip: '10.0.0.2', port: 80 })
    await until(async () => seen, told, '10.0.0.1:80,10.0.0.2:80')
    await client.deregisterInstance('node.told', { ip: '10.0.0.1', port: 80 })
    await until(async () => seen, told, '10.0.0.2:80')
  })
  await check('a killed client is gone when its heartbeats are late', async () => {
    let seen = '<nothing>'
    client.subscribe('node.killed', (hosts) => (seen = shown(hosts)))
    await client.registerInstance('node.killed', { ip: '10.0.0.1', port: 80 }) // this SDK takes no empty list for true
    const child = elsewhere('register', String(server.port))
    try {
      await until(async () => seen, 20_000, '10.0.0.1:80,10.0.9.9:99')
      await pause(10_000)
      same(seen, '10.0.0.1:80,10.0.9.9:99')
    } finally {
      child.kill('SIGKILL')
    }
    await until(async () => seen, 12_000, '10.0.0.1:80')
    same(shown(await list('node.killed')), '10.0.0.1:80')
  })
  await check('heartbeats keep an instance for 35 s', async () => {
    await pause(35_000)
    const hosts = await list('node.a')
    same(shown(hosts), '10.0.0.1:80')
    same(hosts[0].healthy, true)
  })
  for (const [name, signal] of [['restarted in order', 'SIGTERM'], ['killed', 'SIGKILL']]) {
    await check(`the server is ${name} and the heartbeats bring all back, once`, async () => {
      await server.end(signal)
      await server.start()
      await until(async () => shown(await list('node.a')), 20_000, '10.0.0.1:80')
      same((await list('node.a'))[0].metadata.zone, 'a')
      await until(async () => shown(await list('node.a', { groupName: 'other' })), 20_000, '10.0.1.1:81')
      await until(async () => shown(await list('node.clusters')), 20_000, '10.0.0.1:80,10.0.0.2:80')
    })
  }
  await client.close()
  await server.close()
}
