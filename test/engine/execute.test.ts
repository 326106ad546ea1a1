import { describe, expect, test } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import type { CodeContext } from '../../src/core/revision.js'
import { MemoryServer, MemorySession } from './memory.js'
import type { MemoryOptions } from './memory.js'
import { run, step } from './steps.js'

function fresh(transaction: MemoryOptions['transaction']): { server: MemoryServer; session: MemorySession } {
  const server = new MemoryServer()
  return { server, session: new MemorySession(server, { transaction }) }
}

const outcomes = (report: Awaited<ReturnType<typeof run>>): string[] =>
  report.results.map((one) => one.outcome)
const ids = (server: MemoryServer): string[] => server.applied.map((row) => row.id)

describe('a plan on a server with transactional DDL', () => {
  test('applies every revision with its row of the history', async () => {
    const { server, session } = fresh('ddl')
    const report = await run(session, [step('a', ['one', 'two']), step('b', ['three'])])
    expect(outcomes(report)).toEqual(['applied', 'applied'])
    expect(server.effects).toEqual(['one', 'two', 'three'])
    expect(ids(server)).toEqual(['a', 'b'])
  })

  test('rolls the failing revision back whole, keeps those before it and does not begin those after it', async () => {
    const { server, session } = fresh('ddl')
    const report = await run(session, [step('a', ['one']), step('b', ['two', 'fail']), step('c', ['three'])])
    expect(outcomes(report)).toEqual(['applied', 'rolled-back', 'not-begun'])
    expect(report.error?.code).toBe('MIG-STATEMENT-FAILED')
    expect(server.effects).toEqual(['one'])
  })

  test.each(['ddl', 'none'] as const)(
    'hands nothing to code where the lock may be another’s by now (transactions: %s)',
    async (transaction) => {
      const { server, session } = fresh(transaction)
      session.confirmLock = () => Promise.reject(new MigrateError('MIG-LOCK-LOST', 'another has it'))
      let begun = false
      const code = (): void => {
        begun = true
      }
      const report = await run(session, [step('a', ['one', code], { transaction: transaction === 'ddl' })])
      expect(report.error?.code).toBe('MIG-LOCK-LOST')
      expect([begun, ids(server)]).toEqual([false, []])
    },
  )

  test('keeps nothing of a single transaction that fails', async () => {
    const { server, session } = fresh('ddl')
    const steps = [step('a', ['one']), step('b', ['fail']), step('c', ['two'])]
    const report = await run(session, steps, { singleTransaction: true })
    expect(outcomes(report)).toEqual(['rolled-back', 'rolled-back', 'not-begun'])
    expect(server.effects).toEqual([])
    expect(ids(server)).toEqual([])
  })

  test('runs a file that is wrapped in BEGIN and COMMIT in the transaction of its revision', async () => {
    const { server, session } = fresh('ddl')
    const report = await run(session, [step('a', ['begin', 'one', 'commit'])])
    expect(outcomes(report)).toEqual(['applied'])
    expect(server.effects).toEqual(['one'])
    expect(server.journal).toEqual([])
  })

  test('refuses a COMMIT in the midst of a revision before anything of the plan is run', async () => {
    const { server, session } = fresh('ddl')
    await expect(run(session, [step('a', ['one']), step('b', ['two', 'commit'])])).rejects.toMatchObject({
      code: 'MIG-TRANSACTION-CONTROL',
    })
    expect(server.effects).toEqual([])
  })

  test('runs the own transactions of a script that wants none, each with its journal rows', async () => {
    const { server, session } = fresh('ddl')
    const parts = ['begin', 'one', 'two', 'commit', 'three', 'begin', 'four', 'rollback', 'five']
    const report = await run(session, [step('a', parts, { transaction: false })])
    expect(outcomes(report)).toEqual(['applied'])
    expect(server.effects).toEqual(['one', 'two', 'three', 'five'])
    expect(server.journal).toEqual([])
  })

  test('runs a transaction of more statements than a call may have arguments', async () => {
    const { server, session } = fresh('dml')
    const parts = ['begin', ...Array.from({ length: 150_000 }, () => 'one'), 'commit', 'vacuum']
    const report = await run(session, [step('a', parts, { transaction: false })])
    expect(outcomes(report)).toEqual(['applied'])
    expect(server.effects).toHaveLength(150_001)
  })

  test('plans as many statements in a transaction that its first one ends', async () => {
    const { server, session } = fresh('dml')
    const parts = [
      'begin',
      'ddl',
      'fail',
      ...Array.from({ length: 150_000 }, () => 'one'),
      'commit',
      'vacuum',
    ]
    const report = await run(session, [step('a', parts, { transaction: false })])
    expect(report.error?.code).toBe('MIG-STATEMENT-FAILED')
    expect(server.effects).toEqual(['ddl'])
  })

  test('runs a foreign script without a transaction where it cannot have one, since its layout has no word for that', async () => {
    const { server, session } = fresh('ddl')
    const parts = ['one', 'vacuum', 'two']
    await expect(run(session, [step('a', parts)])).rejects.toMatchObject({
      code: 'MIG-TRANSACTION-FORBIDDEN',
    })
    const report = await run(session, [step('a', parts, { flexible: true })])
    expect(outcomes(report)).toEqual(['applied'])
    expect(server.effects).toEqual(parts)
    expect(server.journal).toEqual([])
  })

  test('runs code steps inside the transaction of their revision', async () => {
    const { server, session } = fresh('ddl')
    const code = ({ client }: CodeContext<MemoryServer>) => void client.effects.push('code')
    const failing = () => {
      throw new Error('no')
    }
    const report = await run(session, [step('a', ['one', code]), step('b', [code, failing])])
    expect(outcomes(report)).toEqual(['applied', 'rolled-back'])
    expect(report.error?.code).toBe('MIG-CODE-STEP-FAILED')
    expect(server.effects).toEqual(['one', 'code'])
  })

  test('leaves a code step that never resolves when it is interrupted', async () => {
    const { server, session } = fresh('ddl')
    const stop = new AbortController()
    const never = () => {
      setTimeout(() => stop.abort(), 5)
      return new Promise(() => undefined)
    }
    const report = await run(session, [step('a', ['one', never]), step('b', ['two'])], {
      signal: stop.signal,
    })
    expect(report.error?.code).toBe('MIG-INTERRUPTED')
    expect(outcomes(report)).toEqual(['rolled-back', 'not-begun'])
    expect(server.effects).toEqual([])
  })
})

describe('a session that cannot be put back', () => {
  const failsAt = (server: MemoryServer, transaction: MemoryOptions['transaction']): MemorySession => {
    class Stuck extends MemorySession {
      override reset(): Promise<void> {
        return Promise.reject(new MigrateError('MIG-DATABASE', 'not put back'))
      }
    }
    return new Stuck(server, { transaction })
  }

  test('ends the run, and what was committed before is said to be applied', async () => {
    const server = new MemoryServer()
    const report = await run(failsAt(server, 'ddl'), [step('a', ['one']), step('b', ['two'])])
    expect(report.error?.message).toBe('not put back')
    expect(outcomes(report)).toEqual(['applied', 'not-begun'])
    expect(ids(server)).toEqual(['a'])
    const rest = await run(new MemorySession(server, { transaction: 'ddl' }), [step('b', ['two'])])
    expect(outcomes(rest)).toEqual(['applied'])
    expect(server.effects).toEqual(['one', 'two'])
  })

  test('leaves a script without a transaction half done, with all that it has done in the journal', async () => {
    const server = new MemoryServer()
    const report = await run(failsAt(server, 'dml'), [step('a', ['ddl 1', 'ddl 2'])])
    expect(outcomes(report)).toEqual(['failed'])
    expect(server.journal.map(({ state }) => state)).toEqual(['done', 'done'])
    const session = new MemorySession(server, { transaction: 'dml' })
    const rest = await run(session, [step('a', ['ddl 1', 'ddl 2'])], { journal: server.journal })
    expect(outcomes(rest)).toEqual(['applied'])
    expect(server.effects).toEqual(['ddl 1', 'ddl 2'])
  })

  test('is not used for another try of what was rolled back', async () => {
    const server = new MemoryServer()
    const session = failsAt(server, 'ddl')
    Object.assign(session, { mayRetry: () => true })
    const report = await run(session, [step('a', ['one', 'fail']), step('b', ['two'])])
    expect(report.error?.message).toBe('not put back')
    expect(outcomes(report)).toEqual(['rolled-back', 'not-begun'])
    expect(server.effects).toEqual([])
  })
})

describe('a plan on a server whose DDL commits', () => {
  test('keeps a script of data alone in one transaction', async () => {
    const { server, session } = fresh('dml')
    const report = await run(session, [step('a', ['one', 'fail'])])
    expect(outcomes(report)).toEqual(['rolled-back'])
    expect(server.effects).toEqual([])
    expect(server.journal).toEqual([])
  })

  test('knows after a refusal where it stopped, and goes on from there', async () => {
    const { server, session } = fresh('dml')
    const first = await run(session, [step('a', ['ddl 1', 'ddl 2', 'fail ddl', 'ddl 4'])])
    expect(outcomes(first)).toEqual(['failed'])
    expect(server.journal.map((entry) => entry.state)).toEqual(['done', 'done', 'failed'])
    const second = await run(session, [step('a', ['ddl 1', 'ddl 2', 'ddl 3', 'ddl 4'])], {
      journal: server.journal,
    })
    expect(outcomes(second)).toEqual(['applied'])
    expect(server.effects).toEqual(['ddl 1', 'ddl 2', 'ddl 3', 'ddl 4'])
    expect(server.journal).toEqual([])
  })

  test('refuses to resume when a statement that was run has been edited', async () => {
    const { server, session } = fresh('dml')
    await run(session, [step('a', ['ddl 1', 'fail'])])
    const again = await run(session, [step('a', ['ddl 1b', 'ddl 2'])], { journal: server.journal })
    expect(again.error?.code).toBe('MIG-UNFINISHED')
    expect(server.effects).toEqual(['ddl 1'])
  })

  test('writes no journal while tables are locked', async () => {
    const { server, session } = fresh('dml')
    const report = await run(session, [step('a', ['ddl 1', 'lock', 'one', 'unlock', 'ddl 2'])])
    expect(outcomes(report)).toEqual(['applied'])
    expect(server.effects).toEqual(['ddl 1', 'lock', 'one', 'unlock', 'ddl 2'])
  })

  test('refuses a single transaction, naming the revision', async () => {
    const { server, session } = fresh('dml')
    await expect(run(session, [step('a', ['ddl 1'])], { singleTransaction: true })).rejects.toMatchObject({
      code: 'MIG-TRANSACTION-FORBIDDEN',
    })
    expect(server.effects).toEqual([])
  })
})
