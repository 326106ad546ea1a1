import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EngineReport } from '../../src/engine/index.js'
import { MigrateError } from '../../src/core/errors.js'
import { MemoryServer, MemorySession } from './memory.js'
import { hash, run, step } from './steps.js'

/** A statement, or statements that stand in a transaction of the file's own, or under locked tables. */
interface Piece {
  readonly wrap: 'none' | 'begin' | 'lock'
  readonly texts: readonly string[]
}

const PARTNERS = { begin: 'commit', lock: 'unlock' } as const

function flat(pieces: readonly Piece[]): string[] {
  return pieces.flatMap(({ wrap, texts }) => (wrap === 'none' ? texts : [wrap, ...texts, PARTNERS[wrap]]))
}

const executed = (parts: readonly string[]): string[] =>
  parts.filter((text) => text !== 'begin' && text !== 'commit')

const word = fc.constantFrom('ddl x', 'row y', 'ddl z', 'row w')

const piece: fc.Arbitrary<Piece> = fc.oneof(
  { weight: 3, arbitrary: word.map((text) => ({ wrap: 'none' as const, texts: [text] })) },
  {
    weight: 1,
    arbitrary: fc.record({
      wrap: fc.constantFrom('begin' as const, 'lock' as const),
      texts: fc.array(fc.constantFrom('row y', 'row w'), { minLength: 1, maxLength: 2 }),
    }),
  },
)

type Edit = (parts: readonly string[]) => readonly string[]

/** One edit of a script's lines: put in, taken out, replaced, or a BEGIN or COMMIT moved about. */
const edit: fc.Arbitrary<Edit> = fc
  .tuple(
    fc.constantFrom('insert', 'remove', 'replace'),
    fc.nat(12),
    fc.oneof(word, fc.constantFrom('begin', 'commit')),
  )
  .map(([kind, place, text]): Edit => (parts) => {
    const at = parts.length === 0 ? 0 : place % (parts.length + (kind === 'insert' ? 1 : 0))
    return parts.toSpliced(at, kind === 'insert' ? 0 : 1, ...(kind === 'remove' ? [] : [text]))
  })

const shape = fc.record({
  transaction: fc.boolean(),
  then: fc.boolean(),
  ddl: fc.boolean(),
  batches: fc.boolean(),
})

async function ended(work: Promise<EngineReport>): Promise<MigrateError | undefined> {
  try {
    return (await work).error
  } catch (error) {
    if (error instanceof MigrateError) return error
    throw error
  }
}

describe('a half-applied script that is edited', () => {
  test('one that was said to be undone, though one behind it was applied, is asked about and not called edited', async () => {
    const server = new MemoryServer()
    const texts = ['ddl one', 'ddl two', 'ddl three']
    server.effects.push('ddl two')
    server.journal = texts.slice(0, 2).map((text, position) => ({
      revision: 'a',
      direction: 'up' as const,
      position,
      hash: hash(text),
      excerpt: text,
      state: position === 0 ? ('failed' as const) : ('intent' as const),
      runId: 'run',
      at: null,
    }))
    const session = new MemorySession(server, { transaction: 'dml', observes: true })
    const { error } = await run(session, [step('a', texts)], { journal: server.journal })
    expect(error).toMatchObject({ code: 'MIG-UNFINISHED', details: ['ddl one'] })
    expect(error?.message).toContain('whether it was applied is unknown')
    expect(server.effects).toEqual(['ddl two'])
  })

  test('goes on at the right statement or is refused with nothing run, and is never counted wrong', async () => {
    let resumed = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 4 }),
        fc.array(piece, { maxLength: 3 }),
        fc.array(edit, { maxLength: 4 }),
        shape,
        async (before, behind, edits, { transaction, then, ddl, batches }) => {
          const server = new MemoryServer()
          const session = () =>
            new MemorySession(server, { transaction: ddl ? 'ddl' : 'dml', observes: true, batches })
          const first = [...flat(before), 'ddl fail', ...flat(behind)]
          await run(session(), [step('a', first, { transaction: transaction && !ddl })])
          const stood = [...server.effects]
          const whole = [...flat(before), 'ddl mended', ...flat(behind)]
          const edited = edits.reduce<readonly string[]>((parts, change) => change(parts), whole)
          const error = await ended(
            run(session(), [step('a', edited, { transaction: then, flexible: true })], {
              journal: server.journal,
            }),
          )
          if (error === undefined) {
            expect(executed(server.effects)).toEqual(executed(edited))
            expect(server.journal).toEqual([])
            if (stood.length > 0) resumed += 1
          } else {
            expect(error.code).toMatch(/^MIG-(UNFINISHED|TRANSACTION-)/)
            expect(server.effects).toEqual(stood)
          }
        },
      ),
      { numRuns: 3000 },
    )
    expect(resumed).toBeGreaterThan(100)
  })

  test('is refused by a unified difference of what was run and what stands there now', async () => {
    const server = new MemoryServer()
    const session = (): MemorySession => new MemorySession(server, { transaction: 'dml' })
    const long = (last: string): string => `ddl ${'x'.repeat(600)} ${last}`
    await run(session(), [step('a', ['ddl 1', 'ddl 2', long('a'), 'ddl fail', 'ddl 5'])])
    const refused = async (parts: readonly string[]): Promise<MigrateError | undefined> =>
      ended(run(session(), [step('a', parts)], { journal: server.journal }))

    const put = await refused(['ddl 1', 'ddl new', 'ddl 2', long('a'), 'ddl 4', 'ddl 5'])
    const beginning = long('a').slice(0, 500)
    expect(put?.details).toEqual([
      '--- a.sql (was run)',
      '+++ a.sql (now)',
      '@@ -1,3 +1,4 @@',
      ' ddl 1',
      '+ddl new',
      ' ddl 2',
      ` ${beginning}`,
    ])
    expect(put?.hint).toContain('migrate resolve a --rollback')
    const taken = await refused(['ddl 1', long('a'), 'ddl 4', 'ddl 5'])
    expect(taken?.details.slice(3)).toEqual([' ddl 1', '-ddl 2', ` ${beginning}`])
    const further = await refused(['ddl 1', 'ddl 2', long('b'), 'ddl 4'])
    expect(further?.details.slice(3)).toEqual([
      ' ddl 1',
      ' ddl 2',
      `-${beginning}`,
      `+${beginning} … differs further on, or in a value`,
    ])
    expect(server.effects).toHaveLength(3)
  })

  test('may have all behind what was done edited, and lose it', async () => {
    const server = new MemoryServer()
    const session = (): MemorySession => new MemorySession(server, { transaction: 'dml', batches: true })
    await run(session(), [step('a', ['ddl 1', 'ddl 2', 'ddl fail', 'ddl 4'])])
    expect(
      await ended(run(session(), [step('a', ['ddl 1', 'ddl 2'])], { journal: server.journal })),
    ).toBeUndefined()
    expect(server.effects).toEqual(['ddl 1', 'ddl 2'])
    expect(server.journal).toEqual([])
  })

  test('is not run from its beginning in a single transaction', async () => {
    const server = new MemoryServer()
    const session = (): MemorySession => new MemorySession(server, { transaction: 'ddl' })
    await run(session(), [step('a', ['row 1', 'row fail'], { transaction: false })])
    const options = { journal: server.journal, singleTransaction: true }
    const error = await ended(run(session(), [step('a', ['row 1', 'row 2'])], options))
    expect(error).toMatchObject({ code: 'MIG-UNFINISHED', state: 'Nothing was run.' })
    expect(server.effects).toEqual(['row 1'])
  })
})
