import { setTimeout as sleep } from 'node:timers/promises'
import type { Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { renamed, splitPattern, type Renaming } from '../../schema/redis/glob.js'
import type { Operation } from '../../schema/redis/operations.js'
import { slotOf } from '../../schema/redis/slots.js'
import { moveAcross, type Key } from './across.js'
import { isCluster, type Client, type Redis } from './driver.js'
import { explainKey, explainStatement } from './errors.js'
import { infoOf } from './info.js'
import { scriptOf, type KeyAnswer, type KeyScript } from './keys-lua.js'
import { BEGINNING, progressOf, stepName, type NodeProgress, type Progress } from './keys-progress.js'
import type { RedisMetadata } from './metadata.js'
import { takenNames } from './keys-taken.js'
import { answerOf, epochOf, nameOf, primariesOf } from './nodes.js'

export type KeysOperation = Extract<Operation, { kind: 'keys' }>

export interface KeysContext {
  readonly client: Client
  readonly metadata: RedisMetadata
  /** What the metadata's own keys begin with: they are left alone. */
  readonly own: string
  readonly statement: Statement
  /** True when an earlier run of the same step ended in the middle: it goes on from there. */
  readonly resume: boolean
  /** True when an earlier run has failed: of the same step it may have done a part. */
  readonly again: boolean
  readonly signal: AbortSignal
  /** Waited for before a batch. @throws MigrateError MIG-LOCK-LOST */
  readonly confirm: () => Promise<void>
  readonly onNotice: ((message: string) => void) | undefined
}

/** Keys looked at in one question, and done in one script: about a millisecond of the server's. */
const BATCH = 1_000
const SAVE_EVERY_MS = 1_000
const TELL_EVERY_MS = 10_000
/** Conflicts that are told by name. */
const NAMES_TOLD = 10
/** Whole passes before a cluster whose slots move all the time is given up. */
const MOST_PASSES = 5

/**
 * Does something to every key that a pattern matches, batch by batch: bounded in memory, resumable, at most so many keys a
 * second. A key may be met twice, so each step bears that.
 * @returns how many keys were changed
 */
export async function runKeys(operation: KeysOperation, context: KeysContext): Promise<number> {
  return new KeysRun(operation, context).run()
}

class KeysRun {
  readonly #operation: KeysOperation
  readonly #context: KeysContext
  readonly #script: KeyScript
  readonly #renaming: Renaming | null
  readonly #began = performance.now()
  readonly #step: string
  #progress: Progress = { ...BEGINNING, nodes: {} }
  #worked = 0
  /** A key may have been changed: by this run, or by an earlier one. */
  #touched: boolean
  #saved = performance.now()
  #told = performance.now()

  constructor(operation: KeysOperation, context: KeysContext) {
    this.#operation = operation
    this.#context = context
    this.#script = scriptOf(operation.action)
    this.#step = stepName(context.statement.text)
    this.#touched = context.resume || context.again
    const { action, pattern } = operation
    this.#renaming =
      action.name === 'RENAME' ? { from: splitPattern(pattern), to: splitPattern(action.to) } : null
  }

  async run(): Promise<number> {
    try {
      return await this.#run()
    } catch (error) {
      const { client, statement } = this.#context
      const explained = await explainStatement(error, statement, client)
      // The next run begins anew, and must not take the names that it meets for others' keys.
      if (explained.code === 'MIG-STATEMENT-FAILED' && this.#progress.clear === true)
        await this.#save({ ...BEGINNING, nodes: {}, clear: true }).catch(() => undefined)
      throw explained.state === undefined ? explained.with({ state: this.#state(explained) }) : explained
    }
  }

  /** What stands when the step has ended early. */
  #state({ code }: MigrateError): string {
    const { changed } = this.#progress
    const keys = changed === 0 ? 'no key' : changed === 1 ? '1 key' : `${changed} keys`
    // The server's refusal is knowledge; of what was under way when a connection was lost there is none.
    if (code !== 'MIG-STATEMENT-FAILED') {
      if (!this.#touched) return 'The step has changed no key; the next run begins with it.'
      const atLeast = changed === 0 ? 'perhaps some keys' : `at least ${keys}`
      return `The step has changed ${atLeast}; the next run goes on from there.`
    }
    const half =
      this.#operation.action.name === 'TRANSFORM'
        ? ' What its script had done to the key at which it stopped stands.'
        : ''
    return `The step has changed ${keys}; the next run does it again, from its beginning.${half}`
  }

  async #run(): Promise<number> {
    const { client, metadata } = this.#context
    const step = this.#step
    const { resume, again } = this.#context
    if (resume || again) await this.#load()
    // What an earlier run of the same text has left there is no place for this one to go on from.
    if (!resume) this.#progress = { ...BEGINNING, nodes: {}, clear: again && this.#progress.clear === true }
    if (!resume && this.#progress.clear !== true)
      await metadata.change([{ kind: 'unset', hash: 'progress', field: step }])
    await this.#refuseTaken()
    for (let pass = 0; ; pass += 1) {
      this.#progress.epoch ??= await epochOf(client)
      for (const node of await primariesOf(client)) await this.#scan(node)
      // Slots that moved meanwhile may have moved past the scan.
      if (this.#progress.epoch === (await epochOf(client))) break
      if (pass === MOST_PASSES) throw unstable()
      this.#context.onNotice?.('the cluster has changed during the scan: it is done again')
      this.#progress = { ...this.#progress, epoch: null, nodes: {} }
    }
    const nodes = Object.values(this.#progress.nodes)
    const leftCount = nodes.reduce((sum, node) => sum + node.leftCount, 0)
    const left = nodes.flatMap((node) => node.left).slice(0, NAMES_TOLD)
    if (leftCount > 0) throw this.#conflict(leftCount, left)
    // Not before it is written that the step is done: a run that is killed in between must know the new names for its own.
    metadata.changeWithNext({ kind: 'unset', hash: 'progress', field: step })
    return this.#progress.changed
  }

  async #scan(node: Redis): Promise<void> {
    const name = nameOf(node)
    const { client, onNotice } = this.#context
    const info = infoOf(String(await answerOf(client, node, () => node.call('INFO', 'server'))))
    const runId = info.get('run_id') ?? ''
    let state = this.#progress.nodes[name]
    if (state?.runId !== runId) {
      // Another process counts its buckets otherwise.
      if (state !== undefined)
        onNotice?.(`${name} is another process since then: its keys are looked at anew`)
      state = { runId, cursor: '0', done: false, leftCount: 0, left: [] }
      this.#progress.nodes[name] = state
    }
    if (state.done) return
    let next = this.#ask(node, state.cursor)
    for (;;) {
      const [cursor, keys] = await next
      const last = cursor === '0'
      // The server looks for the next keys while these are worked on.
      const ahead = last ? null : this.#ask(node, cursor)
      ahead?.catch(() => undefined)
      await this.#work(keys, state)
      state.cursor = cursor
      state.done = last
      this.#progress.seen += keys.length
      await this.#pause()
      if (ahead === null) return
      next = ahead
    }
  }

  async #ask(node: Redis, cursor: string): Promise<[cursor: string, keys: Key[]]> {
    const { pattern, rate } = this.#operation
    const count = rate > 0 ? Math.min(BATCH, rate) : BATCH
    const { client } = this.#context
    const [next, found] = await answerOf(client, node, () =>
      node.scanBuffer(cursor, 'MATCH', pattern, 'COUNT', count),
    )
    return [next.toString(), found.map(keyOf).filter((key) => !this.#isOwn(key))]
  }

  #isOwn(key: Key): boolean {
    return typeof key === 'string' && key.startsWith(this.#context.own)
  }

  async #work(keys: readonly Key[], state: NodeProgress): Promise<void> {
    if (keys.length === 0) return
    await this.#context.confirm()
    this.#touched = true
    this.#worked += keys.length
    const units = keys.flatMap((key): (readonly Key[])[] => {
      if (this.#renaming === null) return [[key]]
      const name = newName(key, this.#renaming)
      if (name === null) return []
      // Names of the metadata's are taken, whether there is such a key or not.
      if (!this.#isOwn(name)) return [[key, name]]
      leave(state, key)
      return []
    })
    const { client } = this.#context
    if (isCluster(client)) {
      // What is under way is waited for, though one has failed: nothing goes on behind the error.
      const ends = await Promise.allSettled(units.map((unit) => this.#inCluster(client, unit, state)))
      for (const end of ends) if (end.status === 'rejected') throw end.reason
      return
    }
    // SCAN gives more than it was asked for when a table is small or its buckets are deep.
    for (let at = 0; at < units.length; at += BATCH) await this.#evaluate(units.slice(at, at + BATCH), state)
  }

  async #inCluster(client: Client, unit: readonly Key[], state: NodeProgress): Promise<void> {
    const [from, to] = unit
    if (from === undefined || to === undefined || slotOf(bytesOf(from)) === slotOf(bytesOf(to))) {
      await this.#evaluate([unit], state)
      return
    }
    const { action } = this.#operation
    const replaces = action.name === 'RENAME' && action.taken === 'REPLACE'
    const outcome = await moveAcross(client, from, to, replaces)
    if (outcome === 'moved') this.#progress.changed += 1
    else if (outcome === 'taken') leave(state, from)
  }

  async #evaluate(units: readonly (readonly Key[])[], state: NodeProgress): Promise<void> {
    const keys = units.flat()
    const { lua, args } = this.#script
    const { client, statement } = this.#context
    const answer = await client.eval(lua, keys.length, ...keys, ...args)
    const [done, stopped, why, ...left] = answer as KeyAnswer
    this.#progress.changed += done
    for (const place of left) leave(state, keys[place - 1] ?? '')
    if (stopped > 0) throw await explainKey(String(keys[stopped - 1]), why, statement, client)
  }

  /** Between two batches: the rate, the progress, an interrupt. */
  async #pause(): Promise<void> {
    const { signal, onNotice } = this.#context
    const { rate, action } = this.#operation
    const due = rate === 0 ? 0 : (1_000 * this.#worked) / rate - (performance.now() - this.#began)
    if (due > 0) await sleep(due, undefined, { signal }).catch(() => undefined)
    const now = performance.now()
    if (now - this.#told >= TELL_EVERY_MS) {
      this.#told = now
      onNotice?.(
        `${action.name.toLowerCase()}: ${this.#progress.seen} keys found, ${this.#progress.changed} changed`,
      )
    }
    if (signal.aborted) {
      await this.#save()
      throw interrupted(this.#progress.changed)
    }
    if (now - this.#saved >= SAVE_EVERY_MS) {
      this.#saved = now
      await this.#save()
    }
  }

  /** Before the first key is renamed it is written down that there is none of the new names. */
  async #refuseTaken(): Promise<void> {
    const { client, own, signal } = this.#context
    const { action } = this.#operation
    if (action.name !== 'RENAME' || action.taken !== 'REFUSE' || this.#progress.clear === true) return
    const taken = await takenNames(this.#operation, client, own, {
      most: NAMES_TOLD,
      goesOn: () => !signal.aborted,
    })
    if (signal.aborted) throw interrupted(0)
    if (taken.length > 0) throw namesTaken(taken, action.to)
    this.#progress.clear = true
    await this.#save()
  }

  async #save(progress = this.#progress): Promise<void> {
    const value = JSON.stringify(progress)
    await this.#context.metadata.change([{ kind: 'set', hash: 'progress', field: this.#step, value }])
  }

  async #load(): Promise<void> {
    const { metadata, onNotice } = this.#context
    const value = await metadata.field('progress', this.#step)
    if (value === null) return
    const stored = progressOf(value)
    if (stored === null) return
    this.#progress = stored
    if (!this.#context.resume || stored.seen === 0) return
    onNotice?.(`goes on after ${stored.seen} keys, of which ${stored.changed} were changed`)
  }

  #conflict(leftCount: number, left: readonly string[]): MigrateError {
    const { action } = this.#operation
    const count = leftCount === 1 ? '1 key was left as it is' : `${leftCount} keys were left as they are`
    const more = leftCount - left.length
    const details = [...left, ...(more > 0 ? [`and ${more} more`] : [])]
    if (action.name === 'RENAME') {
      return new MigrateError(
        'MIG-STATEMENT-FAILED',
        `${count}: ${leftCount === 1 ? 'its new name is' : 'their new names are'} taken.`,
        {
          details,
          hint: 'See what the keys of these names are. REPLACE overwrites them.',
        },
      )
    }
    return new MigrateError(
      'MIG-STATEMENT-FAILED',
      `${count}: only lists, sets and sorted sets hold members.`,
      {
        details,
        hint: 'Give a pattern that matches those alone.',
      },
    )
  }
}

function namesTaken(names: readonly string[], to: string): MigrateError {
  const most = names.length === NAMES_TOLD ? ['and perhaps more'] : []
  return new MigrateError(
    'MIG-STATEMENT-FAILED',
    `There are keys already that are named like "${to}": what undoes the renaming would rename them as well.`,
    {
      details: [...names, ...most],
      hint: 'Move them away first; or write MERGE (merge: true) behind the new name, and up and down in place of change.',
      state: 'No key was renamed.',
    },
  )
}

function leave(state: NodeProgress, key: Key): void {
  state.leftCount += 1
  if (state.left.length < NAMES_TOLD) state.left.push(String(key))
}

function interrupted(changed: number): MigrateError {
  return new MigrateError('MIG-INTERRUPTED', `Interrupted after ${changed} keys.`, {
    state: 'The next run goes on from there.',
  })
}

function unstable(): MigrateError {
  return new MigrateError('MIG-DATABASE', 'The slots of the cluster move as fast as it is scanned.', {
    hint: 'Wait until the cluster has settled (CLUSTER INFO), and give the command again.',
  })
}

const REPLACEMENT = '\uFFFD'

function keyOf(bytes: Buffer): Key {
  const text = bytes.toString()
  return text.includes(REPLACEMENT) ? bytes : text
}

const bytesOf = (key: Key): Buffer => (typeof key === 'string' ? Buffer.from(key) : key)

function newName(key: Key, renaming: Renaming): Key | null {
  if (typeof key === 'string') return renamed(key, renaming)
  // Bytes that are no text: each as a letter.
  const letters = (text: string): string => Buffer.from(text).toString('latin1')
  const { from, to } = renaming
  const name = renamed(key.toString('latin1'), {
    from: { ...from, prefix: letters(from.prefix), suffix: letters(from.suffix) },
    to: { ...to, prefix: letters(to.prefix), suffix: letters(to.suffix) },
  })
  return name === null ? null : Buffer.from(name, 'latin1')
}
