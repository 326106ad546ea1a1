import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columns } from '../../src/report/columns.js'
import { duration, moment } from '../../src/report/duration.js'
import { renderStep } from '../../src/report/run.js'
import { createView } from '../../src/report/view.js'
import { renderProgress } from '../../src/report/backfill.js'
import { renderLog, renderTags } from '../../src/report/records.js'
import { renderGraph, renderRevisions, renderShow } from '../../src/report/revisions.js'
import { displayWidth, firstLine, padEnd, padStart, printable, truncate } from '../../src/report/width.js'

const plainView = createView({ colour: false })
const SHOWN = {
  ...{ revision: 'a1a1', parents: [], dependsOn: [], labels: [], message: 'a', file: null, applied: true },
  ...{ appliedAt: '2026-01-01T00:00:00.000Z', isCurrent: true, isHead: true, isBase: true, isMerge: false },
  ...{
    isBranchPoint: false,
    children: [],
    up: '',
    down: null,
    checksum: 'v1:x',
    edited: false,
    stamped: false,
  },
  ...{ durationMs: 1, appliedBy: 'me', host: 'h', toolVersion: '1', runId: 'r', repeatable: false },
}
const evilRevision = (evil: string) => ({
  ...{ labels: [evil], dependsOn: [evil], message: evil, appliedBy: evil, host: evil, toolVersion: evil },
  ...{ runId: evil, checksum: evil, up: `SELECT '${evil}';\n`, down: evil },
})
const PAUSED: Parameters<typeof renderProgress>[0] = {
  type: 'backfill',
  doing: 'paused',
  revision: 'b1',
  direction: 'up',
  statement: 1,
  table: 'users',
  key: ['id'],
  state: 'paused',
  scanned: 40,
  changed: 40,
  estimate: 200,
  batches: 2,
  startedAt: '',
  updatedAt: '',
  rate: null,
  leftMs: null,
}

it('a line of a log says of a backfill that waits for what', () => {
  expect(renderProgress(PAUSED)).toBe(
    'b1 users: 40 of about 200 rows (20 %), 40 changed, paused: migrate backfill resume',
  )
})

describe('width of texts', () => {
  it.each([
    ['plain', 5],
    ['', 0],
    ['注文', 4],
    ['한국어', 6],
    ['é', 1],
    ['e\u0301', 1],
    ['👍', 2],
    ['👨‍👩‍👧', 2],
    ['❤️', 2],
    ['ｗｉｄｅ', 8],
    ['a\u200bb', 2],
  ])('counts %j as %i columns', (text, width) => {
    expect(displayWidth(text)).toBe(width)
  })

  it('pads to the width asked for', () => {
    expect(padEnd('注文', 6)).toBe('注文  ')
    expect(padStart('注文', 6)).toBe('  注文')
    expect(padEnd('longer', 3)).toBe('longer')
  })

  it('never exceeds the width when it cuts', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat({ max: 30 }), (text, width) => {
        const line = printable(text)
        expect(displayWidth(truncate(line, width))).toBeLessThanOrEqual(width)
        if (displayWidth(line) <= width) expect(truncate(line, width)).toBe(line)
      }),
    )
  })

  it('lets no control character through', () => {
    expect(printable('a\u001b[31mb\nc')).toBe('a [31mb c')
    expect(firstLine('\n  first   line\nsecond')).toBe('first line')
    expect(firstLine('x'.repeat(10_000_000))).toBe(`${'x'.repeat(500)}…`)
    expect(printable('a\u202eb\u2028c')).toBe('a b c')
  })

  it('lets none through that another hand has written into the metadata', () => {
    const evil = 'x\u001b[31m\u0007\u009b2J\u202e'
    const entry = { runId: evil, action: 'tag', revision: evil, outcome: 'done', detail: evil } as const
    const by = { by: evil, host: evil, toolVersion: evil, at: evil }
    const shown = [
      renderLog([{ ...entry, ...by }], plainView),
      renderTags([{ name: evil, heads: [evil], createdAt: evil, createdBy: evil }], plainView),
      renderShow([{ ...SHOWN, ...evilRevision(evil) }], plainView),
      renderRevisions([{ ...SHOWN, ...evilRevision(evil) }], createView({ colour: false, verbose: true })),
      renderGraph([{ ...SHOWN, ...evilRevision(evil) }], plainView),
      renderProgress({ ...PAUSED, table: evil }),
    ]
    for (const text of shown) expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
    expect(shown[2]).toContain('x [31m  2J')
  })
})

describe('columns', () => {
  it('are as wide as their widest cell, and nothing hangs at the end', () => {
    expect(
      columns([
        ['a', '注文', 'x'],
        ['bbb', 'c', ''],
      ]),
    ).toEqual(['a    注文  x', 'bbb  c'])
  })

  it('take no room when they are empty', () => {
    expect(
      columns([
        ['a', '', 'x'],
        ['b', '', 'y'],
      ]),
    ).toEqual(['a  x', 'b  y'])
  })

  it('paint the text and not its padding', () => {
    const paint = (text: string) => `<${text}>`
    expect(
      columns([
        [{ text: 'a', paint }, 'x'],
        [{ text: 'bb', paint, align: 'right' }, 'y'],
        [{ text: 'c', paint, align: 'right' }, 'z'],
      ]),
    ).toEqual(['<a>   x', '<bb>  y', ' <c>  z'])
  })
})

describe('a backfill', () => {
  it('is told with how far it is, how fast, and how long it will take; at its end with what it did', () => {
    const event: Parameters<typeof renderProgress>[0] = {
      ...{ type: 'backfill', revision: 'a1', direction: 'up', statement: 1, table: 't', key: ['id'] },
      ...{ state: 'running', scanned: 12_000, changed: 11_000, estimate: 100_000, batches: 12 },
      ...{ startedAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:01Z' },
      ...{ doing: 'working', rate: 4000, leftMs: 22_000 },
    }
    expect(renderProgress(event)).toBe(
      'a1 t: 12,000 of about 100,000 rows (12 %), 11,000 changed, 12 batches, 4,000 rows/s, about 22.00 s left',
    )
    expect(renderProgress({ ...event, state: 'done' })).toBe('a1 t: 12,000 rows, 11,000 changed, 12 batches')
  })
})

describe('times', () => {
  it.each([
    [0.2, '<1 ms'],
    [12.4, '12 ms'],
    [999.4, '999 ms'],
    [999.6, '1.00 s'],
    [1240, '1.24 s'],
    [59_994, '59.99 s'],
    [59_996, '1 min 00 s'],
    [192_000, '3 min 12 s'],
    [3_720_000, '1 h 02 min'],
  ])('says %d milliseconds as %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })

  it('says moments in UTC', () => {
    expect(moment('2026-03-01T14:05:09.123Z')).toBe('2026-03-01 14:05:09 UTC')
    expect(moment('unknown')).toBe('unknown')
  })
})

describe('views', () => {
  it('have no escape sequence without colours, and some with them', () => {
    expect(createView({ colour: false }).style.red('x')).toBe('x')
    expect(createView({ colour: true }).style.red('x')).toContain('\u001b[')
  })
})

it('the lines of a run have their columns one below the other, however long the ids are', () => {
  const view = createView({ colour: false })
  const lines = ['1', '1_2', 'R__注'].map((revision) =>
    renderStep({ revision, message: 'message', outcome: 'applied', durationMs: 2 }, view, 6),
  )
  expect(new Set(lines.map((line) => displayWidth(line.slice(0, line.indexOf('message')))))).toHaveLength(1)
})
