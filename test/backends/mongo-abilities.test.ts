import { BSON, MongoClient, type Document } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { hasTransactions, lackOf, type ServerFacts } from '../../src/backends/mongo/abilities.js'
import { fitOf } from '../../src/backends/mongo/fit.js'
import { ELASTIC, productOf } from '../../src/backends/mongo/product.js'
import { parseStatements } from '../../src/backends/mongo/statements.js'
import { MigrateError } from '../../src/core/errors.js'
import { commandsOf } from '../../src/schema/mongo/commands.js'
import { describeServers, useDatabase } from '../servers/database.js'

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
    [index(', "prepareUnique": true'), '6.0.0'],
    ['{"collMod": "c", "cappedSize": 8192}', '6.0.0'],
    ['{"collMod": "c", "cappedMax": 8}', '6.0.0'],
    ['{"collMod": "c", "timeseries": {"granularity": "hours"}}', '5.0.0'],
    ['{"collMod": "c", "timeseries": {"bucketMaxSpanSeconds": 60}}', '7.0.0'],
    ['{"collMod": "c", "expireAfterSeconds": 60}', '5.0.0'],
    ['{"collMod": "c", "index": {"name": "n", "expireAfterSeconds": 60}}', '4.4.0'],
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

  // From Amazon's page "Supported MongoDB APIs", its columns 4.0, 5.0 and 8.0.
  it.each<[text: string, first: string | null]>([
    [index(', "collation": {"locale": "de"}'), '8.0.0'],
    ['{"create": "c", "collation": {"locale": "de"}}', '8.0.0'],
    ['{"create": "v", "viewOn": "c", "pipeline": []}', '8.0.0'],
    ['{"create": "c", "capped": true, "size": 4096}', null],
    ['{"create": "c", "validator": {"$jsonSchema": {}}}', '4.0.0'],
    [index(', "unique": true, "sparse": true'), '4.0.0'],
    [index(', "partialFilterExpression": {"a": 1}'), '5.0.0'],
    [index(', "unique": true, "partialFilterExpression": {"a": 1}'), '5.0.0'],
    ['{"renameCollection": "c", "to": "d"}', '4.0.0'],
    [index('', '"a": "text"'), '5.0.0'],
    [index('', '"a": "hashed"'), null],
  ])('Amazon DocumentDB runs it from a version on: %s', (text, first) => {
    for (const version of ['4.0.0', '5.0.0', '8.0.0'])
      expect(lack(text, 'Amazon DocumentDB', version) === null, version).toBe(
        first !== null && Number.parseInt(version) >= Number.parseInt(first),
      )
  })

  // The last column of the same page.
  it.each<[text: string, has: boolean]>([
    [index(', "unique": true, "sparse": true'), true],
    [index('', '"a": "2dsphere", "b": 1'), true],
    [index(', "partialFilterExpression": {"a": 1}'), false],
    [index('', '"a": "text"'), false],
    [index(', "collation": {"locale": "de"}'), false],
    [index(', "hidden": true'), false],
    [index('', '"a": "hashed"'), false],
    ['{"create": "v", "viewOn": "c", "pipeline": []}', false],
    ['{"create": "c", "capped": true, "size": 4096}', false],
    ['{"renameCollection": "c", "to": "d"}', false],
  ])('an elastic cluster of Amazon DocumentDB runs it or not: %s', (text, has) => {
    expect(lack(text, ELASTIC, '5.0.0', 'sharded') === null).toBe(has)
  })

  // Amazon's page "Index property: hidden": its engines 5.0.2 and 8.0.1; the server decides within 5.0 and 8.0.
  it.each<[version: string, has: boolean]>([
    ['4.0.0', false],
    ['5.0.0', true],
    ['8.0.0', true],
    ['0.0.0', true],
  ])('Amazon DocumentDB %s hides indexes, also from their creation on: %s', (version, has) => {
    for (const text of [
      index(', "hidden": true'),
      '{"collMod": "c", "index": {"name": "n", "hidden": true}}',
      '{"retireIndex": "c", "index": "n", "hideFor": "7d"}',
    ])
      expect(lack(text, 'Amazon DocumentDB', version) === null, text).toBe(has)
  })

  // From Microsoft's page on the features of Cosmos DB for MongoDB 4.2.
  it.each([
    index(', "sparse": true'),
    index(', "partialFilterExpression": {"a": 1}'),
    index(', "wildcardProjection": {"a": 1}', '"$**": 1'),
    index('', '"a": "hashed"'),
    index('', '"a": "text"'),
    '{"collMod": "c", "validator": {"a": 1}}',
    '{"renameCollection": "c", "to": "d"}',
  ])('Cosmos DB does not run %s', (text) => {
    expect(lack(text, 'Cosmos DB', '4.2.0')).not.toBeNull()
    expect(lack(text, 'MongoDB', '4.4.0')).toBeNull()
  })

  it('is no partial index of Cosmos DB when it is unique', () => {
    const text = index(', "unique": true, "partialFilterExpression": {"a": 1}')
    expect(lack(text, 'Cosmos DB', '4.2.0')).toBeNull()
  })

  it('is a transaction over several collections in FerretDB and Cosmos DB', () => {
    const facts = { version: '4.2.0', number: 40_200, kind: 'replica set' } as const
    const having = ['MongoDB', 'DocumentDB', 'Amazon DocumentDB', ELASTIC, 'FerretDB', 'Cosmos DB'].filter(
      (product) => hasTransactions({ ...facts, product }),
    )
    expect(having).toEqual(['MongoDB', 'DocumentDB', 'Amazon DocumentDB'])
  })

  it.each([
    ['shop.cluster-c6xyz.eu-central-1.docdb.amazonaws.com', 'Amazon DocumentDB'],
    ['shop.cluster-c6xyz.docdb.cn-north-1.amazonaws.com.cn', 'Amazon DocumentDB'],
    ['shop-123456789012.eu-central-1.docdb-elastic.amazonaws.com', ELASTIC],
    ['shop.mongo.cosmos.azure.com', 'Cosmos DB'],
    ['shop.mongo.cosmos.azure.us', 'Cosmos DB'],
    ['SHOP.mongo.cosmos.azure.cn', 'Cosmos DB'],
    ['fc-1a2b.global.mongocluster.cosmos.azure.com', 'DocumentDB'],
    ['shop.a1b2c.mongodb.net', 'MongoDB'],
    ['docdb.amazonaws.com.example.com', 'MongoDB'],
  ])('a service that says it is MongoDB is known by its host: %s', (host, product) => {
    expect(productOf({ version: '5.0.0' }, ['127.0.0.1', host])).toBe(product)
  })

  it('is a collation of a whole collection where only indexes have one', () => {
    const text = '{"create": "c", "collation": {"locale": "de"}}'
    expect(lack(text, 'DocumentDB', '7.0.0')).toMatch(/^"collation"/)
    expect(lack(text, 'MongoDB', '4.4.0')).toBeNull()
    expect(lack(index(', "collation": {"locale": "de"}'), 'DocumentDB', '7.0.0')).toBeNull()
    expect(lack(index('', '"a.$**": 1, "b": 1'), 'DocumentDB', '7.0.0')).toMatch(/^"a\.\$\*\*"/)
  })

  it('is told at the operation where the command stands in code, which does not have its text', () => {
    const place = (file: string) => {
      const origin = { file, line: 5, column: 3, offset: 90 }
      const statements = parseStatements('{"create": "c", "capped": true, "size": 4096}', { origin })
      const server = { product: 'DocumentDB', version: '7.0.0', number: 70_000, kind: 'sharded' } as const
      try {
        fitOf(statements, false, server, 'shop')
      } catch (error) {
        return error instanceof MigrateError ? error.position : error
      }
      return null
    }
    expect(place('a.mongo')).toMatchObject({ line: 5, column: 19 })
    for (const ending of ['ts', 'mjs', 'cjs', 'js'])
      expect(place(`a.${ending}`)).toMatchObject({ line: 5, column: 3 })
  })

  it('is nothing where an option is off, where nothing is known, and of commands that all have', () => {
    expect(lack(index(', "hidden": false'), 'Cosmos DB', '4.2.0')).toBeNull()
    expect(lack('{"collMod": "c", "index": {"name": "n", "unique": true}}', 'MongoDB', '0.0.0')).toBeNull()
    expect(lack('{"shardCollection": "c"}', 'MongoDB', '8.0.0', 'sharded')).toBeNull()
    for (const product of ['MongoDB', 'DocumentDB', 'FerretDB', 'Amazon DocumentDB', 'Cosmos DB'])
      expect(lack(index(', "unique": true, "expireAfterSeconds": 5'), product, '4.4.0')).toBeNull()
  })
})

describeServers(['documentdb'], (server) => {
  it('DocumentDB itself refuses what its plans refuse', async () => {
    const database = await useDatabase(server)
    const client = new MongoClient(database.url)
    const db = client.db()
    try {
      await db.collection('c').insertOne({ n: 1 })
      await db.command({ createIndexes: 'c', indexes: [{ key: { n: 1 }, name: 'n' }] })
      for (const text of [
        index(', "hidden": true', '"h": 1'),
        index(', "prepareUnique": true', '"p": 1'),
        index(', "collation": {"locale": "de"}, "unique": true', '"u": 1'),
        index('', '"a.$**": 1, "b": 1'),
        '{"create": "d", "capped": true, "size": 4096}',
        '{"create": "d", "collation": {"locale": "de"}}',
        '{"create": "d", "timeseries": {"timeField": "t"}}',
        '{"create": "d", "clusteredIndex": {"key": {"_id": 1}, "unique": true}}',
        '{"create": "d", "changeStreamPreAndPostImages": {"enabled": true}}',
        '{"collMod": "c", "cappedSize": 8192}',
        '{"collMod": "c", "expireAfterSeconds": 60}',
        '{"bulkWrite": 1, "ops": [], "nsInfo": []}',
      ]) {
        expect([text, lack(text, 'DocumentDB', '7.0.0')]).not.toEqual([text, null])
        const said = await db.command(BSON.EJSON.parse(text) as Document).catch((error: unknown) => error)
        expect([text, said]).toEqual([text, expect.any(Error)])
      }
      // It has no way to know of an index whether it was built so.
      const inPlace = '{"collMod": "c", "index": {"name": "n", "prepareUnique": true}}'
      expect(lack(inPlace, 'DocumentDB', '7.0.0')).toBeNull()
      await expect(db.command(BSON.EJSON.parse(inPlace) as Document)).rejects.toThrow('buildAsUnique')
    } finally {
      await client.close()
      await database.drop()
    }
  })
})
