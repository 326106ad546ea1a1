import { MigrateError, type ErrorCode } from '../core/errors.js'
import { startOf, type Position } from '../core/position.js'

const LINE_FEED = 10
const RETURN = 13
const BYTE_ORDER_MARK = 0xfeff

/** Turns ascending offsets into positions; the text is read once, however many are asked for. */
export class Places {
  readonly #text: string
  readonly #origin: Position
  #offset = 0
  #line: number
  /** What to add to an offset for its column. */
  #shift: number

  constructor(text: string, origin: Position = startOf()) {
    this.#text = text
    this.#origin = origin
    this.#line = origin.line
    // Editors do not count a byte order mark.
    this.#shift = origin.column - (text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0)
  }

  /** @param offset not smaller than the one asked for before */
  at(offset: number): Position {
    const text = this.#text
    for (let index = this.#offset; index < offset; index += 1) {
      const code = text.charCodeAt(index)
      if (code === LINE_FEED || (code === RETURN && text.charCodeAt(index + 1) !== LINE_FEED)) {
        this.#line += 1
        this.#shift = -index
      }
    }
    this.#offset = Math.max(this.#offset, offset)
    const { file } = this.#origin
    const place = {
      line: this.#line,
      column: Math.max(1, offset + this.#shift),
      offset: this.#origin.offset + offset,
    }
    return file === undefined ? place : { file, ...place }
  }
}

/** An error in the text itself, at `offset` of it. */
export function sqlError(
  code: ErrorCode,
  message: string,
  text: string,
  offset: number,
  origin: Position | undefined,
  hint: string,
): MigrateError {
  return new MigrateError(code, message, { position: new Places(text, origin).at(offset), hint })
}
