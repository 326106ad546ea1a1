import { describe, expect, it } from 'vitest'
import { lackOf, type ServerFacts } from '../../src/backends/mongo/abilities.js'
import { commandsOf } from '../../src/schema/mongo/commands.js'

type Kind = ServerFacts['kind']

function lack(text: string, product: string, version: string, kind: Kind = 'replica set'): string | null {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const number = major * 10_000 + minor * 100 + patch
  const [command] = commandsOf(text)
  if (command === undefined) throw new Error('no command')
  const found = lackOf(command.node, { product, version, number, kind })
  if (found === null) return null
  expect(found.message).toMatch(/\.$/)
  expect(found.hint).toMatch(/\.$/)
  return text.slice(found.offset)
}

const index = (more: string, key = '"a": 1'): string =>
  `{"createIndexes": "c", "indexes": [{"key": {${key}}, "name": "n"${more}}]}`

const VERSIONS = ['4.4.0', '5.0.0', '6.0.0', '7.0.0', '8.0.0'] as const

describe('what a server lacks', () => {
  // From the pages of MongoDB's manual on each option, "New in version".
  it.each<[text: string, first: string]>([
    [index(', "hidden": true'), '4.4.0'],
    [index(', "collation": {"locale": "de"}, "unique": true'), '4.4.0'],
    [index('', '"$**": 1'), '4.4.0'],
    [index('', '"a.$**": 1, "b": 1'), '7.0.0'],
    ['{"create": "c", "capped": true, "size": 4096}', '4.4.0'],
    ['{"create": "c", "timeseries": {"timeField": "t"}}', '5.0.0'],
    ['{"create": "c", "timeseries": {"timeField": "t", "bucketMaxSpanSeconds": 60}}', '7.0.0'],
    ['{"create": "c", "clusteredIndex": {"key": {"_id": 1}, "unique": true}}', '6.0.0'],
    ['{"create": "c", "changeStreamPreAndPostImages": {"enabled": true}}', '6.0.0'],
    ['{"collMod": "c", "index": {"name": "n", "hidden": true}}', '4.4.0'],
    ['{"collMod": "c", "index": {"name": "n", "prepareUnique": true}}', '6.0.0'],
    ['{"collMod": "c", "index": {"name": "n", "unique": true}}', '6.0.0'],
    ['{"bulkWrite": 1, "ops": [], "nsInfo": []}', '8.0.0'],
  ])('MongoDB runs it from a version on: %s', (text, first) => {
    for (const version of VERSIONS)
      expect(lack(text, 'MongoDB', version) === null, version).toBe(
        Number.parseInt(version) >= Number.parseInt(first),
      )
  })

  it('is told at its place in the command', () => {
    expect(lack(index(', "hidden": true'), 'DocumentDB', '7.0.0')).toMatch(/^"hidden"/)
    expect(lack(index('', '"b": 1, "a": "2d"'), 'Amazon DocumentDB', '5.0.0')).toMatch(/^"a"/)
    expect(lack('{"create": "c", "validator": {"a": 1}}', 'FerretDB', '7.0.77')).toMatch(/^"validator"/)
    expect(lack('{"shardCollection": "c"}', 'MongoDB', '8.0.0')).toMatch(/^"shardCollection"/)
    expect(
      lack('{"createIndexes": "c", "indexes": [], "commitQuorum": 1}', 'MongoDB', '8.0.0', 'standalone'),
    ).toMatch(/^"commitQuorum"/)
    expect(lack(index('', '"a": "geoHaystack"'), 'MongoDB', '5.0.0')).toMatch(/^"a"/)
  })

  it('is nothing where an option is off, where nothing is known, and of commands that all have', () => {
    expect(lack(index(', "hidden": false'), 'Cosmos DB', '4.2.0')).toBeNull()
    expect(lack('{"collMod": "c", "index": {"name": "n", "unique": true}}', 'MongoDB', '0.0.0')).toBeNull()
    expect(lack('{"shardCollection": "c"}', 'MongoDB', '8.0.0', 'sharded')).toBeNull()
    for (const product of ['MongoDB', 'DocumentDB', 'FerretDB', 'Amazon DocumentDB', 'Cosmos DB'])
      expect(
        lack(index(', "unique": true, "sparse": true, "expireAfterSeconds": 5'), product, '4.4.0'),
      ).toBeNull()
  })
})
