import fc from 'fast-check'
import { BSON } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { bsonOf } from '../../src/backends/mongo/values.js'
import { CommandProblem, commandsOf } from '../../src/schema/mongo/commands.js'
import { toEjson } from '../../src/schema/mongo/ejson.js'
import type { JsonObject } from '../../src/schema/mongo/json.js'

const { EJSON } = BSON

/** What the server is sent for a value in a text, with the types of everything in it. */
function sent(text: string): Uint8Array {
  return BSON.serialize(bsonOf(commandIn(text), BSON, 'exact') as object)
}

function commandIn(text: string): JsonObject {
  const [command] = commandsOf(`{"x": ${text}}`)
  if (command === undefined) throw new Error('no command')
  return command.node
}

/** In extended JSON's canonical form, which has the type of each. */
const canonical = (text: string): string =>
  EJSON.stringify(BSON.deserialize(sent(text), { promoteValues: false, bsonRegExp: true }), {
    relaxed: false,
  }).slice('{"x":'.length, -1)

describe('a value of a command', () => {
  it.each([
    ['1', '{"$numberInt":"1"}'],
    ['-2147483648', '{"$numberInt":"-2147483648"}'],
    ['2147483648', '{"$numberLong":"2147483648"}'],
    ['9007199254740993', '{"$numberLong":"9007199254740993"}'],
    ['-9223372036854775808', '{"$numberLong":"-9223372036854775808"}'],
    ['9223372036854775808', '{"$numberDouble":"9223372036854775808.0"}'],
    ['1.0', '{"$numberDouble":"1.0"}'],
    ['1e3', '{"$numberDouble":"1000.0"}'],
    ['-0', '{"$numberDouble":"-0.0"}'],
    ['{"$numberDouble": "-Infinity"}', '{"$numberDouble":"-Infinity"}'],
    ['{"$date": "2026-02-28T23:59:59.5+01:30"}', '{"$date":{"$numberLong":"1772317799500"}}'],
    ['{"$date": "2026-02-28"}', '{"$date":{"$numberLong":"1772236800000"}}'],
    ['{"$date": 5}', '{"$date":{"$numberLong":"5"}}'],
    ['{"$date": {"$numberLong": "-5"}}', '{"$date":{"$numberLong":"-5"}}'],
    ['{"$oid": "0123456789ABCDEF01234567"}', '{"$oid":"0123456789abcdef01234567"}'],
    [
      '{"$uuid": "01234567-89ab-4cde-8f01-23456789abcd"}',
      '{"$binary":{"base64":"ASNFZ4mrTN6PASNFZ4mrzQ==","subType":"04"}}',
    ],
    ['{"$binary": "AAE=", "$type": "0"}', '{"$binary":{"base64":"AAE=","subType":"00"}}'],
    ['{"$options": "mi", "$regex": "^a"}', '{"$regularExpression":{"pattern":"^a","options":"im"}}'],
    ['{"$regex": "^a", "$ne": "ab"}', '{"$regex":"^a","$ne":"ab"}'],
    ['{"$ref": "users", "$id": {"$minKey": 1}}', '{"$ref":"users","$id":{"$minKey":1}}'],
    [
      '{"$code": "x", "$scope": {"10": 1, "x": 1}}',
      '{"$code":"x","$scope":{"10":{"$numberInt":"1"},"x":{"$numberInt":"1"}}}',
    ],
    ['{"__proto__": {"a": null}}', '{"__proto__":{"a":null}}'],
  ])('is what extended JSON says: %s', (text, expected) => {
    expect(canonical(text)).toBe(expected)
  })

  it('keeps the order of its fields, whole numbers among them', () => {
    const bytes = Buffer.from(sent('{"b": 1, "1": -1, "a": 1, "0": {"2": 1, "1": 1}}')).toString('latin1')
    const order = ['b', '1', 'a', '0', '2', '1'].map((name) => `\u0010${name}\0`)
    const expected = order.map((one, at) => (at === 3 ? '\u00030\0' : one))
    let from = 0
    for (const one of expected) {
      const at = bytes.indexOf(one, from)
      expect(at).toBeGreaterThanOrEqual(from)
      from = at + one.length
    }
  })

  it.each([
    ['{"$oid": "0123"}', '"0123"'],
    ['{"$oid": 5}', '5'],
    ['{"$oid": "0123456789abcdef01234567", "a": 1}', '"a"'],
    ['{"$date": "2026-02-30T00:00:00Z"}', '"2026-02'],
    ['{"$date": "2026-02-03T00:00:00"}', '"2026-02'],
    ['{"$date": "2026-02-03T24:00:00Z"}', '"2026-02'],
    ['{"$date": "2026-02-03T01:00:00.1234Z"}', '"2026-02'],
    ['{"$date": "yesterday"}', '"yesterday"'],
    ['{"$date": {"$numberLong": "9223372036854775807"}}', '{"$numberLong"'],
    ['{"$date": 1.5}', '1.5'],
    ['{"$numberInt": "2147483648"}', '"2147483648"'],
    ['{"$numberInt": 1}', '1'],
    ['{"$numberLong": "9223372036854775808"}', '"9223372036854775808"'],
    ['{"$numberLong": "1.0"}', '"1.0"'],
    ['{"$numberDouble": "one"}', '"one"'],
    ['{"$numberDouble": "1e999"}', '"1e999"'],
    ['{"$numberDecimal": "1.2.3"}', '"1.2.3"'],
    ['{"$numberDecimal": "12345678901234567890123456789012345"}', '"1234'],
    ['{"$numberDecimal": "1e6145"}', '"1e6145"'],
    ['{"$binary": {"base64": "AAE", "subType": "00"}}', '"AAE"'],
    ['{"$binary": {"base64": "AAE=", "subType": "xx"}}', '"xx"'],
    ['{"$binary": {"base64": "AAE="}}', '{"base64"'],
    ['{"$uuid": "0123"}', '"0123"'],
    ['{"$timestamp": {"t": -1, "i": 1}}', '-1'],
    ['{"$regularExpression": {"pattern": "a", "options": "ii"}}', '"ii"'],
    ['{"$regex": "a", "$options": "g"}', '"g"'],
    ['{"$code": 1}', '1'],
    ['{"$code": "x", "$scope": 1}', '1}'],
    ['{"$minKey": 2}', '2'],
    ['{"$undefined": true}', '{"$undefined"'],
    ['{"$dbPointer": {"$ref": "a", "$id": {"$oid": "0123456789abcdef01234567"}}}', '{"$dbPointer"'],
  ])('that is none is refused at its place: %s', (value, place) => {
    const text = `{"insert": "a", "documents": [{"x": ${value}}]}`
    const offset = text.indexOf(place, text.indexOf(value))
    expect(() => commandsOf(text)).toThrow(CommandProblem)
    expect(() => commandsOf(text)).toThrow(expect.objectContaining({ offset }) as Error)
  })

  const bigint64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const scalar = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.boolean(),
    fc.constant(null),
    fc.integer().map((value) => new BSON.Int32(value)),
    fc.double().map((value) => new BSON.Double(value)),
    bigint64.map((value) => BSON.Long.fromBigInt(value)),
    fc
      .tuple(
        fc.bigInt({ min: -(10n ** 34n) + 1n, max: 10n ** 34n - 1n }),
        fc.integer({ min: -6176, max: 6111 }),
      )
      .map(([digits, exponent]) => BSON.Decimal128.fromString(`${digits}e${exponent}`)),
    fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new BSON.ObjectId(bytes)),
    fc.date({ noInvalidDate: true }),
    fc
      .tuple(fc.uint8Array(), fc.constantFrom(0, 1, 5, 128))
      .map(([bytes, subType]) => new BSON.Binary(bytes, subType)),
    fc.uuid().map((text) => new BSON.UUID(text)),
    fc
      .tuple(fc.string(), fc.subarray(['i', 'l', 'm', 's', 'u', 'x']))
      .map(([pattern, options]) => new BSON.BSONRegExp(pattern, options.join(''))),
    fc.tuple(fc.nat(), fc.nat()).map(([t, i]) => new BSON.Timestamp({ t, i })),
    fc.string().map((text) => new BSON.Code(text)),
    fc.string().map((text) => new BSON.BSONSymbol(text)),
    fc.constantFrom(new BSON.MinKey(), new BSON.MaxKey()),
  )
  const name = fc.string({ unit: 'binary' }).filter((text) => !text.startsWith('$') && !text.includes('\0'))
  const document = fc.letrec((tie) => ({
    any: fc.oneof({ depthSize: 'small' }, scalar, tie('object'), fc.array(tie('any'), { maxLength: 4 })),
    object: fc.dictionary(name, tie('any'), { maxKeys: 5, noNullPrototype: true }),
  })).object

  it('is the same bytes again when it was written in the canonical form', () => {
    fc.assert(
      fc.property(document, (value) => {
        const text = EJSON.stringify(value, { relaxed: false })
        expect(Buffer.from(sent(text))).toEqual(Buffer.from(BSON.serialize({ x: value })))
      }),
    )
  })

  it('is written by operations so that it comes back as the same bytes', () => {
    fc.assert(
      fc.property(document, (value) => {
        expect(Buffer.from(sent(toEjson(value)))).toEqual(Buffer.from(BSON.serialize({ x: value })))
      }),
    )
  })

  it('says what JSON says, where that has a word for it', () => {
    const plain = (text: string): unknown => {
      const read = bsonOf(commandIn(text), BSON, 'plain')
      return JSON.parse(toEjson((read as { x: unknown }).x))
    }
    const text = fc
      .jsonValue({ stringUnit: 'binary' })
      .map((value) => JSON.stringify(value))
      .filter((json) => !/"(?:[^"\\]|\\.)*(?:\\u0000|\$)/.test(json) && !/-0|\d{16}/.test(json))
    fc.assert(
      fc.property(text, (json) => {
        expect(plain(json)).toEqual(JSON.parse(json))
      }),
    )
  })

  it('is never met with anything but a value or a refusal at a place within the text', () => {
    const piece = fc.constantFrom(
      ...['{', '}', '[', ']', '"', ':', ',', '$date', '$oid', '$numberLong', '$binary', '$code', '$scope'],
      ...['"a"', '1', '-', '1.5e', 'true', '//', '/*', '*/', '--', '\\', '\n', ' ', '$regex', '$options'],
      ...['{"$date":', '{"$timestamp":', '"t":', '{"$numberDecimal":"', '"}', 'é', '\ud800'],
    )
    const text = fc.oneof(
      fc.array(piece, { maxLength: 30 }).map((all) => `{"a":${all.join('')}`),
      fc.string(),
    )
    fc.assert(
      fc.property(text, (input) => {
        try {
          for (const { node } of commandsOf(input)) BSON.serialize(bsonOf(node, BSON, 'exact') as object)
        } catch (error) {
          expect(error).toBeInstanceOf(CommandProblem)
          expect((error as CommandProblem).offset).toBeLessThanOrEqual(input.length)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('is a decimal for all that the driver makes one of, and no other', () => {
    const digits = fc.string({ unit: fc.nat({ max: 9 }).map(String), maxLength: 40 })
    const text = fc
      .tuple(
        fc.constantFrom('', '-', '+'),
        digits,
        fc.option(digits),
        fc.option(fc.integer({ min: -6300, max: 6300 })),
      )
      .map(([sign, whole, part, exponent]) =>
        [sign, whole, part === null ? '' : `.${part}`, exponent === null ? '' : `e${exponent}`].join(''),
      )
      .filter((one) => /\d/.test(one.split('e')[0] ?? ''))
    fc.assert(
      fc.property(text, (one) => {
        let ours = true
        try {
          commandsOf(`{"x": {"$numberDecimal": "${one}"}}`)
        } catch {
          ours = false
        }
        let theirs = true
        try {
          BSON.Decimal128.fromString(one)
        } catch {
          theirs = false
        }
        if (ours) expect(theirs, one).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })
})
