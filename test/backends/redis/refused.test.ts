import { describe, expect, it } from 'vitest'
import { redis } from '../../../src/backends/redis/index.js'
import { MigrateError } from '../../../src/core/errors.js'
import { parsed } from './support.js'

describe('commands that are refused', () => {
  it.each([
    ['KEYS *', 'KEYS'],
    ['flushall', 'FLUSHALL'],
    ['MULTI', 'MULTI'],
    ['SELECT 3', 'SELECT'],
    ['SUBSCRIBE news', 'SUBSCRIBE'],
    ['BLPOP queue 0', 'BLPOP'],
    ['XREAD BLOCK 0 STREAMS s 0', 'XREAD'],
    ['SCAN 0', 'SCAN'],
    ['SHUTDOWN', 'SHUTDOWN'],
  ])('%s: before anything runs, with what to write instead', (text, name) => {
    try {
      redis.parse(`SET a 1\n${text}\n`, { origin: { file: 'a.redis', line: 5, column: 1, offset: 0 } })
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(MigrateError)
      const { code, message, hint, position } = error as MigrateError
      expect(code).toBe('MIG-COMMAND-REFUSED')
      expect(message.startsWith(`${name} is not run by revgraph.`)).toBe(true)
      expect(hint).toMatch(/\S/)
      expect(position).toMatchObject({ file: 'a.redis', line: 6, column: 1 })
    }
  })

  it('knows what loses data', () => {
    const losing = (text: string) => parsed(text).losesData
    expect(
      [
        'DEL a',
        'REVGRAPH.KEYS a* DELETE',
        'REVGRAPH.KEYS a* RENAME b* REPLACE',
        'XGROUP DESTROY s g',
        'FT.DROPINDEX i DD',
      ].every(losing),
    ).toBe(true)
    expect(['SET a 1', 'REVGRAPH.KEYS a* RENAME b*', 'FT.DROPINDEX i'].some(losing)).toBe(false)
  })
})
