import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CommandProblem, commandsOf } from '../../src/schema/mongo/commands.js'
import { comparableIndex, sameIndex, signatureOf } from '../../src/schema/mongo/normalise.js'

describe('a text of commands', () => {
  it('is read command by command, with comments and semicolons between and within', () => {
    const text = `// first
{"create": "a"};
-- second
{ "insert": "a", /* two */ "documents": [{"x": "// { no comment; \\" }"}] } {"ping": 1}`
    expect(commandsOf(text).map(({ plain, offset }) => [plain, offset])).toEqual([
      ['{"create":"a"}', 9],
      ['{"insert":"a","documents":[{"x":"// { no comment; \\" }"}]}', text.indexOf('{ "insert')],
      ['{"ping":1}', text.indexOf('{"ping')],
    ])
  })

  it.each([
    ['{"create": "a"', 0],
    [' x', 1],
    ['[1]', 0],
    ['{}', 0],
    ['{"a": 1} }', 9],
    ["{'a': 1}", 1],
    ['{"a": "x}', 6],
    ['{"a": [10 20]}', 10],
    ['{"a": [1, 2 /* and */ 3]}', 22],
    ['{"a": 1 -5}', 8],
    ['{"a": tr ue}', 6],
    ['{"a": 1, "b": 2, "a": 3}', 17],
    ['{"a": 1,}', 8],
    ['{"a": [1,]}', 9],
    ['{"a" 1}', 5],
    ['{"a": 01}', 6],
    ['{"a": .5}', 6],
    ['{"a": 1.}', 6],
    ['{"a": NaN}', 6],
    ['{"a": 1e999}', 6],
    ['{"a": "\\x"}', 7],
    ['{"a": "\\u12g4"}', 7],
    ['{"a": "\\ud800"}', 6],
    ['{"a": "x\ny"}', 8],
    ['{"a\\u0000b": 1}', 1],
    ['{"a": {"b": 1, "b": 1}}', 15],
    ['{"a": 1, "1": 2}', 9],
    ['{"a": 1} /* x', 9],
  ])('that is broken is refused at its place: %s', (text, offset) => {
    expect(() => commandsOf(text)).toThrow(CommandProblem)
    expect(() => commandsOf(text)).toThrow(expect.objectContaining({ offset }) as Error)
  })

  it.each([
    ['{"a": 1,}', 'Before this } stands a comma, and nothing behind it.', 'Leave the comma out.'],
    ['{"a": [1, /* no */ ]}', 'Before this ] stands a comma, and nothing behind it.', 'Leave the comma out.'],
    ['{"a": 1}, {"b": 1}', 'No comma stands between commands.', 'Leave it out.'],
    ['{"a": ObjectId("x")}', 'A value is expected here, and ObjectId( is none.', '{"$oid": '],
    ['{"a": ISODate("x")}', 'A value is expected here, and ISODate( is none.', '{"$date": '],
    [
      '{"a": -Infinity}',
      'A value is expected here, and -Infinity is none.',
      '{"$numberDouble": "-Infinity"}',
    ],
    ['{"a": /^x/}', 'A value is expected here, and / is none.', '{"$regularExpression": '],
    ['{"a": something}', 'A value is expected here, and something is none.', 'double quotes'],
  ])('that is broken comes with what to do: %s', (text, message, hint) => {
    expect(() => commandsOf(text)).toThrow(
      expect.objectContaining({ message, hint: expect.stringContaining(hint) as string }) as Error,
    )
  })

  it('holds what was written into it, whatever the blanks and comments', () => {
    const command = fc
      .tuple(
        fc.string({ minLength: 1 }).filter((name) => !/^\d+$/.test(name)),
        fc.jsonValue(),
      )
      .map(([name, value]) => ({ [name]: value }))
      .filter((document) => !('__proto__' in document) || Object.keys(document).length > 0)
    const between = fc.constantFrom('', '\n', ' ; ', '// c {\n', '/* { */', '-- x "\n')
    fc.assert(
      fc.property(fc.array(fc.tuple(command, between)), (pieces) => {
        const text = pieces.map(([document, gap]) => `${JSON.stringify(document, null, 1)}${gap}`).join('\n')
        const found = commandsOf(text)
        expect(found.map(({ plain }) => plain)).toEqual(pieces.map(([document]) => JSON.stringify(document)))
        for (const one of found) expect(text.slice(one.offset, one.offset + one.text.length)).toBe(one.text)
      }),
    )
  })

  it('is read in linear time', () => {
    expect(() => commandsOf('{'.repeat(200_000))).toThrow(CommandProblem)
    expect(() => commandsOf(`{"a":${'['.repeat(200_000)}`)).toThrow(CommandProblem)
    for (const much of ['0', '9', '\\n', 'é', '--', '$'].map((text) => text.repeat(100_000))) {
      expect(commandsOf(`{"a": "${much}"}`)).toHaveLength(1)
      const wrong = [`{"a": ${much}`, `{"${much}": {"$date": "${much}"}}`, `{"a": {"$oid": "${much}"}}`]
      const others = ['$numberLong', '$numberDouble', '$numberDecimal', '$uuid', '$binary'].map(
        (form) => `{"a": {"${form}": "${much}"}}`,
      )
      for (const text of [...wrong, ...others]) {
        try {
          commandsOf(text)
        } catch (error) {
          expect(error).toBeInstanceOf(CommandProblem)
        }
      }
    }
    const many = Array.from({ length: 100_000 }, (_, at) => `"f${at}": {"${at}": ${at}}`).join(', ')
    expect(commandsOf(`{${many}}`)[0]?.node.fields).toHaveLength(100_000)
    expect(() => commandsOf('/*'.repeat(50_000))).toThrow(CommandProblem)
  })
})

describe('an index', () => {
  const present = { v: 2, key: { email: 1 }, name: 'email_1', background: true }

  it('is the same whatever the server adds', () => {
    expect(sameIndex(present, { key: { email: 1 }, name: 'email_1', unique: false })).toBe(true)
    expect(sameIndex(present, { key: { email: 1 }, name: 'email_1', hidden: true })).toBe(false)
    expect(sameIndex(present, { key: { email: -1 }, name: 'email_1' })).toBe(false)
    const german = { key: { a: 1 }, name: 'a', collation: { locale: 'de' } }
    const filled = { ...german, collation: { locale: 'de', strength: 3, caseLevel: false, version: '57.1' } }
    expect(sameIndex(german, filled)).toBe(true)
    const text = { key: { _fts: 'text', _ftsx: 1 }, name: 't', weights: { a: 1, b: 2 }, textIndexVersion: 3 }
    expect(comparableIndex(text)).toEqual({ name: 't', key: { _fts: 'text' }, weights: { a: 1, b: 2 } })
    expect(sameIndex(text, { key: { a: 'text', b: 'text' }, name: 't', weights: { b: 2 } })).toBe(true)
  })

  it('has a signature: its keys in their order and what makes it another index, not its name and settings', () => {
    const signature = signatureOf(present)
    expect(signatureOf({ key: { email: 1 }, name: 'other', expireAfterSeconds: 5, hidden: true })).toBe(
      signature,
    )
    const others = [
      { unique: true },
      { sparse: true },
      { partialFilterExpression: { a: 1 } },
      { key: { email: -1 } },
    ]
    for (const other of others) expect(signatureOf({ ...present, ...other })).not.toBe(signature)
    expect(signatureOf({ key: { a: 1, b: 1 } })).not.toBe(signatureOf({ key: { b: 1, a: 1 } }))
  })
})
