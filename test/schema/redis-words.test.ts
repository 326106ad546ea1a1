import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineProblem, commandLines, commandOf, quoteWord } from '../../src/schema/redis/words.js'

const valuesOf = (text: string): string[][] =>
  commandLines(text).map(({ words }) => words.map(({ value }) => value))

const problemOf = (text: string): { message: string; at: number } => {
  try {
    commandLines(text)
  } catch (error) {
    if (error instanceof LineProblem) return { message: error.message, at: error.offset }
    throw error
  }
  throw new Error('nothing was wrong with it')
}

describe('commands of Redis', () => {
  it('are lines of words', () => {
    expect(valuesOf('SET a 1\r\n\n  GET\ta  \nDEL "a b" \'c d\'')).toEqual([
      ['SET', 'a', '1'],
      ['GET', 'a'],
      ['DEL', 'a b', 'c d'],
    ])
  })

  it('have comments of three kinds, on lines of their own', () => {
    expect(valuesOf('# one\n  -- two\n// three\nSET a #no\nSET -- //\n')).toEqual([
      ['SET', 'a', '#no'],
      ['SET', '--', '//'],
    ])
  })

  it('have the escapes of redis-cli in double quotes, and one in single quotes', () => {
    expect(valuesOf(String.raw`SET "a\n\r\t\b\a\"\\\x41\q" 'it\'s \n'`)).toEqual([
      ['SET', 'a\n\r\t\b\u0007"\\Aq', String.raw`it's \n`],
    ])
  })

  it('hold bytes that are no text, each as a unit', () => {
    const [line] = commandLines(String.raw`SET "é\xff\x00" plain`)
    expect(line?.words[1]).toMatchObject({ value: '\u00c3\u00a9\u00ff\u0000', bytes: true })
    expect(line?.words[2]).toMatchObject({ bytes: false })
  })

  it('may have quotes that go on over lines, which end alike on every machine', () => {
    const code = "FUNCTION LOAD '#!lua name=x\nreturn 1\n'"
    expect(valuesOf(code)).toEqual([['FUNCTION', 'LOAD', '#!lua name=x\nreturn 1\n']])
    expect(valuesOf(code.replaceAll('\n', '\r\n'))).toEqual(valuesOf(code))
  })

  it.each([
    ['SET "a', 'The quote " that opens here is never closed.', 4],
    ["SET 'a\nGET b", "The quote ' that opens here is never closed.", 4],
    ['SET "a"b', 'A closing quote must be followed by a blank or the end of the line.', 7],
    ['SET a 1;', 'A command ends with its line: this ";" would be part of its last word.', 7],
    ['SET a\u0000 1', 'The text holds a NUL character outside quotes.', 5],
  ])('%j is refused at its place', (text, message, at) => {
    expect(problemOf(text)).toEqual({ message, at })
  })

  it('take a semicolon in quotes', () => {
    expect(valuesOf('SET a ";"')).toEqual([['SET', 'a', ';']])
  })

  it('that are written out read back as they were, whatever the words are', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (words) => {
        const given = ['SET', ...words]
        const text = commandOf(given)
        expect(text).not.toMatch(/[\r\n]/)
        expect(valuesOf(text)).toEqual([given])
      }),
    )
  })

  it('that hold bytes read back as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const value = String.fromCharCode(...bytes)
        const text = `SET ${quoteWord({ value, bytes: true })}`
        const word = commandLines(text)[0]?.words[1]
        // Bytes below 128 alone are a text.
        expect(word?.value).toBe(value)
        expect(word?.bytes).toBe(bytes.some((byte) => byte > 127))
      }),
    )
  })

  it('stand in the text where they say, whatever the text is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        let lines
        try {
          lines = commandLines(text)
        } catch (error) {
          expect(error).toBeInstanceOf(LineProblem)
          return
        }
        let end = 0
        for (const line of lines) {
          expect(line.offset).toBeGreaterThanOrEqual(end)
          expect(text.slice(line.offset, line.offset + line.text.length)).toBe(line.text)
          expect(commandLines(line.text)).toHaveLength(1)
          end = line.offset + line.text.length
        }
      }),
    )
  })
})
