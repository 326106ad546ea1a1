import assert from 'node:assert/strict'
import type { Behaviour } from './types.js'
import { historyRow, journalEntry, lockOptions, rejected } from './values.js'

export const statementBehaviours: readonly Behaviour[] = [
  [
    'a statement knows its place in its file',
    ({ backend, samples }) => {
      const { terminator = ';' } = samples
      const text = `\n  ${samples.create('a')}${terminator}\n${samples.create('b')}${terminator}\n`
      const origin = { file: 'f', line: 10, column: 1, offset: 100 }
      const [first, second] = backend.parse(text, { origin })
      assert.deepEqual(first?.position, { file: 'f', line: 11, column: 3, offset: 103 })
      assert.equal(first.text, samples.create('a'))
      assert.deepEqual([second?.position.line, second?.position.column], [12, 1])
      return Promise.resolve()
    },
  ],
  [
    'a text of comments and blanks has no statements',
    ({ backend, samples }) => {
      for (const text of ['', ' \n\t\r\n', samples.comment, `\n${samples.comment}\n`]) {
        assert.deepEqual(backend.parse(text), [])
      }
      return Promise.resolve()
    },
  ],
  [
    'the normal form of a text does not mind line ends, trailing blanks and comments',
    ({ backend, samples }) => {
      const [one, other] = samples.sameMeaning
      assert.equal(backend.normalise(one), backend.normalise(other))
      const { terminator = ';' } = samples
      const text = `${samples.create('a')}${terminator}\n${samples.insert('a', 'x')}${terminator}\n`
      const normal = backend.normalise(text)
      assert.equal(backend.normalise(text.replaceAll('\n', '\r\n')), normal)
      assert.equal(backend.normalise(`\n${samples.comment}\n${text}\n \n`), normal)
      assert.equal(backend.normalise(normal), normal)
      return Promise.resolve()
    },
  ],
  [
    'the normal form of a text minds what is executed',
    ({ backend, samples }) => {
      const forms = [
        samples.create('a'),
        samples.create('b'),
        samples.insert('a', 'x'),
        samples.insert('a', 'X'),
      ]
      assert.equal(new Set(forms.map((text) => backend.normalise(text))).size, forms.length)
      return Promise.resolve()
    },
  ],
  [
    'statements change the database for everybody',
    async (context) => {
      const { samples, statement } = context
      const session = await context.connect()
      await session.execute(statement(samples.create('thing')))
      await session.execute(statement(samples.insert('thing', 'one')))
      await session.execute(statement(samples.insert('thing', 'two')))
      const { rows } = await (await context.connect()).execute(statement(samples.list('thing')))
      assert.ok(rows === 2 || rows === null)
    },
  ],
  [
    'a refused statement is told with its place in the file and what the server said',
    async (context) => {
      const { backend, samples } = context
      const session = await context.connect()
      const origin = { file: 'revision.x', line: 7, column: 3, offset: 50 }
      const [statement] = backend.parse(samples.failing, { origin })
      assert.ok(statement !== undefined)
      const error = await rejected(session.execute(statement), 'MIG-STATEMENT-FAILED')
      assert.equal(error.position?.file, 'revision.x')
      assert.notEqual(error.message, '')
      const at = samples.failingAt ?? { line: 1, column: 1 }
      assert.deepEqual(
        [error.position.line, error.position.column],
        [at.line + 6, at.line === 1 ? at.column + 2 : at.column],
      )
    },
  ],
  [
    'after a refused statement the session goes on',
    async (context) => {
      const { samples, statement } = context
      const session = await context.connect()
      await rejected(session.execute(statement(samples.failing)), 'MIG-STATEMENT-FAILED')
      await session.execute(statement(samples.create('thing')))
      await session.metadata.ensure()
      assert.equal((await session.metadata.read()).exists, true)
    },
  ],
  [
    'executeSome runs the first ones of some statements, in a transaction that holds all or none of them',
    async (context) => {
      const { samples, statement } = context
      const session = await context.connect()
      if (session.executeSome === undefined) return
      await session.execute(statement(samples.create('thing')))
      const rows = ['one', 'two', 'three', 'four'].map((row) => statement(samples.insert('thing', row)))
      const all = async (tx: typeof session): Promise<number[]> => {
        const done: number[] = []
        for (let at = 0; at < rows.length;) {
          const from = at
          const count = (await tx.executeSome?.(rows.slice(at), (index) => done.push(from + index))) ?? 0
          assert.ok(count > 0)
          at += count
        }
        return done
      }
      await assert.rejects(
        session.transaction(async (tx) => {
          await all(tx)
          throw new Error('no')
        }),
      )
      const list = statement(samples.list('thing'))
      assert.ok([0, null].includes((await session.execute(list)).rows))
      assert.deepEqual(await session.transaction(all), [0, 1, 2, 3])
      assert.ok([4, null].includes((await session.execute(list)).rows))
    },
  ],
  [
    'executeAfter commits the changes before the statement, whatever becomes of it',
    async (context) => {
      const { samples, statement } = context
      const session = await context.connect()
      if (session.executeAfter === undefined) return
      await session.metadata.ensure()
      const change = (position: number) => ({
        kind: 'journal' as const,
        entries: [journalEntry('a', position)],
      })
      await session.executeAfter([change(0)], [statement(samples.create('thing'))])
      const failing = session.executeAfter([change(1)], [statement(samples.failing)])
      const error = await rejected(failing, 'MIG-STATEMENT-FAILED')
      const at = samples.failingAt ?? { line: 1, column: 1 }
      assert.deepEqual([error.position?.line, error.position?.column], [at.line, at.column])
      const other = await context.connect()
      assert.deepEqual(
        (await other.metadata.read()).journal.map(({ position }) => position),
        [0, 1],
      )
      await other.execute(statement(samples.list('thing')))
    },
  ],
  [
    'executeBeside commits the changes, whatever becomes of the statement, and ends when both have ended',
    async (context) => {
      const { samples, statement } = context
      const session = await context.connect()
      if (session.executeBeside === undefined) return
      await session.metadata.ensure()
      const lock = await session.lock('migrate', lockOptions())
      const change = (position: number) => ({
        kind: 'journal' as const,
        entries: [journalEntry('a', position)],
      })
      const told: string[] = []
      await session.executeBeside([change(0)], statement(samples.create('thing')), {
        committed: () => told.push('committed'),
        done: () => told.push('done'),
      })
      assert.deepEqual(told.sort(), ['committed', 'done'])
      await session.execute(statement(samples.list('thing')))
      const failing = session.executeBeside([change(1)], statement(samples.failing), {
        committed: () => told.push('committed'),
        done: () => told.push('done'),
      })
      await rejected(failing, 'MIG-STATEMENT-FAILED')
      assert.deepEqual(told, ['committed', 'done', 'committed'])
      const other = await context.connect()
      assert.deepEqual(
        (await other.metadata.read()).journal.map(({ position }) => position),
        [0, 1],
      )
      await lock.release()
    },
  ],
  [
    'executeAfter does not begin the statement when the changes fail',
    async (context) => {
      const { samples, statement } = context
      const session = await context.connect()
      if (session.executeAfter === undefined) return
      // There are no tables for the journal yet.
      const entries = [journalEntry('a', 0)]
      await assert.rejects(
        session.executeAfter([{ kind: 'journal', entries }], [statement(samples.create('thing'))]),
      )
      await rejected(session.execute(statement(samples.list('thing'))), 'MIG-STATEMENT-FAILED')
    },
  ],
  [
    'what a revision sets in the session is put back by reset',
    async (context) => {
      const { samples, statement } = context
      if (samples.setting === undefined) return
      const session = await context.connect()
      const before = await samples.setting.read(session)
      await session.execute(statement(samples.setting.change))
      assert.notEqual(await samples.setting.read(session), before)
      await session.reset()
      assert.equal(await samples.setting.read(session), before)
    },
  ],
  [
    'the metadata is written and read as ever while a revision has changed the session',
    async (context) => {
      const { samples, statement } = context
      if (samples.setting === undefined) return
      const session = await context.connect()
      await session.metadata.ensure()
      await session.execute(statement(samples.setting.change))
      await session.metadata.write([{ kind: 'apply', row: historyRow('a', { message: "it's \\ 🐘" }) }])
      await session.reset()
      assert.equal((await session.metadata.read()).applied[0]?.message, "it's \\ 🐘")
    },
  ],
  [
    'reset, cancel and close are harmless when there is nothing to do',
    async (context) => {
      const session = await context.connect()
      await session.reset()
      await session.cancel()
      await session.execute(context.statement(context.samples.create('thing')))
      assert.notEqual(session.client, undefined)
      await session.reset()
      await session.close()
      await session.close()
    },
  ],
  [
    'the session says what it is connected to',
    async (context) => {
      const { server } = await context.connect()
      assert.notEqual(server.product, '')
      assert.notEqual(server.version, '')
      assert.ok(Number.isInteger(server.number) && server.number >= 0)
    },
  ],
  [
    'a client of the application is borrowed, and given back as it was',
    async (context) => {
      const lent = await context.database.lend?.()
      if (lent === undefined) return
      try {
        assert.equal(context.backend.accepts?.(lent.client), true)
        const before = await lent.state()
        const session = await context.connect({ client: lent.client })
        await session.metadata.ensure()
        await session.execute(context.statement(context.samples.create('thing')))
        if (context.samples.setting !== undefined) {
          await session.execute(context.statement(context.samples.setting.change))
        }
        await session.lock('migrate', lockOptions())
        await session.close()
        assert.equal(await lent.state(), before)
        await (await context.connect()).lock('migrate', lockOptions())
      } finally {
        await lent.close()
      }
    },
  ],
  [
    'what is no client of its is not accepted',
    ({ backend }) => {
      for (const client of [null, undefined, {}, [], 'x', 1, new Map(), { query: () => undefined }]) {
        assert.notEqual(backend.accepts?.(client), true)
      }
      return Promise.resolve()
    },
  ],
  [
    'a server that does not answer is told as such',
    async (context) => {
      const { unreachable } = context.samples
      if (unreachable === undefined) return
      const error = await rejected(context.connect({ url: unreachable }), 'MIG-CONNECT')
      assert.ok(error.hint !== undefined)
    },
  ],
  [
    'a wrong password is told without the password',
    async (context) => {
      const wrong = context.samples.wrongPassword?.(context.database)
      if (wrong === undefined) return
      const error = await rejected(context.connect({ url: wrong.url }), 'MIG-AUTHENTICATION')
      const everything = [error.message, error.hint, ...error.details, String(error.cause), error.stack].join(
        '\n',
      )
      assert.ok(!everything.includes(wrong.secret), everything)
    },
  ],
]
