import { describe, expect, it } from 'vitest'
import { brokenOff, stateSentence } from '../../src/app/failure.js'
import type { RunReport, StepReport } from '../../src/app/types.js'
import { MigrateError } from '../../src/core/errors.js'

type Step = readonly [revision: string, direction: 'up' | 'down', outcome: StepReport['outcome']]

function hintOf(
  command: RunReport['command'],
  target: string,
  steps: readonly Step[],
  flags: readonly string[] = [],
): string | undefined {
  const report: RunReport = {
    ok: false,
    command,
    backend: 'sqlite',
    from: [],
    to: [],
    steps: steps.map(([revision, direction, outcome]) => ({
      revision,
      message: '',
      file: `${revision}/up.sql`,
      direction,
      outcome,
      durationMs: null,
      statements: [],
    })),
  }
  const position = { offset: 0, line: 1, column: 1, file: 'a/down.sql' }
  return brokenOff(new MigrateError('MIG-STATEMENT-FAILED', 'No.', { position }), '', report, {
    target,
    flags,
  }).hint
}

describe('what stands after a failure', () => {
  it('is said once, where the error says it as well', () => {
    const step = (revision: string, outcome: StepReport['outcome']): StepReport => ({
      ...{ revision, message: '', file: null, direction: 'up', durationMs: null, statements: [] },
      outcome,
    })
    const steps = [step('a', 'applied'), step('b', 'rolled-back'), step('c', 'not-begun')]
    const lost = new MigrateError('MIG-CONNECT', 'Lost.', { state: 'b was rolled back.' })
    expect(stateSentence(steps, lost, null)).toBe(
      '1 revision is done and stands. b was rolled back. 1 revision was not begun.',
    )
  })
})

describe('what to type next after a failure', () => {
  it('has the flags that the command was given', () => {
    const flags = ['--single-transaction', '--strict-order']
    expect(hintOf('upgrade', 'heads', [['a', 'up', 'rolled-back']], flags)).toBe(
      'Mend a/down.sql, then type: migrate upgrade heads --single-transaction --strict-order',
    )
  })

  it('names the file of the statement, which for a down may be another than the revision’s', () => {
    expect(hintOf('upgrade', 'head', [['a', 'up', 'rolled-back']])).toBe(
      'Mend a/down.sql, then type: migrate upgrade',
    )
  })

  it.each<[RunReport['command'], string, readonly Step[], string]>([
    [
      'upgrade',
      'b',
      [
        ['a', 'up', 'applied'],
        ['b', 'up', 'failed'],
      ],
      'upgrade b',
    ],
    [
      'upgrade',
      '+2',
      [
        ['a', 'up', 'rolled-back'],
        ['b', 'up', 'not-begun'],
      ],
      'upgrade +2',
    ],
    [
      'upgrade',
      '+2',
      [
        ['a', 'up', 'applied'],
        ['b', 'up', 'rolled-back'],
      ],
      'upgrade b',
    ],
    [
      'downgrade',
      'base',
      [
        ['b', 'down', 'reverted'],
        ['a', 'down', 'failed'],
      ],
      'downgrade base',
    ],
    ['downgrade', '-1', [['b', 'down', 'rolled-back']], 'downgrade -1'],
    [
      'downgrade',
      '-3',
      [
        ['c', 'down', 'reverted'],
        ['b', 'down', 'failed'],
        ['a', 'down', 'not-begun'],
      ],
      'downgrade -2',
    ],
    [
      'downgrade',
      'x@-2',
      [
        ['b', 'down', 'reverted'],
        ['a', 'down', 'failed'],
      ],
      'downgrade x@-1',
    ],
    [
      'redo',
      '-1',
      [
        ['a', 'down', 'rolled-back'],
        ['a', 'up', 'not-begun'],
      ],
      'redo -1',
    ],
    [
      'redo',
      '-1',
      [
        ['a', 'down', 'reverted'],
        ['a', 'up', 'failed'],
      ],
      'upgrade a',
    ],
    [
      'redo',
      'x',
      [
        ['b', 'down', 'reverted'],
        ['a', 'down', 'failed'],
        ['a', 'up', 'not-begun'],
        ['b', 'up', 'not-begun'],
      ],
      'upgrade b',
    ],
  ])('of "%s %s" does what is left and no more', (command, target, steps, expected) => {
    expect(hintOf(command, target, steps)).toBe(`Mend a/down.sql, then type: migrate ${expected}`)
  })
})
