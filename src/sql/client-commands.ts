import { isBlank } from './chars.js'
import type { Lexer } from './lexer.js'

/** psql commands that change only what psql prints. */
const HARMLESS = new Set([
  'restrict',
  'unrestrict',
  'echo',
  'qecho',
  'warn',
  'pset',
  'timing',
  'a',
  'C',
  'f',
  'H',
  't',
  'T',
  'x',
  'conninfo',
])

/** psql's own variables that change only what it prints, and the one that everybody here has on. */
const HARMLESS_VARIABLES = new Set([
  'ON_ERROR_STOP',
  'QUIET',
  'VERBOSITY',
  'ECHO',
  'ECHO_HIDDEN',
  'SHOW_CONTEXT',
  'SHOW_ALL_RESULTS',
  'HIDE_TABLEAM',
  'HIDE_TOAST_COMPRESSION',
  'PROMPT1',
  'PROMPT2',
  'PROMPT3',
  'HISTFILE',
  'HISTSIZE',
  'HISTCONTROL',
])

const PSQL_HINTS: Readonly<Record<string, string>> = {
  connect: 'One run works on one database: give that database its own revisions and its own --url.',
  copy: 'Write COPY … FROM stdin with the rows behind it, or load the file in a code step.',
  i: 'Put the text of the included file here, or make it a revision of its own.',
  g: 'End the statement with a semicolon.',
  gexec: 'Write it as DO $$ … EXECUTE … $$.',
  set: 'psql variables are not known here: write the value itself.',
  if: 'Write it as DO $$ BEGIN IF … END IF; END $$, or as a code step.',
  encoding: 'Save the file as UTF-8.',
}
const PSQL_SAME: Readonly<Record<string, string>> = {
  c: 'connect',
  ir: 'i',
  include: 'i',
  include_relative: 'i',
  gx: 'g',
  gset: 'set',
  unset: 'set',
  prompt: 'set',
  elif: 'if',
  else: 'if',
  endif: 'if',
}

/** @param line from the backslash to the end of the line */
export function isHarmlessMetaCommand(line: string): boolean {
  // A further backslash begins a further command, or SQL again.
  if (line.includes('\\', 1)) return false
  const [command = '', argument = ''] = line.slice(1).trim().split(/\s+/)
  if (command === 'set') return HARMLESS_VARIABLES.has(argument)
  if (command === 'encoding') return /^'?utf-?8'?$/i.test(argument)
  return HARMLESS.has(command)
}

/** The error for a client's command that means something, at the offset where it begins. */
export function refuseMetaCommand(lexer: Lexer, offset: number): Error {
  const line = /[^\r\n]*/.exec(lexer.text.slice(offset, offset + 200))?.[0] ?? ''
  const command = /^\S+/.exec(line)?.[0] ?? line
  const client = lexer.rules.client
  const known = command.slice(1).replace(/;$/, '')
  const hint =
    client === 'psql'
      ? (PSQL_HINTS[PSQL_SAME[known] ?? known] ?? 'Leave it out, or write SQL that does the same.')
      : 'Leave it out, or write SQL that does the same.'
  return lexer.error('MIG-SQL-META-COMMAND', `${command} is a command of ${client}, not SQL.`, offset, hint)
}

/** What an argument of DELIMITER looks like where the word could also be a column of an unfinished statement. */
const SURELY_DELIMITER = /^[;/$|\\@%^&~!]+$/

/**
 * The argument of `DELIMITER`, or undefined when the word is not that command.
 * @param end where its line ends
 * @param fresh no statement has begun: then it is the command, whatever follows
 */
export function readDelimiter(lexer: Lexer, end: number, fresh: boolean): string | undefined {
  const { text } = lexer
  if (lexer.end < end && !isBlank(text.charCodeAt(lexer.end))) return undefined
  const argument = /^\s*('[^']+'|"[^"]+"|`[^`]+`|\S+)?/.exec(text.slice(lexer.end, end))?.[1]
  if (argument === undefined) {
    if (!fresh) return undefined
    throw lexer.error(
      'MIG-SQL-META-COMMAND',
      'DELIMITER needs the characters that are to end a statement.',
      lexer.start,
      'Write them on the same line: DELIMITER //',
    )
  }
  const delimiter = /^(['"`]).*\1$/.test(argument) ? argument.slice(1, -1) : argument
  if (!fresh && !SURELY_DELIMITER.test(delimiter)) return undefined
  return delimiter
}
