import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import type { MetadataChange } from '../../src/core/metadata.js'
import { MemoryServer, MemorySession } from './memory.js'
import { run, step } from './steps.js'

const part = fc.constantFrom('ddl', 'row', 'lock', 'begin')

const beside = fc.constantFrom(undefined, 'changes' as const, 'statement' as const)

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
        beside,
        async (parts, crashAt, afterwards, ddl, batches, beside) => {
          const unlocked = parts.filter((text) => text !== 'lock' && text !== 'unlock')
          const server = new MemoryServer()
          const transaction = ddl ? ('ddl' as const) : ('dml' as const)
          const options = { transaction, batches, ...(beside === undefined ? {} : { beside }) }
          const steps = [
            step('a', unlocked, { transaction: !ddl }),
            step('b', ['ddl before'], { transaction: !ddl }),
            step('c', ['ddl last', 'row last'], { transaction: !ddl }),
          ]
          await run(new MemorySession(server, { ...options, crashAt, afterwards }), steps)
          const left = steps.slice(server.applied.length)
          const report = await run(new MemorySession(server, { ...options, observes: true }), left, {
            journal: server.journal,
          })
          expect(report.error).toBeUndefined()
          expect(server.effects).toEqual([...expected(unlocked), 'ddl before', 'ddl last', 'row last'])
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
      fc.asyncProperty(fc.nat(30), fc.boolean(), fc.boolean(), beside, async (...args) => {
        const [crashAt, afterwards, isShort, beside] = args
        const server = new MemoryServer()
        const steps = ['a', 'b', 'c'].map((id) =>
          step(id, isShort ? [`ddl ${id}1`] : [`ddl ${id}1`, `ddl ${id}2`]),
        )
        const told: string[] = []
        const options = { transaction: 'dml' as const, crashAt, afterwards, batches: beside === undefined }
        const report = await run(
          new MemorySession(server, { ...options, ...(beside === undefined ? {} : { beside }) }),
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

  test('one that was announced is not in the journal when the one before it is refused, or when nothing more is wanted', async () => {
    const options = { transaction: 'dml', beside: 'changes' } as const
    const steps = (texts: readonly string[]) => texts.map((text, index) => step(`r${index}`, [text]))
    const server = new MemoryServer()
    const refused = await run(
      new MemorySession(server, options),
      steps(['ddl 0', 'ddl 1', 'ddl fail', 'ddl 3']),
    )
    expect(refused.results.map(({ outcome }) => outcome)).toEqual([
      ...['applied', 'applied', 'failed', 'not-begun'],
    ])
    expect(server.journal.map(({ revision, state }) => `${revision} ${state}`)).toEqual(['r2 failed'])

    const other = new MemoryServer()
    const enough = new AbortController()
    const ended = await run(new MemorySession(other, options), steps(['ddl 0', 'ddl 1', 'ddl 2', 'ddl 3']), {
      signal: enough.signal,
      listener: { stepStarted: (index) => index === 1 && enough.abort() },
    })
    expect(ended.error?.code).toBe('MIG-INTERRUPTED')
    expect(other.journal).toEqual([])
    expect(other.applied.map(({ id }) => id)).toEqual(['r0', 'r1'])
    expect(other.effects).toEqual(['ddl 0', 'ddl 1'])
  })

  test('a record that is lost while the next statement runs leaves both in doubt, in their order', async () => {
    const server = new MemoryServer()
    const session = new MemorySession(server, { transaction: 'dml', beside: 'statement' })
    const write = session.metadata.write.bind(session.metadata)
    let writes = 0
    Object.assign(session.metadata, {
      write: (changes: readonly MetadataChange[]) => {
        writes += 1
        return writes === 1 ? write(changes) : Promise.reject(new MigrateError('MIG-CONNECT', 'gone'))
      },
    })
    const told: string[] = []
    const report = await run(session, [step('a', ['ddl a']), step('b', ['ddl b']), step('c', ['ddl c'])], {
      listener: {
        stepStarted: (index) => told.push(`${index} started`),
        stepDone: (index, { outcome }) => told.push(`${index} ${outcome}`),
      },
    })
    expect(report.error?.code).toBe('MIG-CONNECT')
    expect(told).toEqual(['0 started', '0 failed', '1 started', '1 failed'])
    expect(report.results.map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'not-begun'])
    expect(server.effects).toEqual(['ddl a', 'ddl b'])
    expect(server.journal.map(({ revision, state }) => `${revision} ${state}`)).toEqual([
      'a intent',
      'b intent',
    ])
  })
})
