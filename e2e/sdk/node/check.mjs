// Checks Nacre with Nacos' SDK for Node, which polls over HTTP. NACRE names the binary of the server.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { naming, registerAndWait } from './naming.mjs'

// All processes on a machine that use this SDK share one client of it, which the first one runs, on port 7777; here
// each is to be its own. No port here is among those that connections are given: one of them could hold it.
const random = () => 10000 + Math.floor(Math.random() * 21000)
do process.env.NODE_CLUSTER_CLIENT_PORT = String(random())
while (!(await free(process.env.NODE_CLUSTER_CLIENT_PORT)))
const { default: nacos } = await import('nacos')

const group = 'sdk'
const failed = []
const digest = (text) => createHash('md5').update(text).digest('hex')
const pause = (ms) => new Promise((done) => setTimeout(done, ms))

function free(port) {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)))
  })
}

/** A Nacre process on a free pair of ports P and P+1000. */
class Server {
  static async create() {
    const server = new Server()
    server.dir = mkdtempSync(join(tmpdir(), 'nacre-sdk-node'))
    do {
      server.port = random()
    } while (!(await free(server.port)) || !(await free(server.port + 1000)))
    await server.start()
    return server
  }

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  async start() {
    this.process = spawn(process.env.NACRE, ['serve', '--data-dir', join(this.dir, 'data'), '--http-addr', `127.0.0.1:${this.port}`, '--access-log', 'off', '--log-level', 'warn'], { stdio: 'inherit' })
    this.ended = new Promise((done) => this.process.once('exit', done))
    for (let i = 0; i < 1000; i++) {
      try {
        if ((await fetch(this.url + '/readyz')).ok) return
      } catch {}
      await pause(10)
    }
    throw new Error('the server was not ready in time')
  }

  async end(signal) {
    this.process.kill(signal)
    await this.ended
  }

  async close() {
    await this.end('SIGKILL')
    rmSync(this.dir, { recursive: true, force: true })
  }

  async publish(dataId, content, more = {}, headers = {}) {
    const answer = await fetch(this.url + '/nacos/v1/cs/configs', { method: 'POST', headers, body: new URLSearchParams({ dataId, group, content, ...more }) })
    const text = await answer.text()
    if (text !== 'true') throw new Error(`publishing answered ${answer.status} ${text}`)
  }

  async header(dataId, name) {
    return (await fetch(`${this.url}/nacos/v1/cs/configs?${new URLSearchParams({ dataId, group })}`)).headers.get(name)
  }
}

/** Collects what a listener is told. */
function listen(client, dataId) {
  const values = []
  client.subscribe({ dataId, group }, (content) => values.push(content))
  const last = () => (values.length ? values[values.length - 1] : '<nothing>')
  return {
    values,
    async until(want, limit) {
      for (const end = Date.now() + limit; last() !== want; await pause(5)) {
        if (Date.now() > end) throw new Error(`after ${limit} ms the listener was told ${JSON.stringify(last())} last, want ${JSON.stringify(want)}`)
      }
    },
  }
}

async function connect(server, namespace = '') {
  const client = new nacos.NacosConfigClient({
    serverAddr: `127.0.0.1:${server.port}`, namespace, requestTimeout: 5000, cacheDir: join(server.dir, 'cache' + namespace),
    logger: { ...console, info() {}, warn() {}, debug() {}, error() {} },
  })
  client.on('error', () => {})
  await client.ready()
  return client
}

function same(got, want) {
  if (got !== want) throw new Error(`got ${JSON.stringify(got)?.slice(0, 80)}, want ${JSON.stringify(want)?.slice(0, 80)}`)
}

async function check(name, run) {
  const start = Date.now()
  const took = () => `(${((Date.now() - start) / 1000).toFixed(1)} s)`
  try {
    await run()
    console.log(`ok     ${name} ${took()}`)
  } catch (e) {
    failed.push(name)
    console.log(`FAILED ${name} ${took()}: ${e.message}`)
  }
}

async function idle() {
  const server = await Server.create()
  const client = await connect(server)
  const told = listen(client, 'idle')
  await pause(60_000)
  await server.publish('idle', 'awake')
  await told.until('awake', 2000)
  client.close()
  await server.close()
}

/** Runs this program in another process: clients of this SDK in one process share their settings, the last one's. */
function elsewhere(...args) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [process.argv[1], ...args], { stdio: 'inherit' })
    child.once('exit', (code) => (code === 0 ? done() : fail(new Error(`it ended with ${code}, see above`))))
  })
}

/** What the client of another namespace does. */
async function other(port) {
  const client = await connect({ port, dir: mkdtempSync(join(tmpdir(), 'nacre-sdk-node')) }, 'other')
  await client.publishSingle('shared', group, 'of the other one')
  same(await client.getConfig('shared', group), 'of the other one')
}

async function main() {
  const idling = Promise.all(['idle', 'naming'].map((name) => elsewhere(name).catch(() => failed.push(name))))
  const server = await Server.create()
  const client = await connect(server)
  const publish = async (dataId, content, more) => same(await client.publishSingle(dataId, group, content, more), true)
  const read = (dataId) => client.getConfig(dataId, group)

  await check('publish, read, remove', async () => {
    await publish('a', 'one')
    same(await read('a'), 'one')
    await client.remove('a', group)
    same((await read('a')) ?? '', '')
  })
  await check('compare and set', async () => {
    await publish('cas', 'one')
    const cas = (md5) => fetch(server.url + '/nacos/v1/cs/configs', { method: 'POST', headers: { casMd5: md5 }, body: new URLSearchParams({ dataId: 'cas', group, content: 'two' }) })
    same((await cas(digest('other'))).ok, false) // this SDK has no compare and set of its own
    same(await read('cas'), 'one')
    same((await cas(digest('one'))).ok, true)
    same(await read('cas'), 'two')
  })
  await check('three changes in a row and a removal are told', async () => {
    const told = listen(client, 'told')
    await publish('told', '0')
    await told.until('0', 40_000)
    for (const value of ['1', '2', '3']) await publish('told', value)
    await told.until('3', 40_000)
    const values = told.values.filter(Boolean) // at first it is told that there is nothing
    same(values.join(), [...values].sort().join())
    await client.remove('told', group)
    for (const end = Date.now() + 10_000; told.values.at(-1); await pause(5)) {
      if (Date.now() > end) throw new Error('the removal was not told')
    }
  })
  await check('200 listeners on one client', async () => {
    const all = Array.from({ length: 200 }, (_, i) => listen(client, `many.${i}`))
    for (let turn = 0; turn < 2; turn++) {
      for (let i = 0; i < 200; i++) await publish(`many.${i}`, `${i}/${turn}`)
      for (let i = 0; i < 200; i++) await all[i].until(`${i}/${turn}`, 40_000)
    }
  })
  await check('unicode and a megabyte', async () => {
    for (const [dataId, content] of [['unicode', 'grün, 中文, 🐚 and a tab\t\r\n'], ['large', '0123456789abcde\n'.repeat(1 << 16)]]) {
      await publish(dataId, content)
      same(await read(dataId), content)
    }
  })
  await check('types', async () => {
    for (const type of ['json', 'yaml', 'properties', 'xml', 'text', 'html']) {
      await publish('typed', 'x ' + type, { type })
      same(await server.header('typed', 'config-type'), type)
    }
  })
  await check('namespaces', async () => {
    await publish('shared', 'of the default one')
    await elsewhere('other', String(server.port))
    same(await read('shared'), 'of the default one')
  })
  await check('a beta variant by address', async () => {
    await publish('gray', 'for all')
    await server.publish('gray', 'for this address', {}, { betaIps: '127.0.0.1' })
    same(await read('gray'), 'for this address')
  })
  await check('an encrypted configuration with its key', async () => {
    await server.publish('cipher-aes-x', 'ciphertext', { encryptedDataKey: 'the key' })
    same(await read('cipher-aes-x'), 'ciphertext')
    same(await server.header('cipher-aes-x', 'encrypted-data-key'), 'the key')
  })
  for (const [name, signal] of [['the server is restarted in order', 'SIGTERM'], ['the server is killed', 'SIGKILL']]) {
    await check(name, async () => {
      const dataId = 'restart.' + signal
      await publish(dataId, 'before')
      const told = listen(client, dataId)
      await told.until('before', 40_000)
      await server.end(signal)
      await pause(500)
      await server.start()
      // Published before the client is back: its next poll must tell it.
      await server.publish(dataId, 'meanwhile')
      await told.until('meanwhile', 40_000)
      await publish(dataId, 'after')
      await told.until('after', 40_000)
    })
  }
  await idling
  await server.close()
  process.exit(failed.length ? 1 : 0)
}

switch (process.argv[2]) {
  case 'idle':
    await check('one idle minute, then a change', idle)
    process.exit(failed.length ? 1 : 0)
  case 'naming':
    await naming({ nacos, Server, check, pause, same, elsewhere: (...args) => spawn(process.execPath, [process.argv[1], ...args], { stdio: 'inherit' }) })
    process.exit(failed.length ? 1 : 0)
  case 'register':
    await registerAndWait(nacos, Number(process.argv[3]))
    await pause(600_000)
    break
  case 'other':
    await other(Number(process.argv[3]))
    process.exit(0)
  default:
    await main()
}
