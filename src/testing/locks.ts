import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LockHolder } from '../backend/index.js'
import type { Behaviour } from './types.js'
import { historyRow, lockOptions, rejected } from './values.js'

export const lockBehaviours: readonly Behaviour[] = [
  [
    'a lock that is held is not given to another session',
    async (context) => {
      const [first, second] = [await context.connect(), await context.connect()]
      await first.lock('migrate', lockOptions())
      const error = await rejected(second.lock('migrate', lockOptions()), 'MIG-LOCK-TIMEOUT')
      assert.equal(error.exitCode, 4)
      assert.ok(error.hint !== undefined)
    },
  ],
  [
    'a lock that was released can be taken, again and again',
    async (context) => {
      const [first, second] = [await context.connect(), await context.connect()]
      for (let round = 0; round < 3; round += 1) {
        await (await first.lock('migrate', lockOptions())).release()
        await (await second.lock('migrate', lockOptions())).release()
      }
    },
  ],
  [
    'releasing a lock twice does not release somebody else’s',
    async (context) => {
      const [first, second] = [await context.connect(), await context.connect()]
      const lock = await first.lock('migrate', lockOptions())
      await lock.release()
      await second.lock('migrate', lockOptions())
      await lock.release()
      await rejected(first.lock('migrate', lockOptions()), 'MIG-LOCK-TIMEOUT')
    },
  ],
  [
    'closing the session releases its lock, and releasing after that is harmless',
    async (context) => {
      const [first, second] = [await context.connect(), await context.connect()]
      const lock = await first.lock('migrate', lockOptions())
      await first.close()
      await (await second.lock('migrate', lockOptions({ timeoutMs: 5_000 }))).release()
      await lock.release()
    },
  ],
  [
    'who waits is told of the holder, and gets the lock when it is released',
    async (context) => {
      const [first, second] = [await context.connect(), await context.connect()]
      const lock = await first.lock('migrate', lockOptions())
      const told: (LockHolder | null)[] = []
      const waiting = second.lock(
        'migrate',
        lockOptions({ timeoutMs: 20_000, onWait: (holder) => told.push(holder) }),
      )
      while (told.length === 0) await sleep(10)
      await lock.release()
      await (await waiting).release()
      assert.equal(told.length, 1)
      assert.notEqual(told[0]?.description ?? '', '')
    },
  ],
  [
    'who gives up says who holds the lock',
    async (context) => {
      const [first, second] = [await context.connect(), await context.connect()]
      await first.lock('migrate', lockOptions())
      const told: (LockHolder | null)[] = []
      const options = lockOptions({ timeoutMs: 100, onWait: (holder) => told.push(holder) })
      const error = await rejected(second.lock('migrate', options), 'MIG-LOCK-TIMEOUT')
      const description = told[0]?.description ?? ''
      assert.ok(description !== '' && error.message.includes(description), error.message)
    },
  ],
  [
    'who holds the lock is told to whoever asks, and nobody when it is free',
    async (context) => {
      const [first, second] = [await context.connect(), await context.connect()]
      if (second.lockHolder === undefined) return
      assert.equal(await second.lockHolder('migrate'), null)
      const lock = await first.lock('migrate', lockOptions())
      assert.notEqual((await second.lockHolder('migrate'))?.description ?? '', '')
      assert.equal(await second.lockHolder('another'), null)
      await lock.release()
      assert.equal(await second.lockHolder('migrate'), null)
    },
  ],
  [
    'an abort ends the waiting',
    async (context) => {
      const [first, second] = [await context.connect(), await context.connect()]
      await first.lock('migrate', lockOptions())
      const controller = new AbortController()
      const options = lockOptions({
        timeoutMs: 60_000,
        signal: controller.signal,
        onWait: () => controller.abort(),
      })
      await rejected(second.lock('migrate', options), 'MIG-INTERRUPTED')
      await second.metadata.read()
    },
  ],
  [
    'an abort that came before is heeded',
    async (context) => {
      const session = await context.connect()
      const options = lockOptions({ timeoutMs: 60_000, signal: AbortSignal.abort() })
      await rejected(session.lock('migrate', options), 'MIG-INTERRUPTED')
    },
  ],
  [
    'locks with different names do not exclude each other',
    async (context) => {
      const [first, second] = [await context.connect(), await context.connect()]
      const locks = [await first.lock('one', lockOptions()), await second.lock(`two "'\\ 🐘`, lockOptions())]
      for (const lock of locks) await lock.release()
    },
  ],
  [
    'the lock outlives transactions, refused statements and resets',
    async (context) => {
      const [first, second] = [await context.connect(), await context.connect()]
      await first.lock('migrate', lockOptions())
      await first.metadata.ensure()
      await rejected(first.execute(context.statement(context.samples.failing)), 'MIG-STATEMENT-FAILED')
      if (first.capabilities.transaction !== 'none') {
        await first.transaction((tx) => tx.metadata.write([{ kind: 'apply', row: historyRow('a') }]))
      }
      await first.reset()
      await rejected(second.lock('migrate', lockOptions()), 'MIG-LOCK-TIMEOUT')
    },
  ],
  [
    'five contenders have the lock one after another',
    async (context) => {
      let inside = 0
      let turns = 0
      const contend = async () => {
        const session = await context.connect()
        for (let round = 0; round < 3; round += 1) {
          const lock = await session.lock('migrate', lockOptions({ timeoutMs: 50_000 }))
          inside += 1
          assert.equal(inside, 1)
          await sleep(5)
          inside -= 1
          turns += 1
          await lock.release()
        }
      }
      await Promise.all(Array.from({ length: 5 }, contend))
      assert.equal(turns, 15)
    },
  ],
  [
    'contenders that create the metadata under the lock create it once',
    async (context) => {
      const contend = async (index: number) => {
        const session = await context.connect()
        const lock = await session.lock('migrate', lockOptions({ timeoutMs: 50_000 }))
        await session.metadata.ensure()
        await session.metadata.write([{ kind: 'apply', row: historyRow(`r${index}`) }])
        await lock.release()
      }
      await Promise.all(Array.from({ length: 5 }, (_, index) => contend(index)))
      assert.equal((await (await context.connect()).metadata.read()).applied.length, 5)
    },
  ],
]
