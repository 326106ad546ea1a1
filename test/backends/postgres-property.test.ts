import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { AtomicUnit, Session } from '../../src/backend/index.js'
import type { PgClient } from '../../src/backends/postgres/index.js'
import { describeServers } from '../servers/database.js'
import { inTurn, runUnits, unit, useBench } from './postgres-support.js'

/** What a unit may hold, by what comes of it; `#` stands for the unit's own number. */
const fragments: readonly string[] = [
  'CREATE TABLE t# (id int, v text)',
  'CREATE TABLE IF NOT EXISTS shared (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)',
  'COPY log FROM stdin;\n#\tcopied 😀\n\\.\n',
  "INSERT INTO log VALUES (#, 'ü😀;--')",
  'SET search_path = pg_catalog',
  "SELECT set_config('search_path', '', false)",
  'CREATE TEMPORARY TABLE scratch (id int)',
  'SET standard_conforming_strings = off',
  'SET ROLE pg_monitor; RESET ROLE',
  "DO $$ BEGIN INSERT INTO public.log VALUES (#, 'done'); END $$",
  'SELECT n FROM generate_series(1, 50) n',
  // These fail: when they run, when they are read, when they are committed.
  'SELECT 1/0',
  'INSERT INTO nowhere VALUES (#)',
  'CREATE TALBE typo (id int)',
  'INSERT INTO shared VALUES (1), (1)',
  'COPY log FROM stdin;\nno number\n\\.\n',
  'INSERT INTO public.log VALUES (#)',
]

const script = fc.array(fc.nat({ max: fragments.length - 1 }), { minLength: 1, maxLength: 4 })
/** Mostly harmless ones, so that a failure is found in many places. */
const harmless = fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 3 })
const scripts = fc.array(fc.oneof({ weight: 12, arbitrary: harmless }, { weight: 1, arbitrary: script }), {
  minLength: 1,
  maxLength: 40,
})

const unitsOf = (list: readonly (readonly number[])[]): AtomicUnit[] =>
  list.map((parts, index) =>
    unit(
      `u${index}`,
      parts.map((part) => terminated((fragments[part] ?? '').replaceAll('#', String(index)))).join('\n'),
    ),
  )

const terminated = (text: string): string => (text.endsWith('\n') ? text : `${text};`)

/** One transaction a unit, a message a statement. */
async function naive(session: Session<PgClient>, units: readonly AtomicUnit[]): Promise<string | undefined> {
  for (const { key, statements, changes } of units) {
    try {
      await session.transaction(async (tx) => {
        for (const statement of statements) await tx.execute(statement)
        await tx.metadata.write(changes)
      })
    } catch {
      return key
    }
    await session.reset()
  }
  return undefined
}

describeServers(['postgres', 'postgres15'], (server) => {
  const shared = useBench(server)
  const plain = useBench(server)

  const state = async (bench: typeof shared) => ({
    history: await bench.history(),
    tables: await bench.tables(),
    log: await bench.ask('SELECT * FROM public.log ORDER BY 1, 2'),
  })

  it('units that share messages leave what one transaction a unit leaves', { timeout: 300_000 }, async () => {
    const fast = await shared.prepared()
    const slow = await plain.prepared()
    await fc.assert(
      fc.asyncProperty(scripts, async (list) => {
        for (const bench of [shared, plain]) {
          await bench.ask(
            "DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'migrate%' LOOP EXECUTE format('DROP TABLE public.%I', t); END LOOP; END $$; DELETE FROM migrate_history; CREATE TABLE public.log (id int, v text)",
          )
        }
        const units = unitsOf(list)
        const { failed, events } = await runUnits(fast, inTurn(units))
        await fast.reset()
        const failedAt = await naive(slow, units)
        await slow.reset()
        expect(failed?.key).toBe(failedAt)
        const left = await state(shared)
        expect(left).toEqual(await state(plain))
        expect(events.filter((event) => event.startsWith('done')).map((event) => event.slice(5))).toEqual(
          left.history,
        )
      }),
      { numRuns: 60 },
    )
  })
})
