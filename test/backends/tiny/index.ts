import { setTimeout as sleep } from 'node:timers/promises'
import type { Backend, LockHolder, LockOptions, Session, Statement } from '../../../src/backend/index.js'
import { MigrateError } from '../../../src/core/errors.js'
import { startOf, type Position } from '../../../src/core/position.js'
import { TinyMetadata } from './metadata.js'
import { copyState, emptyState, type State } from './state.js'

/** A server in this process: databases by their names. */
const server = new Map<string, Database>()

interface Database {
  state: State
  readonly locks: Map<string, LockHolder>
}

/**
 * The smallest backend that keeps the contract: `MAKE thing;`, `PUT thing value;`, `LIST thing;`, and `#` before a
 * comment.
 */
const tiny: Backend<State> = {
  apiVersion: 1,
  name: 'tiny',
  schemes: ['tiny'],
  parse: (text, options = {}) => [...statements(text, options.origin ?? startOf())],
  normalise: (text) => [...statements(text, startOf())].map(({ text: words }) => `${words};`).join('\n'),
  connect: ({ url = '', metadata }) => {
    if (!url.startsWith('tiny:')) {
      throw new MigrateError('MIG-URL-INVALID', `The URL ${url} is none of tiny's.`, {
        hint: 'Write tiny:name.',
      })
    }
    const database = server.get(url) ?? { state: emptyState(), locks: new Map() }
    server.set(url, database)
    return Promise.resolve(new TinySession(database, metadata.prefix))
  },
}

export default tiny

function* statements(text: string, origin: Position): Generator<Statement> {
  let { line, column } = origin
  for (const match of text.matchAll(/#[^\n]*|;|\r?\n|[^\S\n]+|[^\s;#][^;#\n]*/g)) {
    const [piece] = match
    if (/^[^\s;#]/.test(piece))
      yield statement(piece.trim(), { ...origin, line, column, offset: origin.offset + match.index })
    if (piece.endsWith('\n')) [line, column] = [line + 1, 1]
    else column += piece.length
  }
}

const statement = (text: string, position: Position): Statement => ({
  text,
  position,
  transaction: 'allowed',
  summary: (text.split(' ')[0] ?? '').toLowerCase(),
  losesData: false,
  touchesSession: false,
})

class TinySession implements Session<State> {
  readonly server = { product: 'Tiny', version: '1.0', number: 10_000 }
  readonly capabilities = { transaction: 'ddl', lock: 'session' } as const
  readonly metadata: TinyMetadata
  readonly #database: Database
  readonly #held = new Set<string>()
  #open: State | null = null

  constructor(database: Database, prefix: string) {
    this.#database = database
    this.metadata = new TinyMetadata(() => this.client, prefix)
  }

  get client(): State {
    return this.#open ?? this.#database.state
  }

  execute(statement: Statement): Promise<{ rows: number | null }> {
    const [verb, name = '', ...words] = statement.text.split(' ')
    const values = this.client.things.get(name)
    if (verb === 'MAKE' && values === undefined) {
      this.client.things.set(name, [])
      return Promise.resolve({ rows: null })
    }
    if (verb === 'PUT' && values !== undefined)
      return Promise.resolve({ rows: values.push(words.join(' ')) && 1 })
    if (verb === 'LIST' && values !== undefined) return Promise.resolve({ rows: values.length })
    const { position } = statement
    return Promise.reject(new MigrateError('MIG-STATEMENT-FAILED', `no: ${statement.text}`, { position }))
  }

  async transaction<T>(work: (tx: Session<State>) => Promise<T>): Promise<T> {
    const open = copyState(this.#database.state)
    this.#open = open
    try {
      const result = await work(this)
      this.#database.state = open
      return result
    } finally {
      this.#open = null
    }
  }

  async lock(name: string, options: LockOptions): Promise<{ release: () => Promise<void> }> {
    const { locks } = this.#database
    const deadline = performance.now() + options.timeoutMs
    for (let told = false; ; told = true) {
      if (options.signal?.aborted === true)
        throw new MigrateError('MIG-INTERRUPTED', 'Interrupted while waiting.')
      const holder = locks.get(name)
      if (holder === undefined) break
      if (performance.now() >= deadline) {
        const hint = 'Wait for the other run to end.'
        throw new MigrateError('MIG-LOCK-TIMEOUT', `The lock is held by ${holder.description}.`, { hint })
      }
      if (!told) options.onWait?.(holder)
      await sleep(5)
    }
    const holder = { ...options.owner, description: `pid ${options.owner.pid} on ${options.owner.host}` }
    locks.set(name, holder)
    this.#held.add(name)
    const release = () => {
      if (locks.get(name) === holder) locks.delete(name)
      return Promise.resolve()
    }
    return { release }
  }

  reset(): Promise<void> {
    return Promise.resolve()
  }

  cancel(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    for (const name of this.#held) this.#database.locks.delete(name)
    this.#held.clear()
    return Promise.resolve()
  }
}
