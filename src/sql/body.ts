import type { Lexer } from './lexer.js'

/** Follows one statement's tokens and says which semicolon ends it. */
export interface Body {
  /** Forgets the statement that ended. */
  reset(): void
  /** Takes a token that is neither blank nor comment nor a semicolon. */
  token(lexer: Lexer): void
  /** Takes a semicolon; true when the statement ends with it. */
  semicolon(customDelimiter: boolean): boolean
  /** Whether the lines behind the statement are data for it (COPY … FROM stdin). */
  readonly takesData: boolean
}

export function upperWord(lexer: Lexer, longest = 16): string {
  if (lexer.type !== 'word' || lexer.end - lexer.start > longest) return ''
  return lexer.text.slice(lexer.start, lexer.end).toUpperCase()
}
