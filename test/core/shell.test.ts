import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shellWord } from '../../src/core/shell.js'

describe('a word for a shell', () => {
  it.each(['head', 'auth@head', 'a1b2^', 'v1.0', '+2', 'a:b', '/tmp/x'])(
    'stays bare where it is safe: %s',
    (word) => {
      expect(shellWord(word)).toBe(word)
    },
  )

  it('comes back as it was, whatever it holds', () => {
    const word = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''))
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
        const script = `printf '%s\\0' ${words.map(shellWord).join(' ')}`
        const said = execFileSync('sh', ['-c', script])
        expect(said).toEqual(Buffer.from(words.map((one) => `${one}\0`).join('')))
      }),
      { numRuns: 50 },
    )
  })
})
