import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { describeServers } from '../servers/database.js'
import type { ServerInfo } from '../servers/index.js'
import { strikeNewFiles } from './new-file.js'
import { preload } from './at-system-calls.js'
import { groundOf } from './grounds.js'
import { SQLITE_NAMES, type SqliteName } from './place.js'
import { SCENARIOS } from './scenarios.js'
import { Stage } from './stage.js'
import { sweep } from './sweep.js'
import { describeWrong, Tally } from './tally.js'

const MINUTES = 60_000
/** Changed by hand from time to time: all points are struck by `npm run test:crash`. */
const SEED = 20261126

async function struck(
  server: ServerInfo | SqliteName,
  scenarios: readonly string[],
  limit: number,
  only: readonly string[] = [],
): Promise<Tally> {
  const tally = new Tally()
  await sweep({
    ...{ servers: [server], scenarios, seed: SEED, limit, only, atOnce: 2 },
    onOutcome: (told) => tally.add(told),
  })
  return tally
}

describe('a runner that is killed or cut off anywhere', () => {
  const suite = (
    server: ServerInfo | SqliteName,
    scenarios: readonly string[],
    limit: number,
    only: readonly string[] = [],
  ): void => {
    it(
      'loses nothing, runs nothing twice, and tells what it does not know',
      async () => {
        const tally = await struck(server, scenarios, limit, only)
        expect(tally.wrong.map(describeWrong).join('\n')).toBe('')
        expect(tally.total.kills).toBeGreaterThan((scenarios.length * limit) / 2)
      },
      10 * MINUTES,
    )
  }
  describe('sqlite', () => suite('sqlite', ['upgrade', 'code', 'downgrade'], 8, ['the call']))
  describe.each(SQLITE_NAMES)('%s, at system calls', (name) => {
    const built = preload()
    // Several files are one commit with rollback journals alone.
    const beside = name === 'sqlite' ? 'attached' : 'attached apart'
    if ('library' in built) suite(name, ['upgrade', beside], 8, ['system call'])
    else if (process.env['CI'] === 'true') it('can be struck, for CI=true', () => expect.fail(built.missing))
    else it.skip(`SKIPPED: ${built.missing.split('\n')[0] ?? ''}`, () => undefined)
  })
  describeServers(['postgres'], (server) => suite(server, ['upgrade', 'mixed', 'code', 'downgrade'], 7))
  describeServers(['mysql'], (server) => suite(server, ['upgrade', 'rows', 'code', 'downgrade'], 7))
  describeServers(['postgres', 'mysql'], (server) => {
    it(
      'claims nothing of a transaction whose COMMIT was not answered',
      async () => {
        const tally = await struck(server, ['code'], 2, ['COMMIT: answered', 'cut'])
        expect(tally.wrong.map(describeWrong).join('\n')).toBe('')
        expect(tally.total.kills).toBeGreaterThan(0)
      },
      10 * MINUTES,
    )
  })
  describeServers(['mysql'], (server) => {
    it(
      'has words of its own for a connection that is lost while the lock is taken',
      async () => {
        const tally = await struck(server, ['tag'], 3, ['wsrep_on', 'cut'])
        expect(tally.wrong.map(describeWrong).join('\n')).toBe('')
        expect(tally.total.kills).toBeGreaterThan(0)
      },
      10 * MINUTES,
    )
  })
  describeServers(['mariadb'], (server) => suite(server, ['upgrade', 'rows'], 6))
  describeServers(['documentdb'], (server) =>
    suite(server, ['upgrade', 'journalled', 'backfill', 'downgrade'], 4),
  )
  describeServers(['redis', 'valkey'], (server) => suite(server, ['upgrade', 'scans', 'downgrade'], 5))
})

it(
  'a runner that is killed while it writes a revision leaves a whole file, or none',
  async () => {
    const tally = new Tally()
    await strikeNewFiles((told) => tally.add(told))
    expect(tally.wrong.map(describeWrong).join('\n')).toBe('')
    expect(tally.total.kills).toBeGreaterThan(3)
  },
  10 * MINUTES,
)

describe('the harness', () => {
  it.each([
    ['done-first', 'lost'],
    ['no-journal', 'twice'],
  ] as const)(
    'notices a runner that is broken: %s',
    async (how, verdict) => {
      const ground = groundOf('sqlite')
      const scenario = SCENARIOS.find(({ name }) => name === 'code')
      if (scenario === undefined) throw new Error('no such scenario')
      const program = [
        fileURLToPath(new URL('../../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url)),
        fileURLToPath(new URL('broken.ts', import.meta.url)),
      ]
      const stage = await Stage.set(scenario, ground, { program, env: { REVGRAPH_BROKEN: how } })
      try {
        const verdicts: string[] = []
        for (const point of stage.points.filter(({ name }) => name.includes('k3 code'))) {
          const outcome = await stage.crash(point)
          verdicts.push(outcome.verdict)
          if (outcome.verdict === verdict) break
        }
        expect(verdicts).toContain(verdict)
      } finally {
        await stage.close()
      }
    },
    10 * MINUTES,
  )
})
