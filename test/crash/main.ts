// npm run test:crash [-- [--seed N] [--limit N] [--at-once N] [words…]]: strikes runners at every point there is, and
// prints what became of it. Words choose: a server, a scenario, or what stands in a point's name.
import { parseArgs } from 'node:util'
import { startServers } from '../servers/index.js'
import { serverNames } from '../servers/types.js'
import { sweep } from './sweep.js'
import { describeWrong, Tally } from './tally.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    limit: { type: 'string' },
    'at-once': { type: 'string', default: '3' },
  },
})

const chosen = serverNames.filter((name) => positionals.includes(name))
const onlySqlite = chosen.length === 0 && positionals.includes('sqlite')
const withSqlite = chosen.length === 0 || positionals.includes('sqlite')
const names = onlySqlite ? [] : chosen.length > 0 ? chosen : serverNames
const say = (text: string): void => void process.stderr.write(`${text}\n`)

const began = performance.now()
const started = await startServers(names)
for (const { name, reason } of started.servers.missing) say(`MISSING ${name}: ${reason}`)
const tally = new Tally()
try {
  await sweep({
    servers: [...started.servers.present, ...(withSqlite ? (['sqlite'] as const) : [])],
    // With several servers named, a server's name is no condition that all of it has to meet.
    only: positionals.filter((word) => word !== 'sqlite' && !serverNames.some((name) => name === word)),
    seed: Number(values.seed),
    ...(values.limit === undefined ? {} : { limit: Number(values.limit) }),
    atOnce: Number(values['at-once']),
    onStage: (server, scenario, points) => say(`${server}, ${scenario}: ${points} points`),
    onOutcome: (told) => {
      tally.add(told)
      if (tally.wrong.at(-1) === told) say(describeWrong(told))
    },
  })
} finally {
  await started.stop()
}
const { kills, lost, twice, other } = tally.total
process.stdout.write(`${tally.table()}\n`)
process.stdout.write(`${kills} kills in ${Math.round((performance.now() - began) / 1000)} s\n`)
if (lost + twice + other > 0 || started.servers.missing.length > 0) process.exitCode = 1
