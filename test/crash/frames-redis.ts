import { commandsIn, lengthOfReply } from '../servers/resp.js'
import { Frames, type ClientFrame, type Protocol, type ServerFrame } from './protocol.js'

/** What a connection begins with. */
const LOGGING_IN: ReadonlySet<string> = new Set(['AUTH', 'SELECT', 'CLIENT', 'INFO', 'PING', 'HELLO'])

/** Of one word. */
const LONGEST = 200

/** Arrays of words and answers of RESP 2; many commands may be under way. */
export class RedisProtocol implements Protocol {
  readonly endIsAnswer = true
  readonly pipelined = true
  readonly #client = new Frames()
  readonly #server = new Frames()

  fromClient(chunk: Buffer): ClientFrame[] {
    return this.#client.cut(chunk, lengthOfReply).map((bytes) => {
      const words = commandsIn(bytes)?.words ?? []
      const name = words[0]?.toUpperCase() ?? ''
      return { bytes, text: LOGGING_IN.has(name) ? null : textOf(name, words.slice(1)) }
    })
  }

  fromServer(chunk: Buffer): ServerFrame[] {
    return this.#server.cut(chunk, lengthOfReply).map((bytes) => ({ bytes, answer: 'end' }))
  }
}

/** The texts of scripts, which come first, are the same each time. */
const textOf = (name: string, words: readonly string[]): string =>
  [name, ...(name === 'EVAL' ? words.slice(1) : words).map((word) => word.slice(0, LONGEST))].join(' ')
