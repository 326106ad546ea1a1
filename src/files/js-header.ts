import { MigrateError } from '../core/errors.js'
import type { RevisionHeader } from '../core/revision.js'
import { Tokens, Unterminated, stringValue, type Token } from './js-tokens.js'
import { detached, lineEnd, positionIn } from './source-text.js'

const CALL = 'defineRevision'

/** What may still be of interest behind the header: without it the rest of a file, most of it, need not be read. */
const OF_INTEREST = /defineRevision|\.\.\.|\b(?:id|message|parents|labels|dependsOn)["']?\s*[:,}]/g

const STRINGS = ['id', 'message'] as const
const LISTS = ['parents', 'labels', 'dependsOn'] as const

interface Found {
  id?: string
  message?: string
  parents?: readonly string[]
  labels?: readonly string[]
  dependsOn?: readonly string[]
}

/**
 * Reads a revision's header out of TypeScript or JavaScript without running it: the literals in the object that is
 * given to `defineRevision(`.
 * @param file for positions
 * @throws MigrateError MIG-FILE-SHAPE, MIG-FILE-EMPTY, MIG-FILE-COMPILE
 */
export function readCodeHeader(text: string, file: string): RevisionHeader {
  if (text.trim() === '') {
    throw new MigrateError('MIG-FILE-EMPTY', 'The file is empty.', {
      position: positionIn('', 0, file),
      hint: 'Delete it and write a new one with "migrate revision --ts -m ...".',
    })
  }
  try {
    return new HeaderReader(text, file).read()
  } catch (error) {
    if (!(error instanceof Unterminated)) throw error
    throw problem(
      'MIG-FILE-COMPILE',
      `This ${error.what} is never closed.`,
      'Close it.',
      text,
      file,
      error.offset,
    )
  }
}

/** Its members are private in TypeScript only: a new one is made for every file, and `#private` members cost more than all the reading. */
class HeaderReader {
  private readonly tokens: Tokens
  private readonly text: string
  private readonly file: string
  private readonly found: Found = {}
  private token: Token

  constructor(text: string, file: string) {
    this.text = text
    this.file = file
    this.tokens = new Tokens(text)
    this.token = this.tokens.next()
  }

  read(): RevisionHeader {
    const call = this.findCall()
    if (call === null) {
      throw this.shape(
        0,
        `The file has no ${CALL}({ ... }), so it is no revision.`,
        `Write "export default ${CALL}({ id: '...', up(op) { ... } })", or let the names of files that only help begin with "_".`,
      )
    }
    const second = this.body()
    const { id } = this.found
    if (id === undefined || id === '') {
      throw this.shape(call, `${CALL}() is given no id.`, "Write it first: id: '3f2a91c0b7de'.")
    }
    if (second !== null) {
      throw this.shape(
        second,
        `This is a second ${CALL}() in the file.`,
        'Give each revision a file of its own.',
      )
    }
    const { parents = [], dependsOn = [], labels = [], message = '' } = this.found
    return { id, parents, dependsOn, labels, message }
  }

  /**
   * Reads the object, and the rest of the file for another call; answers where that is.
   * A slash that was taken for something else can make the rest look unterminated. With the id at hand that is no
   * reason to refuse the file: the compiler knows better, and the module's own header is compared when it is loaded.
   */
  private body(): number | null {
    try {
      this.object()
      return this.findCall()
    } catch (error) {
      if (error instanceof Unterminated && this.found.id !== undefined) return null
      throw error
    }
  }

  /** Goes on to the `{` of the next call; answers where the call is. */
  private findCall(): number | null {
    let declared = false
    while (this.token.kind !== 'end') {
      const word = this.token.kind === 'word' ? this.here() : ''
      const { start } = this.token
      const isName = word === CALL && !declared
      declared = word === 'function'
      this.step()
      if (!isName) continue
      // Compilers write (0, revgraph_1.defineRevision)({ ... }).
      while (this.is(')')) this.step()
      if (this.is('<')) this.typeArguments()
      if (!this.is('(')) continue
      this.step()
      if (this.is('{')) return start
      throw this.shape(
        start,
        `${CALL}() must be given its object in place: it is read without running the file.`,
        `Write ${CALL}({ id: '...', ... }).`,
      )
    }
    return null
  }

  /** From the opening brace of the object to behind the closing one. */
  private object(): void {
    this.step()
    while (!this.is('}')) {
      if (this.token.kind === 'end') return
      if (this.is(',')) this.step()
      else this.property()
    }
    this.step()
  }

  private property(): void {
    if (this.is('.')) {
      throw this.shape(
        this.token.start,
        `What "..." spreads into ${CALL}() cannot be read without running the file.`,
        'Write the properties out.',
      )
    }
    const { start } = this.token
    const name = this.key()
    if (name === null || !isHeader(name)) {
      if (this.found.id !== undefined && this.nothingMore()) this.token = { ...this.token, kind: 'end' }
      else this.skipValue()
      return
    }
    if (!this.is(':')) throw this.notLiteral(name, start)
    this.step()
    const value = this.value(name)
    if (this.is('as') || this.is('satisfies')) this.skipValue()
    if (!this.is(',') && !this.is('}')) throw this.notLiteral(name, start)
    if (this.found[name] !== undefined) {
      throw this.shape(start, `"${name}" is given a second time.`, 'Keep one of them.')
    }
    Object.assign(this.found, { [name]: value })
  }

  private nothingMore(): boolean {
    OF_INTEREST.lastIndex = this.token.start
    return !OF_INTEREST.test(this.text)
  }

  /** The property's name; null when it is computed. Leaves the token behind it. */
  private key(): string | null {
    const { kind } = this.token
    const name = kind === 'word' ? this.here() : kind === 'string' ? stringValue(this.here()) : null
    if (name !== null) this.step()
    return name
  }

  private value(name: keyof Found): string | readonly string[] {
    const { start } = this.token
    if (isString(name)) return this.stringLiteral(name, start)
    if (!this.is('[')) throw this.notLiteral(name, start)
    this.step()
    const items: string[] = []
    while (!this.is(']')) {
      items.push(this.stringLiteral(name, start))
      if (this.is(',')) this.step()
      else if (!this.is(']')) throw this.notLiteral(name, start)
    }
    this.step()
    return items
  }

  private stringLiteral(name: string, start: number): string {
    if (this.token.kind !== 'string') throw this.notLiteral(name, start)
    const value = detached(stringValue(this.here()))
    this.step()
    return value
  }

  /** To the comma or brace that ends the property. */
  private skipValue(): void {
    let depth = 0
    while (this.token.kind !== 'end') {
      const char = this.token.kind === 'punctuation' ? this.here() : ''
      if (depth === 0 && (char === ',' || char === '}')) return
      if (char === '(' || char === '[' || char === '{') depth += 1
      else if (char === ')' || char === ']' || char === '}') depth -= 1
      this.step()
    }
  }

  private typeArguments(): void {
    let depth = 0
    do {
      if (this.is('<')) depth += 1
      else if (this.is('>')) depth -= 1
      this.step()
    } while (depth > 0 && this.token.kind !== 'end')
  }

  private step(): void {
    this.token = this.tokens.next()
  }

  private here(): string {
    return this.text.slice(this.token.start, this.token.end)
  }

  private is(text: string): boolean {
    const { kind, start, end } = this.token
    if (kind !== 'punctuation' && kind !== 'word') return false
    return end - start === text.length && this.text.startsWith(text, start)
  }

  private notLiteral(name: string, offset: number): MigrateError {
    const list = !isString(name)
    return this.shape(
      offset,
      `"${name}" must be a literal: it is read without running the file.`,
      list ? `Write it out, as ${name}: ['3f2a91c0b7de'].` : `Write it out, as ${name}: '...'.`,
    )
  }

  private shape(offset: number, message: string, hint: string): MigrateError {
    return problem('MIG-FILE-SHAPE', message, hint, this.text, this.file, offset)
  }
}

function isString(name: string): name is (typeof STRINGS)[number] {
  return (STRINGS as readonly string[]).includes(name)
}

function isHeader(name: string): name is keyof Found {
  return isString(name) || (LISTS as readonly string[]).includes(name)
}

function problem(
  code: 'MIG-FILE-SHAPE' | 'MIG-FILE-COMPILE',
  message: string,
  hint: string,
  text: string,
  file: string,
  offset: number,
): MigrateError {
  const source = text.slice(0, lineEnd(text, offset))
  return new MigrateError(code, message, { position: positionIn(text, offset, file), hint, source })
}
