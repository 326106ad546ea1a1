import { BSON } from 'mongodb'
import { bodyOf } from '../servers/wire.js'
import { Frames, type ClientFrame, type Protocol, type ServerFrame } from './protocol.js'

/** What drivers ask to know whom they talk to, in the background as well. */
const WATCHING: ReadonlySet<string> = new Set(['hello', 'ismaster', 'isMaster', 'ping', 'buildInfo'])

/** Of every command: whose it is, and how it is to be done. */
const ENVELOPE = ['$db', 'lsid', '$clusterTime', '$readPreference', 'readConcern', 'writeConcern']

/** Length, number, number of what it answers, kind of message. */
const HEADER_BYTES = 16

/** Messages with a header; one command at a time on each connection, and as many connections as are wanted. */
export class MongoProtocol implements Protocol {
  readonly endIsAnswer = true
  readonly reconnects = true
  readonly #client = new Frames()
  readonly #server = new Frames()

  fromClient(chunk: Buffer): ClientFrame[] {
    return this.#client.cut(chunk, lengthOf).map((bytes) => {
      const command = bodyOf(bytes)
      const [name = ''] = Object.keys(command)
      if (WATCHING.has(name)) return { bytes, text: null }
      if (name === 'endSessions') return { bytes, text: '(good-bye)' }
      const plain = Object.fromEntries(Object.entries(command).filter(([key]) => !ENVELOPE.includes(key)))
      return { bytes, text: BSON.EJSON.stringify(plain, { relaxed: true }) }
    })
  }

  fromServer(chunk: Buffer): ServerFrame[] {
    return this.#server.cut(chunk, lengthOf).map((bytes) => ({ bytes, answer: 'end' }))
  }
}

const lengthOf = (start: Buffer): number | null => (start.length < HEADER_BYTES ? null : start.readInt32LE(0))
