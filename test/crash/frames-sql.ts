import { Frames, type ClientFrame, type Protocol, type ServerFrame } from './protocol.js'

const QUERY = 'Q'
const TERMINATE = 'X'

/** Type byte and length, except for the very first message, which has no type. */
export class PostgresProtocol implements Protocol {
  readonly endIsAnswer = false
  readonly #client = new Frames()
  readonly #server = new Frames()
  #begun = false

  fromClient(chunk: Buffer): ClientFrame[] {
    const length = (start: Buffer): number | null => {
      const at = this.#begun ? 1 : 0
      if (start.length < at + 4) return null
      const size = at + start.readInt32BE(at)
      this.#begun ||= start.length >= size
      return size
    }
    return this.#client.cut(chunk, length).map((bytes) => {
      const type = String.fromCharCode(bytes[0] ?? 0)
      if (type === QUERY) return { bytes, text: bytes.toString('utf8', 5, bytes.length - 1) }
      return { bytes, text: type === TERMINATE ? '(good-bye)' : null }
    })
  }

  fromServer(chunk: Buffer): ServerFrame[] {
    const length = (start: Buffer): number | null => (start.length < 5 ? null : 1 + start.readInt32BE(1))
    return this.#server.cut(chunk, length).map((bytes) => {
      const type = String.fromCharCode(bytes[0] ?? 0)
      if (type === 'Z') return { bytes, answer: 'end' }
      return { bytes, answer: type === 'C' || type === 'I' ? 'part' : 'none' }
    })
  }
}

const OK = 0x00
const EOF = 0xfe
const ERROR = 0xff
const COM_QUIT = 1
const COM_QUERY = 3
const MORE_RESULTS = 0x08
const LONGEST_EOF = 9

/** Three bytes of length and one that counts; a command of the client begins at zero. */
export class MysqlProtocol implements Protocol {
  readonly endIsAnswer = true
  readonly #client = new Frames()
  readonly #server = new Frames()
  #loggedIn = false
  /** What the next packet of an answer is. */
  #expects: 'result' | 'columns' | 'rows' = 'result'

  fromClient(chunk: Buffer): ClientFrame[] {
    return this.#client.cut(chunk, packetLength).map((bytes) => {
      if (!this.#loggedIn || bytes[3] !== 0) return { bytes, text: null }
      this.#expects = 'result'
      if (bytes[4] === COM_QUERY) return { bytes, text: textOf(bytes) }
      return { bytes, text: bytes[4] === COM_QUIT ? '(good-bye)' : '(another command)' }
    })
  }

  fromServer(chunk: Buffer): ServerFrame[] {
    return this.#server.cut(chunk, packetLength).map((bytes) => ({ bytes, answer: this.#answer(bytes) }))
  }

  #answer(packet: Buffer): ServerFrame['answer'] {
    const type = packet[4]
    if (!this.#loggedIn) {
      // The greeting has the number 0 too, but begins with the version of the protocol.
      this.#loggedIn = type === OK && packet[3] !== 0
      return this.#loggedIn ? 'end' : 'none'
    }
    if (type === ERROR) return 'end'
    const isEof = type === EOF && packet.length - 4 < LONGEST_EOF
    if (this.#expects === 'result') {
      if (type === OK) return this.#ended(statusOfOk(packet))
      this.#expects = 'columns'
    } else if (this.#expects === 'columns') {
      if (isEof) this.#expects = 'rows'
    } else if (isEof) {
      this.#expects = 'result'
      return this.#ended(packet.readUInt16LE(7))
    }
    return 'none'
  }

  #ended(status: number): 'part' | 'end' {
    return (status & MORE_RESULTS) === 0 ? 'end' : 'part'
  }
}

const packetLength = (start: Buffer): number | null => (start.length < 4 ? null : 4 + start.readUIntLE(0, 3))

/** The query's attributes, where there are any, come first. */
const textOf = (packet: Buffer): string => {
  let at = 5
  while ((packet[at] ?? 0x20) < 0x09) at += 1
  return packet.toString('utf8', at)
}

/** Affected rows and the last id, of 1 to 9 bytes each, come before it. */
function statusOfOk(packet: Buffer): number {
  const skip = (at: number): number => {
    const first = packet[at] ?? 0
    return at + (first < 0xfb ? 1 : first === 0xfc ? 3 : first === 0xfd ? 4 : 9)
  }
  return packet.readUInt16LE(skip(skip(5)))
}
