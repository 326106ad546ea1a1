import { upperWord, type Body } from './body.js'
import type { Lexer } from './lexer.js'

type State =
  | 'start'
  /** Nothing to follow: the next semicolon ends it. */
  | 'plain'
  /** A CREATE or ALTER whose object is not read yet. */
  | 'create'
  /** An object whose body is not known here: only a client's delimiter ends it surely. */
  | 'unknown'
  | 'bare-begin'
  | 'bare-label'
  // the header of a stored program, until its body begins
  | 'routine-name'
  | 'characteristics'
  | 'language'
  | 'returns'
  | 'event'
  | 'trigger'
  | 'trigger-order'
  | 'trigger-other'
  | 'declarations'
  // inside a body
  | 'statement'
  | 'label'
  /** Oracle's `<<label>>`. */
  | 'angles'
  | 'simple'
  | 'condition'
  | 'until'
  | 'declare'
  | 'handler'
  | 'handler-more'
  | 'closed'

/** Objects of CREATE and ALTER whose statement holds no other. */
const PLAIN_OBJECTS = new Set(
  (
    'TABLE TEMPORARY INDEX UNIQUE FULLTEXT SPATIAL VIEW DATABASE SCHEMA USER ROLE SERVER TABLESPACE UNDO LOGFILE ' +
    'SEQUENCE RESOURCE INSTANCE ONLINE OFFLINE IGNORE'
  ).split(' '),
)

/** What may stand between a procedure's parameters and its body. */
const CHARACTERISTICS = new Set(
  'COMMENT SQL NOT DETERMINISTIC CONTAINS NO READS MODIFIES DATA SECURITY DEFINER INVOKER'.split(' '),
)

/** What ends a condition; LOOP is Oracle's DO. */
const CONDITION_ENDS = new Set(['THEN', 'DO', 'LOOP'])

/** Beginnings of a function's body. */
const BODY_WORDS = new Set('BEGIN RETURN IF CASE LOOP WHILE REPEAT FOR'.split(' '))

/**
 * MySQL and MariaDB. Follows the body of a stored program statement by statement: blocks open and close only
 * where a statement begins, so that neither `IF(…)` nor `CASE … END` in an expression is taken for one.
 */
export class CompoundBody implements Body {
  readonly takesData = false
  readonly #bareCompounds: boolean
  #state: State = 'start'
  /** Open BEGIN, IF, CASE, LOOP, WHILE, REPEAT and FOR. */
  #depth = 0
  /** Open CASE expressions in a condition. */
  #cases = 0
  #parens = 0
  #isFunction = false
  #word = ''

  constructor(bareCompounds: boolean) {
    this.#bareCompounds = bareCompounds
  }

  reset(): void {
    this.#state = 'start'
    this.#depth = 0
    this.#cases = 0
    this.#parens = 0
    this.#isFunction = false
    this.#word = ''
  }

  semicolon(customDelimiter: boolean): boolean {
    switch (this.#state) {
      case 'start':
      case 'plain':
      case 'bare-begin':
      case 'bare-label':
        return true
      case 'create':
      case 'unknown':
        return !customDelimiter
      case 'declarations':
        return false
      default:
        if (this.#depth > 0) {
          this.#state = 'statement'
          this.#cases = 0
        }
        return this.#depth === 0 && !customDelimiter
    }
  }

  token(lexer: Lexer): void {
    if (this.#state === 'plain' || this.#state === 'closed' || this.#state === 'simple') return
    if (lexer.type === 'code-open' || lexer.type === 'code-close') return
    const word = upperWord(lexer)
    const sign = lexer.type === 'punctuation' ? lexer.text.charCodeAt(lexer.start) : 0
    switch (this.#state) {
      case 'start':
        this.#start(word, lexer)
        break
      case 'bare-begin':
        this.#state = word === 'NOT' ? 'statement' : 'plain'
        if (word === 'NOT') this.#depth = 1
        break
      case 'bare-label':
        this.#state = sign === 58 ? 'statement' : 'plain'
        break
      case 'create':
        this.#create(word)
        break
      case 'unknown':
        break
      case 'statement':
        if (sign === 60) this.#state = 'angles'
        else this.#statement(word, lexer)
        break
      case 'label':
        this.#state = sign === 58 ? 'statement' : 'simple'
        break
      case 'angles':
        if (sign === 62 && this.#word === '>') this.#state = 'statement'
        break
      case 'condition':
        this.#condition(word)
        break
      case 'until':
        if (word === 'CASE') this.#cases += 1
        else if (word === 'END') this.#end()
        break
      case 'declare':
        if (word === 'HANDLER' && this.#word !== 'DECLARE') this.#state = 'handler'
        else if (word !== 'CONTINUE' && word !== 'EXIT' && word !== 'UNDO') this.#state = 'simple'
        break
      case 'handler':
      case 'handler-more':
        this.#handler(word, sign, lexer)
        break
      default:
        this.#header(word, sign, lexer)
    }
    this.#word = sign === 41 ? ')' : sign === 62 ? '>' : word
  }

  #start(word: string, lexer: Lexer): void {
    if (word === 'CREATE' || word === 'ALTER') this.#state = 'create'
    else if (!this.#bareCompounds) this.#state = 'plain'
    else if (word === 'BEGIN') this.#state = 'bare-begin'
    else if (word !== 'RETURN' && BODY_WORDS.has(word)) this.#statement(word, lexer)
    else this.#state = 'bare-label'
  }

  #create(word: string): void {
    if (word === 'PROCEDURE' || word === 'FUNCTION') {
      this.#state = 'routine-name'
      this.#isFunction = word === 'FUNCTION'
      this.#parens = 0
    } else if (word === 'TRIGGER') this.#state = 'trigger'
    else if (word === 'EVENT') this.#state = 'event'
    else if (word === 'PACKAGE' || word === 'LIBRARY') this.#state = 'unknown'
    else if (PLAIN_OBJECTS.has(word)) this.#state = 'plain'
  }

  /** Words in front of the body. */
  #header(word: string, sign: number, lexer: Lexer): void {
    if (sign === 40) this.#parens += 1
    if (sign === 41) {
      this.#parens -= 1
      if (this.#parens === 0 && this.#state === 'routine-name') {
        this.#state = this.#isFunction ? 'returns' : 'characteristics'
        return
      }
    }
    if (this.#parens > 0) return
    switch (this.#state) {
      case 'routine-name':
      case 'declarations':
        this.#oracle(word)
        break
      case 'characteristics':
        if (word === 'LANGUAGE') this.#state = 'language'
        else if (word === 'AS' || word === 'IS' || word === 'USING') this.#as(word, lexer)
        else if (lexer.type !== 'string' && !CHARACTERISTICS.has(word)) this.#statement(word, lexer)
        break
      case 'language':
        this.#state = 'characteristics'
        break
      case 'returns':
        // Oracle's RETURN type stands where RETURNS does.
        if (word === 'RETURN' && this.#bareCompounds && this.#word === ')') break
        if (BODY_WORDS.has(word)) this.#statement(word, lexer)
        else if (sign === 58) this.#state = 'statement'
        else if (word === 'AS' || word === 'IS' || word === 'USING') this.#as(word, lexer)
        break
      case 'event':
        if (word === 'DO') this.#state = 'statement'
        break
      case 'trigger':
        if (word === 'ROW' && this.#word === 'EACH') this.#state = 'trigger-order'
        break
      case 'trigger-order':
        if (word === 'FOLLOWS' || word === 'PRECEDES') this.#state = 'trigger-other'
        else if (word === 'DECLARE' && this.#bareCompounds) this.#state = 'declarations'
        else this.#statement(word, lexer)
        break
      case 'trigger-other':
        this.#state = 'statement'
        break
      default:
    }
  }

  /** MySQL: a body in another language, quoted (`AS $$ … $$`). MariaDB: Oracle's declarations and block. */
  #as(word: string, lexer: Lexer): void {
    lexer.dollarBody = !this.#bareCompounds
    if (word !== 'USING') this.#oracle(word)
  }

  #oracle(word: string): void {
    if (!this.#bareCompounds) return
    if (word === 'AS' || word === 'IS') this.#state = 'declarations'
    else if (word === 'BEGIN' && this.#state === 'declarations') {
      this.#depth = 1
      this.#state = 'statement'
    }
  }

  /** The first token of a statement in a body. */
  #statement(word: string, lexer: Lexer): void {
    switch (word) {
      case 'BEGIN':
      case 'LOOP':
      case 'REPEAT':
        this.#depth += 1
        this.#state = 'statement'
        return
      // `BEGIN NOT ATOMIC`
      case 'NOT':
      case 'ATOMIC':
      case 'ELSE':
      case 'EXCEPTION':
        this.#state = 'statement'
        return
      case 'IF':
      case 'CASE':
      case 'WHILE':
      case 'FOR':
        this.#depth += 1
        this.#state = 'condition'
        return
      case 'ELSEIF':
      case 'ELSIF':
      case 'WHEN':
        this.#state = 'condition'
        return
      case 'UNTIL':
        this.#state = 'until'
        return
      case 'END':
        this.#end()
        return
      case 'DECLARE':
        this.#state = 'declare'
        return
      default:
        this.#state = lexer.type === 'word' || lexer.type === 'identifier' ? 'label' : 'simple'
    }
  }

  #condition(word: string): void {
    if (word === 'CASE') this.#cases += 1
    else if (word === 'END' && this.#cases > 0) this.#cases -= 1
    else if (CONDITION_ENDS.has(word) && this.#cases === 0) this.#state = 'statement'
  }

  /** Behind UNTIL an END may close a CASE expression, elsewhere it closes the block. */
  #end(): void {
    if (this.#cases > 0) {
      this.#cases -= 1
      return
    }
    this.#depth = Math.max(0, this.#depth - 1)
    this.#state = this.#depth === 0 ? 'closed' : 'simple'
  }

  /** `HANDLER FOR condition [, condition]… statement`. */
  #handler(word: string, sign: number, lexer: Lexer): void {
    if (this.#state === 'handler-more') {
      if (sign === 44) this.#state = 'handler'
      else this.#statement(word, lexer)
      return
    }
    // The words before the one that completes a condition.
    if (word === 'FOR' || word === 'SQLSTATE' || word === 'VALUE' || word === 'NOT') return
    this.#state = 'handler-more'
  }
}
