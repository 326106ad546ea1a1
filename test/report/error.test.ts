import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { failureDocument, renderError } from '../../src/report/error.js'
import { codeFrame } from '../../src/report/frame.js'
import { createView } from '../../src/report/view.js'

const view = createView({ colour: false })
const plain = view.style

function positionOf(source: string, line: number, column: number) {
  const lines = source.split('\n')
  const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0)
  return { file: 'a.sql', line, column, offset: before + column - 1 }
}

describe('a place', () => {
  it('moves no cursor and changes no colours, however its file is called', () => {
    const position = { ...positionOf('x', 1, 1), file: 'a\u001b[31m\nnext   rm.sql' }
    const text = renderError(new MigrateError('MIG-STATEMENT-FAILED', 'No.', { position }), view)
    expect(text.split('\n')[1]).toBe('  at a [31m next   rm.sql:1:1')
  })
})

describe('code frames', () => {
  const source = 'one\ntwo\nthree\nfour\nfive\nsix'

  it('show two lines before the place and one after it', () => {
    expect(codeFrame(source, positionOf(source, 4, 3), plain)).toEqual([
      '  2 | two',
      '  3 | three',
      '  4 | four',
      '    |   ^',
      '  5 | five',
    ])
  })

  it('take the lines from the place on, too', () => {
    expect(codeFrame('four\nfive', positionOf(source, 4, 3), plain)).toEqual([
      '  4 | four',
      '    |   ^',
      '  5 | five',
    ])
  })

  it('show no password of a statement, and nothing else is moved or hidden', () => {
    const frame = (text: string) => codeFrame(text, positionOf(text, 1, 7), plain)
    expect(frame("ALTER USER u IDENTIFIED BY 'it''s a'")).toEqual([
      "  1 | ALTER USER u IDENTIFIED BY '**''* *'",
      '    |       ^',
    ])
    expect(frame('ALTER ROLE u PASSWORD $$s3cret$$ x')[0]).not.toContain('s3cret')
    expect(frame('ALTER ROLE u PASSWORD\n  "s3cret"')[2]).toBe('  2 |   "******"')
    expect(frame('ACL SETUSER u on >s3cret ~*')[0]).toBe('  1 | ACL SETUSER u ** ******* **')
    expect(frame("INSERT INTO t VALUES ('a')")[0]).toBe("  1 | INSERT INTO t VALUES ('a')")
  })

  it('put the caret under wide letters and tabs', () => {
    const wide = "\tINSERT '注文' x"
    expect(codeFrame(wide, positionOf(wide, 1, 14), plain)).toEqual([
      "  1 |  INSERT '注文' x",
      '    |                ^',
    ])
  })

  it('cut a line of ten megabytes down to what is around the place', () => {
    const long = `SELECT '${'x'.repeat(10_000_000)}' oops FROM t`
    const frame = codeFrame(long, positionOf(long, 1, long.indexOf('oops') + 1), plain)
    const [line = '', caret = ''] = frame
    expect(line.length).toBeLessThan(130)
    expect(line.slice(caret.indexOf('^'), caret.indexOf('^') + 4)).toBe('oops')
  })

  it('point at the very character, wherever it is', () => {
    const texts = fc.array(
      fc.string({ maxLength: 200 }).map((text) => text.replace(/[\r\n]/g, ' ')),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    fc.assert(
      fc.property(texts, fc.nat(), fc.nat(), (lines, someLine, someColumn) => {
        const line = (someLine % lines.length) + 1
        const text = lines[line - 1] ?? ''
        const column = (someColumn % (text.length + 1)) + 1
        const whole = lines.join('\n')
        const frame = codeFrame(whole, positionOf(whole, line, column), plain)
        const caretAt = frame.findIndex((shown) => /^ +\| +\^$/.test(shown))
        const caret = frame[caretAt]?.indexOf('^') ?? -1
        const under = frame[caretAt - 1]?.charAt(caret) ?? ''
        expect(under.trim()).toBe(text.charAt(column - 1).trim())
      }),
    )
  })

  it('say nothing of a place that the text does not have', () => {
    expect(codeFrame('short', { file: 'a.sql', line: 9, column: 40, offset: 300 }, plain)).toEqual([])
  })
})

describe('errors', () => {
  const source = 'CREATE TABEL users ();'
  const error = new MigrateError('MIG-STATEMENT-FAILED', 'syntax error at or near "TABEL"', {
    position: positionOf(source, 1, 8),
    source,
    details: ['SQLSTATE 42601'],
    state: '3f2a was rolled back.',
    hint: 'Correct the file, then: migrate upgrade head',
  })

  it('are drawn with frame, facts, state and what to type next', () => {
    expect(renderError(error, view)).toBe(
      [
        'error[MIG-STATEMENT-FAILED] syntax error at or near "TABEL"',
        '  at a.sql:1:8',
        '',
        '  1 | CREATE TABEL users ();',
        '    |        ^',
        '',
        '  SQLSTATE 42601',
        '',
        'state  3f2a was rolled back.',
        'next   Correct the file, then: migrate upgrade head',
        'docs   revgraph/docs/errors.md#mig-statement-failed',
        '',
      ].join('\n'),
    )
  })

  it('are a document beside what was done', () => {
    const done = { ok: true, command: 'upgrade', steps: [] }
    expect(failureDocument(error, done)).toEqual({
      ok: false,
      command: 'upgrade',
      steps: [],
      error: {
        code: 'MIG-STATEMENT-FAILED',
        message: 'syntax error at or near "TABEL"',
        file: 'a.sql',
        line: 1,
        column: 8,
        hint: 'Correct the file, then: migrate upgrade head',
        state: '3f2a was rolled back.',
        details: ['SQLSTATE 42601'],
        exitCode: 1,
      },
    })
  })
})
