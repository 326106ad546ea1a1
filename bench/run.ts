// Prints how revgraph compares with what has less to do. Each ratio is the median over pairs of runs, made in turn; on a
// busy machine the ratio of the least times says more. The peak of memory is the largest of ours.
//   npm run bench                     everything (half an hour to an hour on two cores)
//   npm run bench -- sqlite version   cases whose names hold one of these words
//   npm run bench -- large mysql      backfills of ten million rows: some minutes a server
//   npm run bench -- waits mysql      the longest wait of an application beside a backfill, an index and a blocked ALTER TABLE
//   npm run bench -- hostile split    10 MB of every nasty pattern, on readers whose names hold one of these words
import { startServers } from '../test/servers/index.js'
import type { ServerInfo, ServerName } from '../test/servers/index.js'
import { backfilled } from './backfill.js'
import type { Case } from './cases.js'
import {
  farAway,
  linear,
  mysqlFromEmpty,
  nothingToDo,
  postgresFromEmpty,
  sqliteFromEmpty,
  startUp,
} from './cases.js'
import { hostileTexts } from './hostile.js'
import { median } from './median.js'
import { documentsBackfilled, driftChecked, indexesFromEmpty } from './mongo.js'
import type { Timed } from './process.js'
import { keysRenamed } from './redis.js'
import { longestWaits } from './waits.js'

const NAMES: readonly ServerName[] = ['postgres', 'mysql', 'mariadb', 'redis', 'valkey', 'documentdb']

function casesOn(servers: readonly ServerInfo[]): Case[] {
  const on = (name: ServerName, make: (server: ServerInfo) => Case[]): Case[] => {
    const server = servers.find((one) => one.name === name)
    return server === undefined ? [] : make(server)
  }
  return [
    startUp(),
    ...on('postgres', (server) => [
      nothingToDo(server, 1000, ['upgrade', 'head'], 1),
      nothingToDo(server, 1000, ['current'], 1),
      nothingToDo(server, 10_000, ['upgrade', 'head'], 2),
      nothingToDo(server, 10_000, ['current'], 2),
      postgresFromEmpty(server, 1000),
      farAway(server, 1000, 10),
      linear(server, 5000),
      linear(server, 10_000),
      backfilled(server, 1_000_000),
    ]),
    sqliteFromEmpty(1000),
    ...on('mysql', (server) => [mysqlFromEmpty(server, 1000), backfilled(server, 1_000_000)]),
    ...on('mariadb', (server) => [mysqlFromEmpty(server, 1000)]),
    ...on('redis', (server) => [keysRenamed(server, 1_000_000)]),
    ...on('valkey', (server) => [keysRenamed(server, 1_000_000)]),
    ...on('documentdb', (server) => [
      indexesFromEmpty(server, 1000),
      driftChecked(server, 500),
      documentsBackfilled(server, 200_000),
    ]),
  ]
}

/** Too long for every day. */
function largeCasesOn(servers: readonly ServerInfo[]): Case[] {
  return servers.map((server) => ({ ...backfilled(server, 10_000_000), runs: 1 }))
}

async function measure(one: Case): Promise<void> {
  const prepared = await one.prepare()
  try {
    await prepared.ours()
    await prepared.theirs()
    const pairs = []
    for (let run = 0; run < one.runs; run++) {
      const ours = await prepared.ours()
      const theirs = await prepared.theirs()
      pairs.push({ ours, theirs, ratio: ours.ms / theirs.ms })
    }
    const ratio = median(pairs.map((pair) => pair.ratio))
    const least = (times: readonly Timed[]): number => Math.min(...times.map((time) => time.ms))
    const told = (times: readonly Timed[]): string =>
      `${median(times.map((time) => time.ms)).toFixed(0)} ms (least ${least(times).toFixed(0)})`
    const ours = pairs.map((pair) => pair.ours)
    const theirs = pairs.map((pair) => pair.theirs)
    const peak = Math.max(...ours.map((time) => time.peakMb))
    const verdict = ratio <= one.limit ? 'within' : 'OVER'
    process.stdout.write(
      `${one.name}\n  ${told(ours)} against ${told(theirs)}, ${one.against}: ${ratio.toFixed(2)} × ` +
        `(aim ${one.limit}, ${verdict}; of the least ${(least(ours) / least(theirs)).toFixed(2)}); ` +
        `peak ${peak.toFixed(0)} MB; ${one.runs} pairs\n`,
    )
  } finally {
    await prepared.end()
  }
}

/** @param words names of SQL servers; none for all */
async function onSqlServers(
  words: readonly string[],
  work: (servers: readonly ServerInfo[]) => Promise<void>,
): Promise<void> {
  const known: readonly ServerName[] = ['postgres', 'mysql', 'mariadb']
  await onServers(
    known.filter((name) => words.length === 0 || words.includes(name)),
    work,
  )
}

async function onServers(
  names: readonly ServerName[],
  work: (servers: readonly ServerInfo[]) => Promise<void>,
): Promise<void> {
  const started = await startServers(names, { durable: true })
  for (const { name, reason } of started.servers.missing)
    process.stdout.write(`${name} is not measured: ${reason}\n`)
  try {
    await work(started.servers.present)
  } finally {
    await started.stop()
  }
}

async function measureEach(cases: readonly Case[]): Promise<void> {
  for (const one of cases) await measure(one)
}

async function measureAll(words: readonly string[]): Promise<void> {
  const wanted = (one: Case): boolean => words.length === 0 || words.some((word) => one.name.includes(word))
  /** Words that are all names of servers need no others. */
  const onlyNamed = words.length > 0 && words.every((word) => NAMES.some((name) => name === word))
  const needed = NAMES.filter((name) =>
    onlyNamed
      ? words.includes(name)
      : words.length === 0 || words.some((word) => !['sqlite', 'version'].includes(word) || word === name),
  )
  await onServers(needed, (servers) => measureEach(casesOn(servers).filter(wanted)))
}

const [first = '', ...others] = process.argv.slice(2)
if (first === 'hostile') await hostileTexts(others)
else if (first === 'waits') await onSqlServers(others, longestWaits)
else if (first === 'large') await onSqlServers(others, (servers) => measureEach(largeCasesOn(servers)))
else await measureAll(process.argv.slice(2))
