import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  packed,
  touchedBy,
  unpacked,
  withChanges,
  writesOf,
  type Row,
  type RowChange,
} from '../../src/backends/mongo/pending.js'

const id = fc.constantFrom('a', 'b', 'c')
const kind = 'journal' as const
const change: fc.Arbitrary<RowChange> = fc.oneof(
  fc.record({ put: id, value: fc.nat(9), first: fc.nat(9) }).map(({ put, value, first }) => ({
    ...{ kind, put, fields: { revision: put === 'a' ? 'x' : 'y', value } },
    first: { seq: first },
  })),
  id.map((drop) => ({ kind, drop })),
  fc.constantFrom('x', 'y').map((clear) => ({ kind, clear })),
  fc.constant({ kind, empty: true as const }),
)
const changes = fc.array(change, { maxLength: 12 })
const rows = fc
  .uniqueArray(id)
  .map((ids) => ids.map((_id): Row => ({ _id, revision: _id === 'a' ? 'x' : 'y', value: 99, seq: 99 })))

/** As a server does what it is told in one bulk. */
function done(before: readonly Row[], all: readonly RowChange[]): Row[] {
  const byId = new Map(before.map((row) => [row._id, row]))
  for (const write of writesOf(all)) {
    if ('deleteMany' in write) {
      const { filter } = write.deleteMany
      if (Object.keys(filter).length === 0) byId.clear()
      const { _id, revision } = filter as Record<string, { $in: unknown[] } | undefined>
      for (const row of [...byId.values()])
        if (_id?.$in.includes(row._id) === true || revision?.$in.includes(row['revision']) === true)
          byId.delete(row._id)
    } else if ('updateOne' in write) {
      const { filter, update } = write.updateOne
      const { $set, $setOnInsert } = update as { $set: object; $setOnInsert?: object }
      const key = filter._id as string
      byId.set(key, { ...(byId.get(key) ?? { _id: key, ...$setOnInsert }), ...$set })
    }
  }
  return [...byId.values()]
}

const sorted = (some: readonly Row[]): Row[] =>
  some.toSorted((a, b) => (String(a._id) < String(b._id) ? -1 : 1))

/** Where a row was is told by its first number: what is dropped and put again begins anew. */
const told = (some: readonly Row[]) => sorted(some).map(({ _id, value }) => [_id, value as unknown])

describe('what waits to be put into its collections', () => {
  it('is read as it will be once it was put there', () => {
    fc.assert(
      fc.property(rows, changes, (before, all) => {
        expect(sorted(done(before, all))).toEqual(sorted(withChanges(before, kind, all)))
      }),
    )
  })

  it('leaves rows as they were read that it does not touch', () => {
    fc.assert(
      fc.property(rows, changes, (before, all) => {
        const isTouched = touchedBy(kind, all)
        const [others, touched] = [before.filter((row) => !isTouched(row)), before.filter(isTouched)]
        expect(sorted([...others, ...withChanges(touched, kind, all)])).toEqual(sorted(done(before, all)))
        expect(touchedBy('log', all)).toSatisfy((none: typeof isTouched) => !before.some(none))
      }),
    )
  })

  it('may be put there again', () => {
    fc.assert(
      fc.property(rows, changes, (before, all) => {
        const once = done(before, all)
        expect(told(done(once, all))).toEqual(told(once))
      }),
    )
  })

  it('may be put there in parts, or looked at meanwhile', () => {
    fc.assert(
      fc.property(rows, changes, fc.nat(12), (before, all, at) => {
        const [first, rest] = [all.slice(0, at), all.slice(at)]
        const whole = done(before, all)
        expect(told(done(done(before, first), rest))).toEqual(told(whole))
        expect(told(withChanges(whole, kind, all))).toEqual(told(whole))
      }),
    )
  })

  it('comes back as it was written, and what is no such thing is refused', () => {
    fc.assert(
      fc.property(fc.array(changes), (writes) => {
        expect(unpacked(writes.map(packed))).toEqual(writes.flat())
      }),
    )
    expect(unpacked(undefined)).toEqual([])
    for (const bad of ['text', [1], ['{'], ['{}'], ['[{"kind":"users","drop":"a"}]'], ['[{"kind":"log"}]']])
      expect(() => unpacked(bad)).toThrow(/still to be written/)
  })
})
