import { connect, createServer, type Socket } from 'node:net'
import { commandsIn, lengthOfReply } from './resp.js'

/** Which module's answers are given: those of RediSearch, or of valkey-search 1.2, which has no aliases. */
type Module = 'RediSearch' | 'valkey-search'

interface Index {
  readonly definition: readonly string[]
  /** How often FT.INFO still says that it is being built. */
  left: number
}

export interface AsSearchOptions {
  readonly module?: Module
  /** How often FT.INFO says of a new index that it is being built. Default: twice. */
  readonly builds?: number
  /** What FT.INFO says of the building of every index at its end. Default: `OK`. */
  readonly status?: string
}

export interface AsSearch {
  /** Of the same database as the upstream's. */
  readonly url: string
  readonly indexes: ReadonlyMap<string, Index>
  readonly aliases: ReadonlyMap<string, string>
  /** Commands of the module as they came, in one line each. */
  readonly seen: readonly string[]
  /** The next command of this name is done, and the connection cut before its answer. */
  cutAfter(name: string): void
  /** Commands of this name are answered so late, in milliseconds. */
  late(name: string, ms: number): void
  /** Called before each command of the module is answered. */
  onCommand(listener: (line: string) => void): void
  close(): Promise<void>
}

const PASS = Symbol('to the server')
const CUT = Symbol('the connection is cut')

/** As the protocol has them: a text is a string, an Error an error, a list an array. */
type Answer = string | number | null | Error | readonly Answer[]

/**
 * Stands before a Redis or a Valkey and answers the commands of the search module as it is documented to, and the server
 * all others. What is tested so is tested at the wire, and NOT against the module.
 */
export async function asSearch(upstream: string, options: AsSearchOptions = {}): Promise<AsSearch> {
  const target = new URL(upstream)
  const engine = new Engine(options)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const server = connect(Number(target.port), target.hostname)
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    serve(client, server, engine)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = new URL(upstream)
  url.hostname = '127.0.0.1'
  url.port = String(typeof address === 'object' ? address?.port : '')
  return {
    url: url.href,
    indexes: engine.indexes,
    aliases: engine.aliases,
    seen: engine.seen,
    cutAfter: (name) => void engine.cuts.add(name),
    late: (name, ms) => void engine.late.set(name, ms),
    onCommand: (listener) => void (engine.listener = listener),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** One command after another, so that answers keep their order. */
function serve(client: Socket, server: Socket, engine: Engine): void {
  let fromClient: Buffer = Buffer.alloc(0)
  let fromServer: Buffer = Buffer.alloc(0)
  let waiting = false
  const proceed = (): void => {
    while (!waiting) {
      const found = commandsIn(fromClient)
      if (found === null) return
      fromClient = fromClient.subarray(found.end)
      const answer = engine.answer(found.words)
      if (answer === PASS) {
        waiting = true
        server.write(found.raw)
      } else if (answer === CUT) {
        client.destroy()
        return
      } else {
        const late = engine.late.get(found.words[0] ?? '') ?? 0
        if (late === 0) client.write(encoded(answer))
        else {
          waiting = true
          setTimeout(() => {
            client.write(encoded(answer))
            waiting = false
            proceed()
          }, late).unref()
        }
      }
    }
  }
  client.on('data', (chunk: Buffer) => {
    fromClient = Buffer.concat([fromClient, chunk])
    proceed()
  })
  server.on('data', (chunk: Buffer) => {
    fromServer = Buffer.concat([fromServer, chunk])
    const length = lengthOfReply(fromServer)
    if (length === null) return
    client.write(fromServer.subarray(0, length))
    fromServer = fromServer.subarray(length)
    waiting = false
    proceed()
  })
}

function encoded(answer: Answer): string {
  if (answer === null) return '$-1\r\n'
  if (answer instanceof Error) return `-${answer.message}\r\n`
  if (typeof answer === 'number') return `:${answer}\r\n`
  if (typeof answer === 'string') return `$${Buffer.byteLength(answer)}\r\n${answer}\r\n`
  return `*${answer.length}\r\n${answer.map(encoded).join('')}`
}

const COMMANDS = ['FT.CREATE', 'FT.INFO', 'FT.DROPINDEX', 'FT._LIST', 'FT.SEARCH']
const OF_ALIASES = ['FT.ALIASADD', 'FT.ALIASUPDATE', 'FT.ALIASDEL']

class Engine {
  readonly indexes = new Map<string, Index>()
  readonly aliases = new Map<string, string>()
  readonly seen: string[] = []
  readonly cuts = new Set<string>()
  readonly late = new Map<string, number>()
  listener: (line: string) => void = () => undefined
  readonly #options: Required<AsSearchOptions>

  constructor({ module = 'RediSearch', builds = 2, status = 'OK' }: AsSearchOptions) {
    this.#options = { module, builds, status }
  }

  answer(words: readonly string[]): Answer | typeof PASS | typeof CUT {
    const [given = '', ...rest] = words
    const name = given.toUpperCase()
    const known = [...COMMANDS, ...(this.#options.module === 'RediSearch' ? OF_ALIASES : [])]
    if (name === 'COMMAND' && rest[0]?.toUpperCase() === 'INFO')
      return rest.slice(1).map((one) => (known.includes(one) ? [one.toLowerCase(), -2] : null))
    if (!name.startsWith('FT.')) return PASS
    this.seen.push(words.join(' '))
    this.listener(words.join(' '))
    const answer = known.includes(name)
      ? this.#done(name, rest)
      : new Error(`ERR unknown command '${given}', with args beginning with: `)
    return this.cuts.delete(name) ? CUT : answer
  }

  #done(name: string, [first = '', ...rest]: readonly string[]): Answer {
    const { indexes, aliases } = this
    switch (name) {
      case 'FT.CREATE':
        if (indexes.has(first)) return new Error('Index already exists')
        if (!rest.some((word) => word.toUpperCase() === 'SCHEMA')) return new Error('No schema found')
        indexes.set(first, { definition: rest, left: this.#options.builds })
        return 'OK'
      case 'FT.INFO':
        return this.#info(indexes.has(first) ? first : (aliases.get(first) ?? ''), first)
      case 'FT.DROPINDEX':
        if (!indexes.delete(first)) return new Error('Unknown Index name')
        for (const [alias, index] of aliases) if (index === first) aliases.delete(alias)
        return 'OK'
      case 'FT.ALIASUPDATE': {
        const [index = ''] = rest
        if (!indexes.has(index)) return new Error('Unknown index name (or name is an alias itself)')
        if (indexes.has(first)) return new Error('Alias does not belong to provided spec')
        aliases.set(first, index)
        return 'OK'
      }
      case 'FT.ALIASDEL':
        return aliases.delete(first) ? 'OK' : new Error('Alias does not exist')
      default:
        return []
    }
  }

  #info(name: string, asked: string): Answer {
    const index = this.indexes.get(name)
    const valkey = this.#options.module === 'valkey-search'
    if (index === undefined)
      return new Error(
        valkey ? `Index with name '${asked}' not found in database 0` : `${asked}: no such index`,
      )
    const building = index.left > 0
    if (building) index.left -= 1
    const share = building ? '0.5' : '1'
    const common: Answer[] = ['index_name', name, 'num_docs', '3', 'hash_indexing_failures', '0']
    if (valkey) {
      const state = building ? 'backfill_in_progress' : 'ready'
      return [
        ...common,
        'backfill_in_progress',
        building ? '1' : '0',
        'backfill_complete_percent',
        share,
        'state',
        state,
      ]
    }
    const errors: Answer = [
      'indexing failures',
      0,
      'background indexing status',
      building ? 'OK' : this.#options.status,
    ]
    return [...common, 'indexing', building ? 1 : 0, 'percent_indexed', share, 'Index Errors', errors]
  }
}
