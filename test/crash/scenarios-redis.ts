import { atLeastOnce } from './judge.js'
import { LIBRARY } from './place-redis.js'
import { usualScenarios, type Revision, type Scenario } from './scenario.js'
import { commandOf, script } from './snapshot-redis.js'
import type { Step } from './statements.js'

/** Answers something when the script finds it true. */
const when = (condition: string, ...words: readonly string[]): string =>
  script(`return (${condition}) and 1 or 0`, ...words)

const step = (sql: string, condition: string): Step => ({ sql, applied: when(condition) })

const COUNT = `
local n = 0
for _, word in ipairs(redis.call('LRANGE', 'crash_audit', 0, -1)) do
  if word == ARGV[1] then n = n + 1 end
end
return n >= tonumber(ARGV[2]) and 1 or 0`

/** Of a list that only grows: whatever is executed twice is in it twice. No run can know of it whether it has run. */
const said = (word: string, times = 1): Step => ({
  sql: commandOf('RPUSH', 'crash_audit', word),
  applied: script(COUNT, word, String(times)),
})

const holds = (key: string, value: string): string => `redis.call('GET', '${key}') == '${value}'`
const field = (key: string, name: string, value: string): string =>
  `redis.call('HGET', '${key}', '${name}') == '${value}'`
const exists = (key: string): string => `redis.call('EXISTS', '${key}') == 1`

/** Counted by how often it has been executed, and busy for a while, so that its runner may be killed meanwhile. */
const COUNTED = "for i = 1, 300000 do end redis.call('INCR', KEYS[1])"

function graph(times = 1): Revision[] {
  return [
    {
      id: 'a1',
      up: [step('SET plain 1', holds('plain', '1')), said('a1 up', times)],
      down: [said('a1 down'), step('DEL plain', `not (${exists('plain')})`)],
    },
    {
      id: 'b2',
      parents: ['a1'],
      up: [
        said('b2 begins', times),
        step('INCR counter', holds('counter', '1')),
        step('HSET account:0 name Ada', field('account:0', 'name', 'Ada')),
        step(`EVAL "${COUNTED}" 1 spun`, holds('spun', '1')),
        said('b2 up', times),
      ],
      down: [
        step('DECR spun', holds('spun', '0')),
        step('HDEL account:0 name', `not (${exists('account:0')})`),
        step('DECR counter', holds('counter', '0')),
        said('b2 down'),
      ],
    },
    {
      id: 'c3',
      parents: ['b2'],
      up: [step('SADD orders:open 1 2', exists('orders:open')), said('c3 up', times)],
      down: [step('DEL orders:open', `not (${exists('orders:open')})`), said('c3 down')],
    },
    {
      id: 'c4',
      parents: ['b2'],
      up: [said('c4 first', times), said('c4 second', times)],
      down: [said('c4 down')],
    },
    { id: 'd5', parents: ['c3', 'c4'], up: [], down: [] },
    {
      id: 'e6',
      parents: ['d5'],
      up: [
        step('RENAME orders:open orders:all', exists('orders:all')),
        said('e6 up', times),
        step('APPEND notes x', holds('notes', 'x')),
      ],
      down: [
        said('e6 down'),
        step('DEL notes', `not (${exists('notes')})`),
        step('RENAME orders:all orders:open', exists('orders:open')),
      ],
    },
  ]
}

/** More than one batch of the scan's. */
const MANY = 1_200
const FEW = 40

const FILL = `
for i = 1, ${MANY} do redis.call('HSET', 'user:' .. i, 'n', i) end
for i = 1, ${FEW} do
  redis.call('RPUSH', 'tags:' .. i, 'a', 'b', 'a')
  redis.call('SET', 'cache:' .. i, i)
  redis.call('SET', 'session:' .. i, i, 'EX', 500000)
  redis.call('SET', 'old:' .. i, i)
end`

/** Long steps, which go on by themselves; a transformation is at least once for each key, and says how often it was. */
function scans(): Revision[] {
  const steps = [
    said('s1 begins').sql,
    'REVGRAPH.KEYS user:* RENAME account:*',
    'REVGRAPH.KEYS tags:* RETYPE set',
    'REVGRAPH.KEYS cache:* EXPIRE 500000',
    'REVGRAPH.KEYS session:* PERSIST',
    'REVGRAPH.KEYS old:* DELETE',
    `REVGRAPH.KEYS account:* TRANSFORM "redis.call('HSET', KEYS[1], 'v', 2) redis.call('HINCRBY', 'crash_times', KEYS[1], 1)"`,
    `REVGRAPH.FUNCTION LOAD "#!lua name=${LIBRARY}\\nredis.register_function('${LIBRARY}', function() return 1 end)"`,
    said('s8 up').sql,
  ]
  return steps.map((sql, index) => ({
    id: `s${index}`,
    ...(index === 0 ? {} : { parents: [`s${index - 1}`] }),
    up: [index === 0 ? said('s1 begins') : index === 8 ? said('s8 up') : { sql, applied: when('true') }],
  }))
}

function code(): Revision[] {
  const [first] = graph() as [Revision]
  return [
    first,
    {
      id: 'k2',
      parents: ['a1'],
      up: [said('k2 begins'), said('k2 code'), said('k2 up')],
      file: {
        name: 'k2.mjs',
        text: `import { defineRevision } from 'revgraph'
export default defineRevision({
  id: 'k2', parents: ['a1'], message: 'about k2',
  up(op) {
    op.redis.command(['RPUSH', 'crash_audit', 'k2 begins'])
    op.run('by code', async ({ client }) => { await client.rpush('crash_audit', 'k2 code') })
    op.redis.command(['RPUSH', 'crash_audit', 'k2 up'])
  },
  down() {},
})
`,
      },
    },
    { id: 'k3', parents: ['k2'], up: [said('k3 up')] },
  ]
}

export const REDIS_SCENARIOS: readonly Scenario<'redis'>[] = [
  ...usualScenarios(['redis'], (_, times) => graph(times)),
  { name: 'code', families: ['redis'], revisions: code, command: ['upgrade', 'head'] },
  {
    name: 'scans',
    families: ['redis'],
    revisions: scans,
    then: [script(FILL)],
    command: ['upgrade', 'head'],
    counting: atLeastOnce((word) => word.startsWith('account:')),
    // Libraries of functions belong to no database.
    alone: true,
  },
]
