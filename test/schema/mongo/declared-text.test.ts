import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseDeclaredText } from '../../../src/schema/mongo/declared-text.js'

/** Names and texts with all that a reader might stumble over. */
const word = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom(
    'a',
    'b',
    '"',
    '":',
    '": ',
    '\\',
    '$date',
    '$',
    'ä',
    '😀',
    '1',
    '__proto__',
    ' :',
    '//',
    '/*',
  ),
)

const { document } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(word, fc.boolean(), fc.constant(null), fc.integer(), fc.double({ noNaN: true })),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('document'),
  ),
  document: fc
    .array(fc.tuple(word, tie('value')), { maxLength: 4 })
    .map((fields) => Object.fromEntries(fields.map(([name, value]) => [name, value]))),
}))

const outcomeOf = (text: string): unknown => {
  try {
    return { value: parseDeclaredText(text).value }
  } catch (error) {
    return String(error)
  }
}

test('a declared set reads the same whether or not a comment has it read by our own reader', () => {
  fc.assert(
    fc.property(document, fc.constantFrom(undefined, 2, '\t'), (value, space) => {
      const text = JSON.stringify(value, null, space)
      expect(outcomeOf(text)).toEqual(outcomeOf(`${text} // by our own`))
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ['a name that is there twice', '{"a": 1, "b": {"c": 1, "c": 2}}', 'The field "c" is there twice.'],
  ['one of them with blanks before its colon', '{"a" \n: 1, "a": 2}', 'The field "a" is there twice.'],
  ['one beside a text that looks like a name', '{"a": "\\":", "a": 2}', 'The field "a" is there twice.'],
  [
    'more levels than servers take',
    `{"a": ${'['.repeat(300)}${']'.repeat(300)}}`,
    'There are more than 200 levels',
  ],
  ['a list', '[{"a": 1}]', 'What is declared is a document'],
  ['half of a character', '{"a": "\\ud800"}', 'This text holds one half of a character'],
  ['no value of extended JSON', '{"a": {"$date": 5.5}}', 'A date is a text, or milliseconds'],
])('%s is refused in plain JSON too', (_, text, message) => {
  expect(() => parseDeclaredText(text)).toThrow(message)
})

test('a number of more than 53 bits keeps its digits', () => {
  expect(parseDeclaredText('{"a": 9007199254740993, "b": 1.0, "c": 2.5}').value).toEqual({
    a: 9_007_199_254_740_993n,
    b: 1,
    c: 2.5,
  })
})

test('the place of a part is found though it was read by another reader', () => {
  const text = '{"collections": {"users": {"indexes": [{"key": {"a": 1}}]}}}'
  const declared = parseDeclaredText(text)
  expect(declared.offsetOf(['collections', 'users', 'indexes', 0, 'key'])).toBe(text.indexOf('"key"'))
})
