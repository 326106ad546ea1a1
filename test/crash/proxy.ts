import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Protocol, ServerFrame } from './protocol.js'
import { protocolOf, type ProtocolName } from './protocols.js'

/**
 * Where in the conversation it happens. `before`: the server never sees message n. `sent`: it sees the message, nobody
 * hears its answer. `answered`: the whole answer was on its way, and is lost. `heard`: some of the statements'
 * answers came through, the rest is lost.
 */
export interface Point {
  /** Of all the runner's connections, in their order; logging in is one. */
  readonly message: number
  readonly moment: 'before' | 'sent' | 'answered' | 'heard'
  /** Of `heard`: how many answers come through. */
  readonly heard?: number
}

/** A message as it was seen in an undisturbed run. */
export interface Message {
  readonly text: string
  /** Answers to its statements, the last one included. */
  readonly answers: number
}

interface Connection {
  readonly client: Socket
  readonly server: Socket
  readonly protocol: Protocol
  /** The last message. */
  message: number
  answers: number
  /** Messages that are not answered, where several may be under way. */
  readonly waiting: number[]
}

export interface Trap {
  readonly point: Point
  /** Called once, with everything held still; the connections are dropped when it resolves. */
  readonly spring: () => Promise<void>
  /** Whoever connects anew afterwards is let through. */
  readonly comesBack?: boolean
  /** Called once in place of all that: the answer waits for whoever cannot hear it yet, and nothing is cut. */
  readonly stop?: () => void
}

/** Stands between a runner and its server, counts what the runner asks, and stops everything at one point. */
export class CrashProxy {
  readonly messages: { text: string; answers: number }[] = []
  /** Resolves once the trap has sprung and the connections are gone. */
  readonly sprung: Promise<void>
  readonly #listener: Server
  readonly #connections = new Set<Connection>()
  #trap: Trap | undefined
  #stopped = false
  #resolve: () => void = () => undefined

  private constructor(
    listener: Server,
    target: { readonly host: string; readonly port: number },
    protocol: ProtocolName,
    trap: Trap | undefined,
  ) {
    this.#listener = listener
    this.#trap = trap
    this.sprung = new Promise((resolve) => {
      this.#resolve = resolve
    })
    listener.on('connection', (client) => this.#accept(client, connect(target.port, target.host), protocol))
  }

  /** @param url the server's; the proxy's own comes back as `url`, for the same database */
  static async open(url: string, protocol: ProtocolName, trap?: Trap): Promise<CrashProxy> {
    const { hostname, port } = new URL(url)
    const listener = createServer()
    const proxy = new CrashProxy(listener, { host: hostname, port: Number(port) }, protocol, trap)
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  urlFor(url: string): string {
    const through = new URL(url)
    through.host = `127.0.0.1:${(this.#listener.address() as AddressInfo).port}`
    return through.href
  }

  close(): void {
    this.#listener.close()
    this.#cutOff()
  }

  #cutOff(): void {
    for (const { client, server } of this.#connections) {
      client.destroy()
      server.destroy()
    }
  }

  #accept(client: Socket, server: Socket, protocol: ProtocolName): void {
    if (this.#stopped) {
      client.destroy()
      server.destroy()
      return
    }
    const message = this.messages.length
    this.messages.push({ text: '(logging in)', answers: 0 })
    const connection = { client, server, protocol: protocolOf(protocol), message, answers: 0, waiting: [] }
    this.#connections.add(connection)
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.setNoDelay(true)
      socket.on('error', () => other.destroy())
      socket.on('end', () => {
        if (!this.#stopped) other.end()
      })
      socket.on('close', () => {
        if (!this.#stopped) this.#connections.delete(connection)
      })
    }
    client.on('data', (chunk) => this.#fromClient(connection, chunk))
    server.on('data', (chunk) => this.#fromServer(connection, chunk))
  }

  #fromClient(connection: Connection, chunk: Buffer): void {
    for (const { bytes, text } of connection.protocol.fromClient(chunk)) {
      if (this.#stopped) return
      if (text !== null) {
        connection.message = this.messages.length
        connection.answers = 0
        this.messages.push({ text, answers: 0 })
      }
      if (connection.protocol.pipelined === true) connection.waiting.push(connection.message)
      const point = this.#pointOf(connection.message)
      if (point?.moment === 'before') {
        this.#spring()
        return
      }
      // Written at once, so that it is with the system when the callback is called.
      const last = point?.moment === 'sent'
      if (last) this.#stopped = true
      connection.server.write(bytes, () => {
        if (last) this.#spring()
      })
    }
  }

  #fromServer(connection: Connection, chunk: Buffer): void {
    for (const frame of connection.protocol.fromServer(chunk)) {
      if (this.#stopped) return
      this.#answer(connection, frame)
    }
  }

  #answer(connection: Connection, { bytes, answer }: ServerFrame): void {
    const { pipelined, endIsAnswer } = connection.protocol
    const asked = pipelined === true ? (connection.waiting.shift() ?? connection.message) : connection.message
    if (answer !== 'none') {
      if (pipelined === true) connection.answers = 0
      connection.answers += answer === 'part' || endIsAnswer ? 1 : 0
      const message = this.messages[asked]
      if (message !== undefined) message.answers = connection.answers
    }
    const point = this.#pointOf(asked)
    if (point?.moment === 'answered' && this.#trap?.stop === undefined) {
      if (answer === 'end') this.#spring()
      return
    }
    if (point?.moment === 'answered' && answer === 'end') {
      this.#trap?.stop?.()
      this.#trap = undefined
    }
    connection.client.write(bytes)
    if (point?.moment === 'heard' && answer !== 'none' && connection.answers === point.heard) this.#spring()
  }

  #pointOf(message: number): Point | undefined {
    const point = this.#trap?.point
    return point?.message === message ? point : undefined
  }

  #spring(): void {
    const trap = this.#trap
    this.#stopped = true
    if (trap?.comesBack !== true) this.#listener.close()
    void trap?.spring().then(() => {
      if (trap.comesBack === true) {
        this.#trap = undefined
        this.#cutOff()
        this.#connections.clear()
        this.#stopped = false
      } else this.close()
      this.#resolve()
    })
  }
}
