import { inverseRenaming, problemOfRenaming, renamesAgain } from './glob.js'
import { inverseSearch, searchOf, type SearchOperation } from './search.js'
import { commandOf } from './words.js'

/**
 * What a renaming does where there are keys of the new names: refuses before it renames any, so that what undoes it meets
 * its own alone; `MERGE` leaves each that is taken; `REPLACE` overwrites it.
 */
export type Taken = 'REFUSE' | 'MERGE' | 'REPLACE'

/** What is done to each key that a pattern matches. */
export type KeyAction =
  | { readonly name: 'RENAME'; readonly to: string; readonly taken: Taken }
  | { readonly name: 'DELETE' | 'PERSIST' }
  | { readonly name: 'EXPIRE'; readonly seconds: number; readonly onlyWithout: boolean }
  | { readonly name: 'RETYPE'; readonly type: KeyType }
  | { readonly name: 'TRANSFORM'; readonly lua: string }

export const KEY_TYPES = ['list', 'set', 'zset'] as const
export type KeyType = (typeof KEY_TYPES)[number]

/** The long steps that are revgraph's own: commands in a file that the session executes as many of the server's. */
export type Operation =
  | {
      readonly kind: 'keys'
      readonly pattern: string
      readonly action: KeyAction
      /** Keys a second, at most; 0 for no limit. */
      readonly rate: number
    }
  | { readonly kind: 'function-load' | 'function-unload'; readonly library: string; readonly code: string }
  | SearchOperation

/** What is wrong with a command, and what to write instead. */
export interface Problem {
  readonly message: string
  readonly hint: string
}

export const isProblem = (value: Operation | Problem): value is Problem => 'message' in value

const PREFIX = 'REVGRAPH.'

export function isOperation(words: readonly string[]): boolean {
  return words[0]?.toUpperCase().startsWith(PREFIX) === true
}

/** The operation of a command's words. */
export function operationOf(words: readonly string[]): Operation | Problem {
  const [name = '', ...rest] = words
  switch (name.toUpperCase()) {
    case 'REVGRAPH.KEYS':
      return keysOf(rest)
    case 'REVGRAPH.FUNCTION':
      return functionOf(rest)
    case 'REVGRAPH.SEARCHINDEX':
      return searchOf(rest)
    default:
      return {
        message: `There is no command ${name}.`,
        hint: 'There are REVGRAPH.KEYS, REVGRAPH.FUNCTION and REVGRAPH.SEARCHINDEX.',
      }
  }
}

const USAGE: Readonly<Record<KeyAction['name'], string>> = {
  RENAME: 'REVGRAPH.KEYS user:* RENAME account:* [MERGE|REPLACE]',
  DELETE: 'REVGRAPH.KEYS session:* DELETE',
  EXPIRE: 'REVGRAPH.KEYS cache:* EXPIRE 3600 [NX]',
  PERSIST: 'REVGRAPH.KEYS cache:* PERSIST',
  RETYPE: 'REVGRAPH.KEYS tags:* RETYPE set',
  TRANSFORM: `REVGRAPH.KEYS user:* TRANSFORM "redis.call('HDEL', KEYS[1], 'age')"`,
}

function keysOf([pattern, given = '', ...rest]: readonly string[]): Operation | Problem {
  const name = given.toUpperCase()
  if (pattern === undefined || pattern === '' || !isActionName(name)) {
    return {
      message: 'REVGRAPH.KEYS takes a pattern and what to do with the keys that match it.',
      hint: `Write for example: ${(Object.keys(USAGE) as KeyAction['name'][]).map((action) => USAGE[action]).join(' | ')}`,
    }
  }
  const wrong = (message: string): Problem => ({
    message,
    hint: `Write for example: ${USAGE[name]} [RATE 5000]`,
  })
  const words = [...rest]
  const rate = takeRate(words)
  if (rate === null) return wrong('RATE takes a number of keys a second.')
  const action = actionOf(name, pattern, words)
  if (typeof action === 'string') return wrong(action)
  if ('message' in action) return action
  if (words.length > 0) return wrong(`"${words.join(' ')}" is more than ${name} takes.`)
  return { kind: 'keys', pattern, action, rate }
}

const isActionName = (name: string): name is KeyAction['name'] => Object.hasOwn(USAGE, name)

/** Takes `RATE n` off the end; 0 when there is none, null when it is no number. */
function takeRate(words: string[]): number | null {
  if (words.at(-2)?.toUpperCase() !== 'RATE') return words.at(-1)?.toUpperCase() === 'RATE' ? null : 0
  const [, number = ''] = words.splice(-2)
  return /^[1-9]\d{0,8}$/.test(number) ? Number(number) : null
}

/** Takes its words; a text says what is wrong. */
function actionOf(name: KeyAction['name'], pattern: string, words: string[]): KeyAction | Problem | string {
  switch (name) {
    case 'DELETE':
    case 'PERSIST':
      return { name }
    case 'RENAME': {
      const to = words.shift()
      if (to === undefined || to === '') return 'RENAME takes the new name.'
      const problem = problemOfRenaming(pattern, to)
      if (problem !== null) return problem
      if (renamesAgain(pattern, to)) return over(pattern, to)
      return { name, to, taken: takeTaken(words) }
    }
    case 'EXPIRE': {
      const seconds = words.shift() ?? ''
      if (!/^[1-9]\d{0,10}$/.test(seconds)) return 'EXPIRE takes a number of seconds, 1 or more.'
      return { name, seconds: Number(seconds), onlyWithout: takeFlag(words, 'NX') }
    }
    case 'RETYPE': {
      const type = words.shift()?.toLowerCase()
      const known = KEY_TYPES.find((each) => each === type)
      return known === undefined ? `RETYPE takes ${KEY_TYPES.join(', ')}.` : { name, type: known }
    }
    case 'TRANSFORM': {
      const lua = words.shift()
      if (lua === undefined || lua.trim() === '')
        return 'TRANSFORM takes a script in Lua, run once a key as KEYS[1].'
      return { name, lua }
    }
  }
}

const over = (pattern: string, to: string): Problem => ({
  message: `Keys named like "${to}" match "${pattern}" again: they would be renamed over and over.`,
  hint: 'Give a pattern that the old names alone match, for example: REVGRAPH.KEYS user:[0-9]* RENAME user:v2:*',
})

function takeTaken(words: string[]): Taken {
  if (takeFlag(words, 'MERGE')) return 'MERGE'
  return takeFlag(words, 'REPLACE') ? 'REPLACE' : 'REFUSE'
}

function takeFlag(words: string[], flag: string): boolean {
  if (words[0]?.toUpperCase() !== flag) return false
  words.shift()
  return true
}

function functionOf([given = '', code, ...more]: readonly string[]): Operation | Problem {
  const action = given.toUpperCase()
  const library = code === undefined ? undefined : libraryOf(code)
  if (
    (action === 'LOAD' || action === 'UNLOAD') &&
    library !== undefined &&
    code !== undefined &&
    more.length === 0
  ) {
    return { kind: action === 'LOAD' ? 'function-load' : 'function-unload', library, code }
  }
  return {
    message: 'REVGRAPH.FUNCTION takes LOAD or UNLOAD and the code of one library, whose first line names it.',
    hint: `Write for example: REVGRAPH.FUNCTION LOAD "#!lua name=shop\\nredis.register_function('total', function() return 1 end)"`,
  }
}

/** `#!lua name=shop` */
function libraryOf(code: string): string | undefined {
  return /^#!\S+(?:[ \t]+\S+)*?[ \t]+name=(\w+)/.exec(code)?.[1]
}

/** The command that takes an operation back; null where nothing does. */
export function inverseOf(operation: Operation): string | null {
  switch (operation.kind) {
    case 'function-load':
      return commandOf(['REVGRAPH.FUNCTION', 'UNLOAD', operation.code])
    case 'function-unload':
      return commandOf(['REVGRAPH.FUNCTION', 'LOAD', operation.code])
    case 'search':
      return inverseSearch(operation)
    case 'keys': {
      const { action, pattern, rate } = operation
      if (action.name !== 'RENAME' || action.taken !== 'REFUSE') return null
      const back = inverseRenaming(pattern, action.to)
      if (problemOfRenaming(back.pattern, back.to) !== null || renamesAgain(back.pattern, back.to))
        return null
      // An application may have made keys of the old names since: those are left.
      return commandOf(['REVGRAPH.KEYS', back.pattern, 'RENAME', back.to, 'MERGE', ...rateWords(rate)])
    }
  }
}

const rateWords = (rate: number): string[] => (rate === 0 ? [] : ['RATE', String(rate)])
