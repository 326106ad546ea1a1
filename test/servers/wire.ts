import { createServer, type Server, type Socket } from 'node:net'
import { BSON } from 'mongodb'
import { readBson } from './gateway-bson.js'

const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013

/** One message of MongoDB's wire protocol that asks something. */
export interface Request {
  readonly command: BSON.Document
  /** As it came, header and all. */
  readonly message: Buffer
  /** To nothing but an answer of this kind is listened; null where none is awaited. */
  readonly reply: ((document: BSON.Document) => Buffer) | null
}

/** What is sent back, as it is; null for nothing. */
export type Handler = (request: Request, socket: Socket) => Promise<Buffer | null>

export interface Listening {
  readonly port: number
  close(): Promise<void>
}

/** MongoDB's wire protocol, on a port of its own unless one is given. No compression, no authentication, no TLS. */
export async function listenForMessages(handler: (socket: Socket) => Handler, port = 0): Promise<Listening> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    serve(socket, handler(socket))
  })
  return {
    port: await listening(server, port),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function listening(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      if (address !== null && typeof address === 'object') resolve(address.port)
      else reject(new Error('no port from the system'))
    })
  })
}

/** Calls back with each message that has come in whole. */
export function eachMessage(socket: Socket, found: (message: Buffer) => void): void {
  let waiting: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk])
    while (waiting.length >= 4 && waiting.length >= waiting.readInt32LE(0)) {
      const length = waiting.readInt32LE(0)
      const message = waiting.subarray(0, length)
      waiting = waiting.subarray(length)
      found(message)
    }
  })
}

/** Messages of one connection are answered one after another, as a server does. */
function serve(socket: Socket, handler: Handler): void {
  let turn = Promise.resolve()
  eachMessage(socket, (message) => {
    turn = turn.then(async () => {
      const answer = await handler(requestOf(message), socket)
      if (answer !== null && !socket.destroyed) socket.write(answer)
    })
  })
}

/** What a message asks for. */
export const bodyOf = (message: Buffer): BSON.Document => asked(message).command

const isQueryMessage = (message: Buffer): boolean => message.readInt32LE(12) === OP_QUERY

const asked = (message: Buffer): { command: BSON.Document; silent: boolean } =>
  isQueryMessage(message) ? { command: queryOf(message), silent: false } : messageOf(message)

function requestOf(message: Buffer): Request {
  const isQuery = isQueryMessage(message)
  const { command, silent } = asked(message)
  const reply = (document: BSON.Document): Buffer => {
    const body = Buffer.from(BSON.serialize(document))
    const head = isQuery ? replyHead() : Buffer.from([0, 0, 0, 0, 0])
    const header = Buffer.alloc(16)
    header.writeInt32LE(16 + head.length + body.length, 0)
    header.writeInt32LE(message.readInt32LE(4), 8)
    header.writeInt32LE(isQuery ? OP_REPLY : OP_MSG, 12)
    return Buffer.concat([header, head, body])
  }
  return { command, message, reply: silent ? null : reply }
}

function replyHead(): Buffer {
  const head = Buffer.alloc(20)
  head.writeInt32LE(1, 16)
  return head
}

/** The first hello of an old handshake. */
function queryOf(message: Buffer): BSON.Document {
  const end = message.indexOf(0, 20)
  return readBson(message.subarray(end + 9))
}

/** A body, and sequences of documents that stand for arrays in it. */
function messageOf(message: Buffer): { command: BSON.Document; silent: boolean } {
  const flags = message.readUInt32LE(16)
  const end = message.length - ((flags & 1) === 1 ? 4 : 0)
  let command: BSON.Document = {}
  const sequences: [string, BSON.Document[]][] = []
  for (let at = 20; at < end;) {
    const kind = message[at]
    at += 1
    const size = message.readInt32LE(at)
    if (kind === 0) command = readBson(message.subarray(at, at + size))
    else {
      const nameEnd = message.indexOf(0, at + 4)
      const documents: BSON.Document[] = []
      for (let inside = nameEnd + 1; inside < at + size;) {
        const length = message.readInt32LE(inside)
        documents.push(readBson(message.subarray(inside, inside + length)))
        inside += length
      }
      sequences.push([message.toString('utf8', at + 4, nameEnd), documents])
    }
    at += size
  }
  for (const [name, documents] of sequences) command[name] = documents
  return { command, silent: (flags & 2) !== 0 }
}
