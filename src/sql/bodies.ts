import { upperWord, type Body } from './body.js'
import { CompoundBody } from './compound.js'
import type { Lexer } from './lexer.js'
import type { DialectRules } from './rules.js'

export function bodyFor(rules: DialectRules): Body {
  if (rules.bodies === 'compound') return new CompoundBody(rules.bareCompounds)
  return rules.bodies === 'atomic' ? new AtomicBody() : new TriggerBody()
}

/** First words of the PostgreSQL statements that are followed. */
const OPENINGS: Readonly<Record<string, 'create' | 'copy' | 'set'>> = {
  CREATE: 'create',
  COPY: 'copy',
  SET: 'set',
}

/**
 * PostgreSQL. Semicolons end nothing in the `BEGIN ATOMIC … END` body of a routine, where every statement has
 * one, so that the closing END is the one right behind a semicolon; nor in the parentheses of a rule.
 */
class AtomicBody implements Body {
  #state: 'start' | 'plain' | 'create' | 'routine' | 'begin' | 'atomic' | 'rule' | 'copy' | 'set' = 'start'
  #parens = 0
  /** The statement in the atomic body has ended (or none has begun). */
  #between = false
  #word = ''
  #count = 0
  takesData = false

  reset(): void {
    this.#state = 'start'
    this.#parens = 0
    this.#between = false
    this.#word = ''
    this.#count = 0
    this.takesData = false
  }

  token(lexer: Lexer): void {
    switch (this.#state) {
      case 'plain':
        return
      case 'start': {
        const word = upperWord(lexer)
        this.#state = OPENINGS[word] ?? 'plain'
        return
      }
      case 'set':
        this.#set(lexer)
        return
      case 'create': {
        const word = upperWord(lexer)
        if (word === 'FUNCTION' || word === 'PROCEDURE') this.#state = 'routine'
        else if (word === 'RULE') this.#state = 'rule'
        else if (word !== 'OR' && word !== 'REPLACE') this.#state = 'plain'
        return
      }
      case 'rule':
        this.#paren(lexer)
        return
      case 'routine':
        this.#paren(lexer)
        if (this.#parens === 0 && upperWord(lexer) === 'BEGIN') this.#state = 'begin'
        return
      case 'begin':
        this.#state = upperWord(lexer) === 'ATOMIC' ? 'atomic' : 'routine'
        this.#between = true
        return
      case 'atomic':
        if (this.#between && upperWord(lexer) === 'END') this.#state = 'plain'
        this.#between = false
        return
      case 'copy':
        this.#copy(lexer)
    }
  }

  semicolon(): boolean {
    if (this.#state === 'atomic') {
      this.#between = true
      return false
    }
    return !(this.#state === 'rule' && this.#parens > 0)
  }

  #paren(lexer: Lexer): void {
    if (lexer.type !== 'punctuation') return
    const code = lexer.text.charCodeAt(lexer.start)
    if (code === 40) this.#parens += 1
    else if (code === 41 && this.#parens > 0) this.#parens -= 1
  }

  /** `SET standard_conforming_strings = off`, which old dumps have, changes how the rest is read. */
  #set(lexer: Lexer): void {
    this.#count += 1
    const word = upperWord(lexer, 40)
    if (this.#word === 'STANDARD_CONFORMING_STRINGS' && word !== 'TO' && lexer.type !== 'punctuation') {
      lexer.escapes = /^'?(?:off|false|no|0)'?$/i.test(lexer.text.slice(lexer.start, lexer.end))
      this.#state = 'plain'
    } else if (word !== '' && word !== 'TO') {
      this.#word = word
    }
    if (this.#count > 4) this.#state = 'plain'
  }

  #copy(lexer: Lexer): void {
    this.#count += 1
    this.#paren(lexer)
    const word = upperWord(lexer)
    // `COPY (query) TO …` has its parenthesis first; behind FROM or TO it is decided.
    if ((this.#count === 1 && this.#parens > 0) || (this.#parens === 0 && word === 'TO'))
      this.#state = 'plain'
    else if (this.#parens === 0 && this.#word === 'FROM') {
      // STDOUT is understood here as well.
      this.takesData = word === 'STDIN' || word === 'STDOUT'
      this.#state = 'plain'
    }
    this.#word = word
  }
}

/** SQLite: in a trigger every statement has a semicolon; the END that closes it is the one right behind one. */
class TriggerBody implements Body {
  #state: 'start' | 'plain' | 'create' | 'header' | 'body' | 'closed' = 'start'
  #between = false
  readonly takesData = false

  reset(): void {
    this.#state = 'start'
    this.#between = false
  }

  token(lexer: Lexer): void {
    if (this.#state === 'plain') return
    const word = upperWord(lexer)
    switch (this.#state) {
      case 'start':
        if (word === 'CREATE') this.#state = 'create'
        else if (word !== 'EXPLAIN' && word !== 'QUERY' && word !== 'PLAN') this.#state = 'plain'
        return
      case 'create':
        if (word === 'TRIGGER') this.#state = 'header'
        else if (word !== 'TEMP' && word !== 'TEMPORARY') this.#state = 'plain'
        return
      case 'header':
        if (word === 'BEGIN') this.#state = 'body'
        return
      default:
        this.#state = this.#between && word === 'END' ? 'closed' : 'body'
        this.#between = false
    }
  }

  semicolon(): boolean {
    if (this.#state !== 'body') return true
    this.#between = true
    return false
  }
}
