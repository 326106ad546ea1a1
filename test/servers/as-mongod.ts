import { connect, type Socket } from 'node:net'
import type { BSON } from 'mongodb'
import { eachMessage, listenForMessages, type Request } from './wire.js'

type Document = BSON.Document

/** What becomes of a command: this answer; DocumentDB's; its work done and the connection cut before the answer; or cut at once. */
export type Answer = Document | 'pass' | 'pass and cut' | 'cut'

export interface AsMongodOptions {
  /** As `buildInfo` says it: `8.0.4`. */
  readonly version: string
  readonly kind: 'standalone' | 'replica set' | 'sharded'
  /** False for a secondary of a set that has no primary. Default: true. */
  readonly primary?: boolean
  /** Further fields of `buildInfo`. */
  readonly build?: Document
  /** DocumentDB's own URL: what is not answered here goes there. */
  readonly upstream: string
}

export interface AsMongod {
  /** Of the same database as the upstream's. */
  readonly url: string
  /** Commands as they came, but for those that the driver asks by itself. */
  readonly seen: readonly Document[]
  /** From now on a command of this name is answered so. */
  answer(name: string, how: (command: Document) => Answer | Promise<Answer>): void
  close(): Promise<void>
}

const OF_THE_DRIVER = new Set(['hello', 'ismaster', 'isMaster', 'buildInfo', 'ping', 'endSessions'])

/**
 * Stands before DocumentDB's gateway and says that it is a mongod of some version. Named commands get MongoDB's documented
 * answers, all others DocumentDB's. What is tested so is tested at the wire, and NOT against MongoDB.
 */
export async function asMongod(options: AsMongodOptions): Promise<AsMongod> {
  const upstream = new URL(options.upstream)
  const seen: Document[] = []
  const answers = new Map<string, (command: Document) => Answer | Promise<Answer>>()
  let port = 0
  const fixed: Readonly<Record<string, () => Document>> = {
    hello: () => hello(options, port),
    ismaster: () => hello(options, port),
    isMaster: () => hello(options, port),
    buildInfo: () => ({
      ...{ version: options.version, versionArray: options.version.split('.').map(Number) },
      ...options.build,
      ok: 1,
    }),
    ping: () => ({ ok: 1 }),
    endSessions: () => ({ ok: 1 }),
  }
  const listening = await listenForMessages((client) => {
    const forward = forwarder(Number(upstream.port), client)
    return async (request, socket) => {
      const [name = ''] = Object.keys(request.command)
      if (!OF_THE_DRIVER.has(name)) seen.push(request.command)
      const how = (await answers.get(name)?.(request.command)) ?? fixed[name]?.() ?? 'pass'
      if (how === 'cut') {
        socket.destroy()
        return null
      }
      if (typeof how === 'object') return request.reply?.(how) ?? null
      const answer = await forward(request)
      if (how === 'pass') return answer
      socket.destroy()
      return null
    }
  })
  port = listening.port
  return {
    url: `mongodb://127.0.0.1:${port}${upstream.pathname}`,
    seen,
    answer: (name, how) => void answers.set(name, how),
    close: () => listening.close(),
  }
}

const WIRE_VERSIONS: Readonly<Record<string, number>> = { 4: 9, 5: 13, 6: 17, 7: 21, 8: 25 }

function hello({ version, kind, primary = true }: AsMongodOptions, port: number): Document {
  const me = `127.0.0.1:${port}`
  const [major = '8'] = version.split('.')
  return {
    ...{
      ismaster: primary,
      isWritablePrimary: primary,
      helloOk: true,
      readOnly: false,
      localTime: new Date(),
    },
    ...{ maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000 },
    ...{ minWireVersion: 0, maxWireVersion: WIRE_VERSIONS[major] ?? 25 },
    logicalSessionTimeoutMinutes: 30,
    ...(kind === 'sharded' ? { msg: 'isdbgrid' } : {}),
    ...(kind === 'replica set'
      ? {
          setName: 'rs0',
          setVersion: 1,
          hosts: [me],
          me,
          secondary: !primary,
          ...(primary ? { primary: me } : {}),
        }
      : {}),
    ok: 1,
  }
}

/** One connection to the gateway for each of the client's: transactions are connections there. */
function forwarder(port: number, client: Socket): (request: Request) => Promise<Buffer | null> {
  let server: Socket | undefined
  let waiting: ((message: Buffer | null) => void) | undefined
  client.once('close', () => server?.destroy())
  const open = (): Socket => {
    const opened = connect(port, '127.0.0.1')
    opened.setNoDelay(true)
    opened.on('error', () => undefined)
    opened.once('close', () => {
      waiting?.(null)
      client.destroy()
    })
    eachMessage(opened, (message) => waiting?.(message))
    return opened
  }
  return ({ message, reply }) => {
    server ??= open()
    server.write(message)
    if (reply === null) return Promise.resolve(null)
    return new Promise((resolve) => {
      waiting = resolve
    })
  }
}
