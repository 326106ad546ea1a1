// npm run test:crash [-- [--seed N] [--limit N] [--at-once N] [--server-kills N] [words…]]: strikes runners at every point there is, and
// prints what became of it. Words choose: a server, a scenario, or what stands in a point's name; `server` leaves the
// kills of runners out. --limit and --server-kills are for each scenario.
import { parseArgs } from 'node:util'
import type { Crashable } from './at-messages.js'
import { startServers, type RunningServer } from '../servers/index.js'
import { optionalServers, serverNames } from '../servers/types.js'
import { preload } from './at-system-calls.js'
import { strikeNewFiles } from './new-file.js'
import { SQLITE_NAMES } from './place.js'
import { sweep, type Told } from './sweep.js'
import { describeWrong, Tally } from './tally.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    limit: { type: 'string' },
    'at-once': { type: 'string', default: '3' },
    'server-kills': { type: 'string', default: '12' },
  },
})

const chosen = serverNames.filter((name) => positionals.includes(name))
const chosenSqlite = SQLITE_NAMES.filter((name) => positionals.includes(name))
const all = chosen.length + chosenSqlite.length === 0
const names = all ? serverNames : chosen
const sqlite = all ? SQLITE_NAMES : chosenSqlite
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const began = performance.now()
const tally = new Tally()
const missing = new Set<string>()
// With several servers named, a server's name is no condition that all of it has to meet.
const only = positionals.filter(
  (word) =>
    word !== 'server' &&
    word !== 'revision' &&
    ![...serverNames, ...SQLITE_NAMES].some((name) => name === word),
)
// Ctrl-C ends it early: what runs is brought to its end, and the table is printed all the same.
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
const common = {
  signal: interrupted.signal,
  only,
  seed: Number(values.seed),
  onStage: (server: string, scenario: string, points: number) =>
    say(`${server}, ${scenario}: ${points} points`),
  onOutcome: (told: Told) => {
    tally.add(told)
    if (tally.wrong.at(-1) === told) say(describeWrong(told))
  },
}

/** Runners are killed and cut off, several at once. */
async function killRunners(): Promise<void> {
  const started = await startServers(names)
  for (const { name, reason } of started.servers.missing)
    if (!optionalServers.includes(name) || chosen.includes(name)) missing.add(`${name}: ${reason}`)
  const built = preload()
  if (sqlite.length > 0 && 'missing' in built) missing.add(`system calls: ${built.missing}`)
  try {
    await sweep({
      ...common,
      servers: [...started.servers.present, ...sqlite],
      ...(values.limit === undefined ? {} : { limit: Number(values.limit) }),
      atOnce: Number(values['at-once']),
    })
  } finally {
    await started.stop()
  }
}

/** Servers with the durability that they ship with are killed and started again, one at a time. */
async function killServers(): Promise<void> {
  for (const name of names) {
    const started = await startServers([name], { durable: true, crashSafe: true })
    try {
      for (const running of started.running) {
        const { info } = running
        if (!isCrashable(running)) {
          say(`SKIPPED: ${name} (${info.via}) cannot be killed from here`)
          continue
        }
        await sweep({
          ...common,
          servers: [info],
          server: running,
          scenarios: ['upgrade', 'mixed', 'rows', 'busy', 'journalled', 'backfill', 'scans', 'downgrade'],
          limit: Math.min(Number(values['server-kills']), Number(values.limit ?? Infinity)),
          atOnce: 1,
        })
      }
    } finally {
      await started.stop()
    }
  }
}

function isCrashable(server: RunningServer): server is RunningServer & Crashable {
  return server.crash !== undefined && server.restart !== undefined
}

try {
  if (!positionals.includes('server')) await killRunners()
  if (positionals.length === 0 || positionals.includes('revision')) await strikeNewFiles(common.onOutcome)
  await killServers()
} catch (error) {
  // What was struck until then is told all the same.
  say(`ENDED EARLY: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  process.exitCode = 1
}

for (const absence of missing) say(`MISSING ${absence}`)
const { kills, lost, twice, other } = tally.total
process.stdout.write(`${tally.table()}\n`)
process.stdout.write(`${kills} kills in ${Math.round((performance.now() - began) / 1000)} s\n`)
if (kills === 0) say('NOTHING was struck: no server, scenario or point has such a name')
if (kills === 0 || lost + twice + other > 0 || missing.size > 0) process.exitCode = 1
