import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mysql, { type RowDataPacket } from 'mysql2/promise'
import { createRunFolder, giveAway, rootHome, type Home } from './home.js'
import { keep, type Kept } from './keep.js'
import { mariadbLaunch } from './mariadb.js'
import { launch } from './launch.js'
import { mysqlUrl } from './mysql.js'
import { freePort, mustRun, sleep, tailOfFile, withLock } from './process.js'
import { current, ensureRoot } from './root.js'

export interface Cluster {
  /** One URL a node; all of them take writes. */
  readonly urls: readonly string[]
  stop(): Promise<void>
}

const PROVIDER = '/opt/mariadb/usr/lib/galera/libgalera_smm.so'
const READY_MS = 90_000

/**
 * A state transfer for nodes whose data folders are copies of one: there is nothing to copy, and what came since is
 * sent by the cluster itself.
 */
const NO_TRANSFER = `#!/bin/sh
while [ $# -gt 0 ]; do
  case "$1" in --datadir) data=$2 ;; --gtid) position=$2 ;; --role) role=$2 ;; esac
  shift
done
cat >/dev/null
field() { sed -n "s/^$1: *//p" "$data/grastate.dat"; }
if [ "$role" = joiner ]; then echo "ready 127.0.0.1:1/none"; echo "$(field uuid):$(field seqno)"; else echo "done $position"; fi
`

interface Node {
  readonly folder: string
  readonly port: number
  readonly group: number
  readonly transfer: number
}

/** Three MariaDB servers that are one Galera cluster. */
export async function startGalera(): Promise<Cluster> {
  const home = rootHome(await ensureRoot(current, (line) => process.stderr.write(`servers: ${line}\n`)))
  const data = await clusteredData(home)
  const nodes: Node[] = []
  for (let index = 0; index < 3; index++) {
    const folder = await createRunFolder(home, `galera${index}`)
    await mustRun(['cp', '-a', '--reflink=auto', data, join(folder, 'data')])
    nodes.push({ folder, port: await freePort(), group: await freePort(), transfer: await freePort() })
  }
  const kept: Kept[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(kept.map((one) => one.stop()))
    for (const { folder } of nodes) rmSync(folder, { recursive: true, force: true })
  }
  try {
    const [first, ...others] = nodes as [Node, ...Node[]]
    kept.push(startNode(home, first, nodes, true))
    await untilSynced(first, kept[0] as Kept, 1)
    for (const node of others) kept.push(startNode(home, node, nodes, false))
    await Promise.all(nodes.map((node, index) => untilSynced(node, kept[index] as Kept, 3)))
    return { urls: nodes.map(({ port }) => mysqlUrl(port)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function startNode(home: Home, node: Node, all: readonly Node[], first: boolean): Kept {
  const folder = home.inside(node.folder)
  const plain = mariadbLaunch(home, {})
  writeScript(join(node.folder, 'bin'))
  const options = [
    `gmcast.listen_addr=tcp://127.0.0.1:${node.group}`,
    `ist.recv_addr=127.0.0.1:${node.transfer}`,
    ...['gcache.size=16M', 'gcache.page_size=16M', `base_port=${node.group}`],
  ]
  const command = home.server(
    '/usr/bin/env',
    [
      `PATH=${folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      plain.program,
      ...plain.arguments({ folder, data: `${folder}/data`, port: node.port }),
      ...['--wsrep-on=ON', `--wsrep-provider=${PROVIDER}`, '--wsrep-cluster-name=revgraph'],
      `--wsrep-cluster-address=gcomm://${all.map(({ group }) => `127.0.0.1:${group}`).join(',')}`,
      ...['--wsrep-node-address=127.0.0.1', `--wsrep-node-name=n${node.port}`],
      ...['--wsrep-sst-method=none_needed', '--binlog-format=ROW', '--innodb-autoinc-lock-mode=2'],
      `--wsrep-provider-options=${options.join(';')}`,
      ...(first ? ['--wsrep-new-cluster'] : []),
    ],
    'SIGKILL',
  )
  return keep({ command, stopSignal: 'SIGKILL', remove: [node.folder], log: join(node.folder, 'log') })
}

function writeScript(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const script = join(folder, 'wsrep_sst_none_needed')
  writeFileSync(script, NO_TRANSFER)
  chmodSync(script, 0o755)
}

/** A data folder that knows its place in the history of a cluster: made once, by a cluster of one. */
async function clusteredData(home: Home): Promise<string> {
  const target = join(home.templates, 'galera')
  if (existsSync(target)) return target
  return withLock(`${target}.lock`, async () => {
    if (existsSync(target)) return target
    // Its start makes the plain template.
    const plain = await launch(mariadbLaunch(home, {}))
    await plain.stop()
    const folder = await createRunFolder(home, 'galera-init')
    const template = await mustRun([
      'sh',
      '-c',
      'ls -d "$1"/mariadb-*[0-9a-f] | head -n 1',
      'sh',
      home.templates,
    ])
    await mustRun(['cp', '-a', template.trim(), join(folder, 'data')])
    const node = { folder, port: await freePort(), group: await freePort(), transfer: await freePort() }
    const kept = startNode(home, node, [node], true)
    try {
      await untilSynced(node, kept, 1)
      process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGTERM')
      const state = join(folder, 'data/grastate.dat')
      const deadline = Date.now() + READY_MS
      while (!/seqno: +\d/.test(readFileSync(state, 'utf8')) || existsSync(join(folder, 'pid'))) {
        if (Date.now() > deadline)
          throw new Error(`galera: no end; its log:\n${tailOfFile(join(folder, 'log'))}`)
        await sleep(50)
      }
      const copy = `${target}.new`
      rmSync(copy, { recursive: true, force: true })
      await mustRun(['cp', '-a', join(folder, 'data'), copy])
      for (const name of ['galera.cache', 'gvwstate.dat']) rmSync(join(copy, name), { force: true })
      renameSync(copy, target)
      return target
    } finally {
      await kept.stop()
      await giveAway(target).catch(() => undefined)
    }
  })
}

async function untilSynced(node: Node, kept: Kept, size: number): Promise<void> {
  const deadline = Date.now() + READY_MS
  for (;;) {
    const state = await stateOf(node.port).catch(() => new Map<string, string>())
    const synced = state.get('wsrep_local_state_comment') === 'Synced' && state.get('wsrep_ready') === 'ON'
    if (synced && Number(state.get('wsrep_cluster_size')) >= size) return
    if (kept.ended() || Date.now() > deadline)
      throw new Error(
        `galera: not in the cluster; the end of its log:\n${tailOfFile(join(node.folder, 'log'))}`,
      )
    await sleep(100)
  }
}

async function stateOf(port: number): Promise<Map<string, string>> {
  const connection = await mysql.createConnection({ uri: mysqlUrl(port), connectTimeout: 5_000 })
  try {
    const [rows] = await connection.query<RowDataPacket[]>("SHOW STATUS LIKE 'wsrep%'")
    return new Map(rows.map((row) => [String(row['Variable_name']), String(row['Value'])]))
  } finally {
    await connection.end()
  }
}
