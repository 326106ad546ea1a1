import { afterEach, describe, expect, it } from 'vitest'
import { createMigrator, defineRevision } from '../../../src/index.js'
import { MigrateError } from '../../../src/core/errors.js'
import { journalEntry } from '../../../src/testing/values.js'
import { asSearch, type AsSearch, type AsSearchOptions } from '../../servers/as-search.js'
import { connectTo, describeRedis, failure, parsed } from './support.js'

// None of the servers has the search module: what stands before them has its documented answers.
// https://redis.io/docs/latest/commands/ft.info/ and the module's own words for its errors.

const BY_NAME = ['ON', 'HASH', 'PREFIX', '1', 'product:', 'SCHEMA', 'name', 'TEXT']
const BY_PRICE = [...BY_NAME, 'price', 'NUMERIC', 'SORTABLE']
const BUILD = `REVGRAPH.SEARCHINDEX products BUILD products_v2 ${BY_PRICE.join(' ')}`

const first = defineRevision({
  id: 'aaaa00000001',
  change(op) {
    op.redis.searchIndex('products').build('products_v1', BY_NAME)
  },
})
const second = defineRevision({
  id: 'bbbb00000002',
  parents: ['aaaa00000001'],
  change(op) {
    op.redis.searchIndex('products').build('products_v2', BY_PRICE)
  },
})
const third = defineRevision({
  id: 'cccc00000003',
  parents: ['bbbb00000002'],
  change(op) {
    op.redis.searchIndex('products').drop('products_v1', { was: BY_NAME })
  },
})
const REVISIONS = [first, second, third]

describeRedis((place) => {
  const opened: AsSearch[] = []
  afterEach(async () => {
    for (const wire of opened.splice(0)) await wire.close()
  })
  const stage = async (options: AsSearchOptions = {}) => {
    const wire = await asSearch(place.database.url, options)
    opened.push(wire)
    const migrator = (revisions = REVISIONS) => createMigrator({ url: wire.url, revisions })
    return { wire, migrator }
  }
  const kept = () => place.client.hlen('{migrate}:kept')

  describe('a search index', () => {
    it('that this server has no module for is refused in the plan, and nothing is run', async () => {
      const before = defineRevision({ id: '000000000001', up: 'SET a 1' })
      const build = (up: string) => defineRevision({ id: '000000000002', parents: ['000000000001'], up })
      for (const up of [BUILD, 'FT.CREATE products SCHEMA name TEXT']) {
        const migrator = createMigrator({ url: place.database.url, revisions: [before, build(up)] })
        for (const work of [() => migrator.upgrade('head', { plan: true }), () => migrator.upgrade('head')]) {
          const error = await failure(work())
          expect([error.code, error.message, error.state]).toEqual([
            'MIG-UNSUPPORTED',
            expect.stringMatching(
              /^(Redis|Valkey) [\d.]+ has no FT\.CREATE: the search module is not loaded here\.$/,
            ),
            'Nothing was run.',
          ])
          expect(error.position).toMatchObject({ line: 1 })
        }
      }
      expect(await place.client.exists('a')).toBe(0)
    })

    it('at the wire, not the search module: is built beside, waited for, and then has the alias; and all of it back', async () => {
      const { wire, migrator } = await stage({ builds: 3 })
      const moved: string[] = []
      wire.onCommand((line) => {
        if (!line.startsWith('FT.ALIASUPDATE')) return
        const [, , index = ''] = line.split(' ')
        moved.push(`${line}, ${String(wire.indexes.get(index)?.left)} left`)
      })
      expect((await migrator().upgrade('head')).ok).toBe(true)
      expect(moved).toEqual([
        'FT.ALIASUPDATE products products_v1, 0 left',
        'FT.ALIASUPDATE products products_v2, 0 left',
      ])
      expect([...wire.indexes.keys()]).toEqual(['products_v2'])
      expect(wire.indexes.get('products_v2')?.definition).toEqual(BY_PRICE)
      // Documents are never dropped with an index.
      expect(wire.seen.filter((line) => line.startsWith('FT.DROPINDEX'))).toEqual([
        'FT.DROPINDEX products_v1',
      ])

      await migrator().downgrade('aaaa00000001')
      expect([...wire.indexes]).toMatchObject([['products_v1', { definition: BY_NAME, left: 0 }]])
      expect([...wire.aliases]).toEqual([['products', 'products_v1']])
      await migrator([]).downgrade('base')
      expect([wire.indexes.size, wire.aliases.size, await kept()]).toEqual([0, 0, 0])
      expect((await migrator().upgrade('head')).ok).toBe(true)
      expect([...wire.aliases]).toEqual([['products', 'products_v2']])
    })

    it.each(['FT.CREATE', 'FT.ALIASUPDATE'])(
      'at the wire, not the search module: is gone on with where a run lost its server after %s',
      async (name) => {
        const { wire, migrator } = await stage()
        await migrator([first]).upgrade('head')
        wire.cutAfter(name)
        await expect(migrator().upgrade('bbbb00000002')).rejects.toBeInstanceOf(MigrateError)
        expect((await migrator().current()).unfinished).toHaveLength(1)
        expect((await migrator().upgrade('bbbb00000002')).ok).toBe(true)
        expect([...wire.aliases]).toEqual([['products', 'products_v2']])
        expect(wire.seen.filter((line) => line.startsWith('FT.CREATE products_v2'))).toHaveLength(1)
        expect((await migrator().downgrade('aaaa00000001')).ok).toBe(true)
        expect([...wire.aliases]).toEqual([['products', 'products_v1']])
      },
    )

    it.each(['FT.ALIASUPDATE', 'FT.DROPINDEX'])(
      'at the wire, not the search module: is taken back where a run lost its server after %s',
      async (name) => {
        const { wire, migrator } = await stage()
        await migrator().upgrade('bbbb00000002')
        wire.cutAfter(name)
        await expect(migrator().downgrade('aaaa00000001')).rejects.toBeInstanceOf(MigrateError)
        expect((await migrator().downgrade('aaaa00000001')).ok).toBe(true)
        expect([...wire.indexes.keys()]).toEqual(['products_v1'])
        expect([...wire.aliases]).toEqual([['products', 'products_v1']])
      },
    )

    it('at the wire, not the search module: is waited for again after an interrupt, and not made twice', async () => {
      const { wire } = await stage({ builds: 1_000_000 })
      const session = await connectTo(wire.url)
      await session.metadata.ensure()
      wire.onCommand((line) => {
        if (line === 'FT.INFO products_v2' && wire.indexes.has('products_v2')) void session.cancel()
      })
      const error = await failure(session.execute(parsed(BUILD)))
      expect([error.code, error.message]).toEqual([
        'MIG-INTERRUPTED',
        'Interrupted while products_v2 was built.',
      ])
      expect(wire.aliases.size).toBe(0)
      await session.close()

      const building = wire.indexes.get('products_v2')
      if (building !== undefined) building.left = 1
      const next = await connectTo(wire.url)
      expect(await next.observe?.(parsed(BUILD), journalEntry('a', 0))).toBe('not-applied')
      await next.execute(parsed(BUILD))
      expect(await next.observe?.(parsed(BUILD), journalEntry('a', 0))).toBe('applied')
      expect([...wire.aliases]).toEqual([['products', 'products_v2']])
      expect(wire.seen.filter((line) => line.startsWith('FT.CREATE'))).toHaveLength(1)
      await next.close()
    })

    it('at the wire, not the search module: of another is left alone, and so is an alias that is an index', async () => {
      const { wire, migrator } = await stage()
      const own = await stage()
      const session = await connectTo(wire.url)
      await session.execute(parsed('FT.CREATE products_v2 SCHEMA a TEXT'))
      expect(await session.foresee?.(parsed(BUILD))).toBe(
        'it is refused. There is an index products_v2 already.',
      )
      await migrator([first]).upgrade('head')
      expect(await failure(migrator().upgrade('bbbb00000002'))).toMatchObject({
        code: 'MIG-STATEMENT-FAILED',
        message: 'There is an index products_v2 already.',
        state: expect.stringContaining('No index was made.') as string,
      })
      expect([...wire.aliases]).toEqual([['products', 'products_v1']])
      await session.execute(parsed('FT.DROPINDEX products_v2'))
      expect(await session.foresee?.(parsed(BUILD))).toBe('products is products_v1 now')
      expect((await migrator().upgrade('bbbb00000002')).ok).toBe(true)
      await session.close()

      const other = await connectTo(own.wire.url)
      await other.execute(parsed('FT.CREATE products SCHEMA a TEXT'))
      expect((await failure(other.execute(parsed(BUILD)))).message).toBe(
        'products is an index, and no alias can have the name of one.',
      )
      await other.close()
    })

    it('at the wire, not the search module: that has the alias is not dropped, nor taken back once somebody has moved it', async () => {
      const { wire, migrator } = await stage()
      await migrator().upgrade('bbbb00000002')
      const session = await connectTo(wire.url)
      const drop = 'REVGRAPH.SEARCHINDEX products DROP products_v2'
      expect(await session.foresee?.(parsed(drop))).toBe('it is refused, for products is products_v2')
      expect((await failure(session.execute(parsed(drop)))).message).toBe(
        'products is products_v2, and searches by this name would fail.',
      )
      await session.execute(parsed('FT.CREATE mine SCHEMA a TEXT'))
      await session.execute(parsed('FT.ALIASUPDATE products mine'))
      expect((await failure(migrator().downgrade('aaaa00000001'))).message).toBe(
        'products is neither products_v2 nor what was before it, but mine: somebody has moved it since.',
      )
      expect([...wire.aliases]).toEqual([['products', 'mine']])
      expect([...wire.indexes.keys()]).toEqual(['products_v1', 'products_v2', 'mine'])
      await session.close()
    })

    it('at the wire, not the search module: that the server gives up does not get the alias', async () => {
      const { wire, migrator } = await stage({ status: 'OOM failure' })
      const error = await failure(migrator([first]).upgrade('head'))
      expect(error.message).toBe('The server has given up building products_v1: OOM failure.')
      expect(wire.aliases.size).toBe(0)
    })

    it('at the wire, not the search module: whose definition is refused is told in the server’s words, and leaves no doubt', async () => {
      const { migrator } = await stage()
      const wrong = defineRevision({ id: 'aaaa00000001', up: 'FT.CREATE products_v1 ON HASH' })
      const error = await failure(migrator([wrong]).upgrade('head'))
      expect(error.code).toBe('MIG-STATEMENT-FAILED')
      expect(error.message).toContain('No schema found')
      expect((await migrator([wrong]).current()).unfinished).toMatchObject([
        { stoppedAt: { state: 'failed' } },
      ])
    })

    it('at the wire, not the search module: of valkey-search, which has no aliases, is created and dropped, and not built', async () => {
      const { wire, migrator } = await stage({ module: 'valkey-search' })
      expect(await failure(migrator().upgrade('head'))).toMatchObject({
        code: 'MIG-UNSUPPORTED',
        message: expect.stringMatching(
          /^(Redis|Valkey) [\d.]+ has search indexes and no aliases of them \(FT\.ALIASUPDATE\)\.$/,
        ) as string,
        state: 'Nothing was run.',
      })
      expect(wire.indexes.size).toBe(0)
      const plain = defineRevision({
        id: 'aaaa00000001',
        change: (op) => op.redis.searchIndex('products').create('products_v1', BY_NAME),
      })
      expect((await migrator([plain]).upgrade('head')).ok).toBe(true)
      expect([...wire.indexes]).toMatchObject([['products_v1', { left: 0 }]])
      expect((await migrator([plain]).downgrade('base')).ok).toBe(true)
      expect([wire.indexes.size, await kept()]).toEqual([0, 0])
    })
  })
})
