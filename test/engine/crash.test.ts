import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryServer, MemorySession } from './memory.js'
import { run, step } from './steps.js'

const part = fc.constantFrom('ddl', 'row', 'lock', 'begin')

/** Scripts whose statements are all different, with well-formed spans and transactions in them. */
const script = fc.array(part, { minLength: 1, maxLength: 7 }).map((kinds) =>
  kinds.flatMap((kind, index) => {
    if (kind === 'lock') return ['lock', `row ${index}`, 'unlock']
    if (kind === 'begin') return ['begin', `row ${index}`, `row ${index}b`, 'commit']
    return [`${kind} ${index}`]
  }),
)

const expected = (parts: readonly string[]): string[] =>
  parts.filter((text) => text !== 'begin' && text !== 'commit')

describe('a runner that dies at any call', () => {
  test('loses nothing and runs nothing twice when the catalogue can be asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        script,
        fc.nat(30),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        async (parts, crashAt, afterwards, ddl, batches) => {
          const unlocked = parts.filter((text) => text !== 'lock' && text !== 'unlock')
          const server = new MemoryServer()
          const transaction = ddl ? ('ddl' as const) : ('dml' as const)
          const steps = [
            step('a', unlocked, { transaction: !ddl }),
            step('b', ['ddl last', 'row last'], { transaction: !ddl }),
          ]
          await run(new MemorySession(server, { transaction, crashAt, afterwards, batches }), steps)
          const left = steps.slice(server.applied.length)
          const report = await run(
            new MemorySession(server, { transaction, observes: true, batches }),
            left,
            {
              journal: server.journal,
            },
          )
          expect(report.error).toBeUndefined()
          expect(server.effects).toEqual([...expected(unlocked), 'ddl last', 'row last'])
          expect(server.journal).toEqual([])
        },
      ),
      { numRuns: 500 },
    )
  })

  test('stops and names the statement when the catalogue cannot be asked, and never runs one twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        script,
        fc.nat(30),
        fc.boolean(),
        fc.boolean(),
        async (parts, crashAt, afterwards, batches) => {
          const server = new MemoryServer()
          const steps = [step('a', parts)]
          await run(new MemorySession(server, { transaction: 'dml', crashAt, afterwards, batches }), steps)
          const left = steps.slice(server.applied.length)
          const report = await run(new MemorySession(server, { transaction: 'dml' }), left, {
            journal: server.journal,
          })
          if (report.error === undefined) {
            expect(server.effects).toEqual(expected(parts))
          } else {
            expect(report.error.code).toBe('MIG-UNFINISHED')
            expect(report.error.hint).toContain('migrate resolve a --done')
            const counted = server.effects.filter((text) => text !== 'lock' && text !== 'unlock')
            expect(new Set(counted).size).toBe(counted.length)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test('says that a revision is done only once that is recorded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(30), fc.boolean(), async (crashAt, afterwards) => {
        const server = new MemoryServer()
        const steps = ['a', 'b', 'c'].map((id) => step(id, [`ddl ${id}1`, `ddl ${id}2`]))
        const told: string[] = []
        const report = await run(
          new MemorySession(server, { transaction: 'dml', crashAt, afterwards, batches: true }),
          steps,
          {
            listener: {
              stepStarted: (index) => told.push(`${index} started`),
              stepDone: (index, { outcome }) => told.push(`${index} ${outcome}`),
            },
          },
        )
        const done = report.results.filter(({ outcome }) => outcome === 'applied').length
        expect(server.applied.length).toBeGreaterThanOrEqual(done)
        expect(told.filter((line) => line.endsWith('applied'))).toHaveLength(done)
        expect(told.map((line) => Number(line[0]))).toEqual(told.map((line) => Number(line[0])).toSorted())
        if (report.error === undefined) expect(server.applied).toHaveLength(3)
      }),
    )
  })

  test('a refused statement of several is noted as failed, and those behind it as not begun', async () => {
    const server = new MemoryServer()
    const broken = step('a', ['ddl 1', 'ddl fail', 'ddl 3'])
    const report = await run(new MemorySession(server, { transaction: 'dml', batches: true }), [broken])
    expect(report.error?.code).toBe('MIG-STATEMENT-FAILED')
    expect(server.journal.map(({ state }) => state)).toEqual(['done', 'failed', 'not-begun'])
    const mended = step('a', ['ddl 1', 'ddl 2', 'ddl 3'])
    const again = await run(new MemorySession(server, { transaction: 'dml', batches: true }), [mended], {
      journal: server.journal,
    })
    expect(again.error).toBeUndefined()
    expect(server.effects).toEqual(['ddl 1', 'ddl 2', 'ddl 3'])
    expect(server.journal).toEqual([])
  })
})
