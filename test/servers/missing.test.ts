import { describe, expect, it } from 'vitest'
import { parseSelection, verdictOnMissing, withUnwanted } from './missing.js'
import { serverNames } from './types.js'

describe('a server that cannot be had', () => {
  const wanted = { name: 'mysql', reason: 'no way to it', wanted: true } as const

  it('is skipped on a laptop', () => {
    expect(verdictOnMissing(wanted, undefined)).toBe('skip')
    expect(verdictOnMissing(wanted, '')).toBe('skip')
    expect(verdictOnMissing(wanted, 'false')).toBe('skip')
  })

  it('fails with CI=true', () => {
    expect(verdictOnMissing(wanted, 'true')).toBe('fail')
  })

  it('is skipped everywhere when it was left out on purpose', () => {
    expect(verdictOnMissing({ ...wanted, wanted: false }, 'true')).toBe('skip')
  })
})

describe('MIGRATE_TEST_SERVERS', () => {
  it('means all servers when it is not set', () => {
    expect(parseSelection(undefined)).toEqual(serverNames)
    expect(parseSelection('')).toEqual(serverNames)
    expect(parseSelection('all')).toEqual(serverNames)
  })

  it('means no server for none', () => {
    expect(parseSelection('none')).toEqual([])
  })

  it('names servers with commas between', () => {
    expect(parseSelection('mysql, postgres')).toEqual(['postgres', 'mysql'])
  })

  it('does not take a name that it does not know', () => {
    expect(() => parseSelection('postgres,oracle')).toThrow('no server oracle')
  })

  it('leaves the other servers missing but unwanted', () => {
    const missing = { name: 'mysql', reason: 'no way to it', wanted: true } as const
    const names = withUnwanted({ present: [], missing: [missing] }).missing
    expect(names.filter((absence) => absence.wanted)).toEqual([missing])
    expect(names).toHaveLength(serverNames.length)
  })
})
