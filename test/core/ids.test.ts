import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MigrateError } from '../../src/core/errors.js'
import { buildGraph } from '../../src/core/graph.js'
import { checkNewId, datePrefix, newRevisionId, revisionFileName, slugOf } from '../../src/core/ids.js'
import { node } from './arbitraries.js'

function source(...draws: readonly (readonly number[])[]): (count: number) => Uint8Array {
  let next = 0
  return () => Uint8Array.from(draws[next++ % draws.length] ?? [])
}

const graph = buildGraph([
  node('000000000000'),
  node('0101'),
  node('0202020202020202'),
  node('a', { labels: ['030303030303'] }),
])

describe('a new id', () => {
  it('is 12 lowercase hexadecimal digits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        expect(newRevisionId(() => bytes)).toMatch(/^[0-9a-f]{12}$/)
      }),
    )
  })

  it('is never an id, a label, the beginning of an id or longer than one by its end', () => {
    const draws = [0, 1, 2, 3, 10].map((byte) => Array.from({ length: 6 }, () => byte))
    expect(newRevisionId(source(...draws), graph)).toBe('0a0a0a0a0a0a')
  })

  it('gives up on random numbers that repeat themselves', () => {
    expect(() => newRevisionId(source([0, 0, 0, 0, 0, 0]), graph)).toThrow(MigrateError)
    expect(() => newRevisionId(source([]))).toThrow(MigrateError)
  })
})

describe('a chosen id', () => {
  it('may be anything that is no target', () => {
    expect(checkNewId('0001_users', graph)).toBe('0001_users')
  })

  it.each([
    ['0101', 'MIG-GRAPH-DUPLICATE-ID', 'The id "0101" is taken by another revision.'],
    ['030303030303', 'MIG-GRAPH-DUPLICATE-ID', 'The id "030303030303" is the label of a branch.'],
    ['base', 'MIG-GRAPH-BAD-ID', 'The revision id "base" is a word that targets use.'],
    ['a b', 'MIG-GRAPH-BAD-ID', 'The revision id "a b" contains a blank.'],
  ])('is refused as %j', (id, code, message) => {
    expect(() => checkNewId(id, graph)).toThrow(expect.objectContaining({ code, message }))
  })
})

describe('a file name', () => {
  it.each([
    ['Create users table', 'create_users_table'],
    ['  add e-mail / phone\\fax: now!  ', 'add_e_mail_phone_fax_now'],
    ['Größe ändern', 'größe_ändern'],
    ['テーブルを作る', 'テーブルを作る'],
    ['../../etc/passwd', 'etc_passwd'],
    ['🚀', 'revision'],
    ['', 'revision'],
    ['a very long message that goes on and on about everything', 'a_very_long_message_that_goes_on_and_on'],
  ])('tells %j as %s', (message, slug) => {
    expect(slugOf(message)).toBe(slug)
  })

  it('is never empty, long, or more than one path segment', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (message) => {
        const slug = slugOf(message)
        expect(slug).toMatch(/^[\p{L}\p{M}\p{N}_]+$/u)
        expect(Array.from(slug).length).toBeLessThanOrEqual(40)
        expect(slugOf(slug)).toBe(slug)
      }),
    )
  })

  it('begins with the day and the id', () => {
    const late = new Date('2026-11-22T23:59:59Z')
    expect(datePrefix(late)).toBe('20261122')
    expect(revisionFileName(late, '3f2a91c0b7de', 'create users', 'sql')).toBe(
      '20261122_3f2a91c0b7de_create_users.sql',
    )
  })
})
