import { afterEach, describe, expect, it } from 'vitest'
import { journalEntry } from '../../../src/testing/values.js'
import { describeRedis, failure, parsed, run } from './support.js'

describeRedis((place) => {
  describe('a script', () => {
    it('that stops in its midst may have done something: it stays in doubt', async () => {
      const session = await place.ready()
      const error = await failure(
        run(session, `EVAL "redis.call('SET', KEYS[1], 1) redis.call('LPUSH', KEYS[1], 1)" 1 a`),
      )
      expect(error).toMatchObject({ code: 'MIG-DATABASE', position: { line: 1 } })
      expect(error.message).toContain('eval may be half done')
      expect(await place.client.get('a')).toBe('1')
    })

    it('that is none is refused whole', async () => {
      const session = await place.ready()
      expect(await failure(run(session, 'EVAL "this is no Lua" 0'))).toMatchObject({
        code: 'MIG-STATEMENT-FAILED',
      })
      expect(await failure(run(session, 'FCALL nothing_of_this_name 0'))).toMatchObject({
        code: 'MIG-STATEMENT-FAILED',
      })
    })
  })

  describe('a library of functions', () => {
    const code = (value: number) =>
      `#!lua name=rg${place.database.name}\nredis.register_function('rg${place.database.name}', function() return ${value} end)`
    const command = (action: string, value: number) =>
      `REVGRAPH.FUNCTION ${action} "${code(value).replaceAll('\n', '\\n')}"`
    const value = () => place.client.fcall(`rg${place.database.name}`, 0)
    afterEach(async () => {
      await place.client.call('FUNCTION', 'DELETE', `rg${place.database.name}`).catch(() => undefined)
    })

    it('is put back as it was, one load after another', async () => {
      const session = await place.ready()
      await run(session, command('LOAD', 1))
      await run(session, command('LOAD', 2))
      expect(await value()).toBe(2)
      await run(session, command('UNLOAD', 2))
      expect(await value()).toBe(1)
      await run(session, command('UNLOAD', 1))
      await expect(value()).rejects.toThrow('Function not found')
      expect(await place.client.hlen('{migrate}:kept')).toBe(0)
    })

    it('is known to be loaded or not after a crash, and what it replaced is not forgotten', async () => {
      const session = await place.ready()
      await run(session, command('LOAD', 1))
      const second = parsed(command('LOAD', 2))
      expect(await session.observe?.(second, journalEntry('a', 0))).toBe('not-applied')
      await session.execute(second)
      expect(await session.observe?.(second, journalEntry('a', 0))).toBe('applied')
      await session.execute(second)
      await run(session, command('UNLOAD', 2))
      expect(await value()).toBe(1)
    })

    it('that is loaded a second time is put back once for each time', async () => {
      const session = await place.ready()
      for (const number of [1, 2, 1]) await run(session, command('LOAD', number))
      await run(session, command('UNLOAD', 1))
      expect(await value()).toBe(2)
      await run(session, command('UNLOAD', 2))
      expect(await value()).toBe(1)
      await run(session, command('UNLOAD', 1))
      await expect(value()).rejects.toThrow('Function not found')
      expect(await place.client.hlen('{migrate}:kept')).toBe(0)
    })

    it('that somebody has changed since is left alone', async () => {
      const session = await place.ready()
      await run(session, command('LOAD', 1))
      await place.client.call('FUNCTION', 'LOAD', 'REPLACE', code(7))
      const error = await failure(run(session, command('UNLOAD', 1)))
      expect(error.message).toContain('somebody has changed it since')
      expect(await value()).toBe(7)
    })
  })
})
