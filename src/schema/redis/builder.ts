import { MigrateError } from '../../core/errors.js'
import { inverseOf, isProblem, operationOf, type KeyType } from './operations.js'
import { commandOf } from './words.js'

export interface KeysOptions {
  /** Keys a second, at most. Default: as fast as the server is. */
  readonly rate?: number
}

/** What is done to every key that a pattern matches: at least once, so each step bears being done twice. */
export interface RedisKeyOperations {
  /**
   * New names: what the wildcards of the pattern stand for goes where `to` has its `*`. Undone by the renaming back,
   * unless it merges or replaces.
   * @param options `merge`: keys whose new names are taken are left, and fail the revision when all others are done;
   * `replace`: overwrites those; default: where there is any key of the new names, none is renamed
   */
  rename(to: string, options?: { readonly merge?: boolean; readonly replace?: boolean }): void
  /** Not undone. */
  delete(): void
  /**
   * A time to live, in seconds. Not undone.
   * @param options `onlyWithout`: keys that have one keep it
   */
  setTtl(seconds: number, options?: { readonly onlyWithout?: boolean }): void
  /** Takes the time to live away. Not undone. */
  persist(): void
  /** A list, a set or a sorted set becomes another of these, with its members. Not undone. */
  retype(type: KeyType): void
  /**
   * A script in Lua for each key, which is its `KEYS[1]`. It must bear being run twice on the same key.
   * @param options `reverse`: the script that undoes it
   */
  transform(lua: string, options?: { readonly reverse?: string }): void
}

type Words = readonly (string | number)[]

/**
 * An index of the search module, behind an alias that applications ask for. A definition is what FT.CREATE takes behind
 * the name, word by word: `['ON', 'HASH', 'PREFIX', 1, 'product:', 'SCHEMA', 'name', 'TEXT']`.
 */
export interface RedisSearchIndexOperations {
  /**
   * Makes the index beside the one that the alias has, waits until it holds everything, and moves the alias to it. The old
   * one is left; `drop` it in a later revision. Undone by moving the alias back and dropping the index.
   */
  build(index: string, definition: Words): void
  /** Makes the index and waits until it holds everything; the alias stays where it is. Undone by dropping it. */
  create(index: string, definition: Words): void
  /**
   * Drops an index, not what is in it; refused while the alias is its own.
   * @param options `was`: its definition, to create it again
   */
  drop(index: string, options?: { readonly was?: Words }): void
}

/** Redis' operations. Each only collects commands, as a file of commands would have them. */
export interface RedisOperations {
  /** The keys that a pattern of Redis matches: `user:*`, `user:[0-9]*`. */
  keys(pattern: string, options?: KeysOptions): RedisKeyOperations
  /** Loads a library of functions (`#!lua name=shop` is its first line). Undone by putting back the one before. */
  function(code: string): void
  /** The index of the search module that has this alias. Refused in the plan where the server has none. */
  searchIndex(alias: string): RedisSearchIndexOperations
  /**
   * Any command of the server's, word by word: `op.redis.command(['SET', 'a', 1], { reverse: ['DEL', 'a'] })`.
   * @param options `reverse`: the command that undoes it
   */
  command(words: Words, options?: { readonly reverse?: Words }): void
}

type Reverse = string | { readonly unknown: string; readonly hint: string }
type Add = (part: { readonly call: string; readonly text: string; readonly reverse: Reverse }) => void

const UNKNOWN: Reverse = {
  unknown: 'is not undone by anything',
  hint: 'Write up(op) and down(op) in place of change(op).',
}
const UNSAID: Reverse = {
  unknown: 'does not say what undoes it',
  hint: 'Give it { reverse: ... }, or write up(op) and down(op) in place of change(op).',
}

/** @throws MigrateError MIG-FILE-SHAPE for arguments that make no command */
export function redisOperations(add: Add): RedisOperations {
  return {
    keys: (pattern, options) => keyOperations(add, pattern, options),
    function: (code) => own(add, 'op.redis.function()', ['REVGRAPH.FUNCTION', 'LOAD', code]),
    searchIndex: (alias) => searchOperations(add, alias),
    command: (words, options) => {
      const call = 'op.redis.command()'
      const text = commandText(call, words)
      const { reverse } = options ?? {}
      add({ call, text, reverse: reverse === undefined ? UNSAID : commandText(call, reverse) })
    },
  }
}

function keyOperations(add: Add, pattern: string, options: KeysOptions = {}): RedisKeyOperations {
  const on = `op.redis.keys(${JSON.stringify(pattern)})`
  const rate = options.rate === undefined ? [] : ['RATE', options.rate]
  const words = (...action: Words): Words => ['REVGRAPH.KEYS', pattern, ...action, ...rate]
  const put = (method: string, ...action: Words): void => own(add, `${on}.${method}()`, words(...action))
  return {
    rename: (to, { merge = false, replace = false } = {}) =>
      put('rename', 'RENAME', to, ...(replace ? ['REPLACE'] : merge ? ['MERGE'] : [])),
    delete: () => put('delete', 'DELETE'),
    setTtl: (seconds, { onlyWithout = false } = {}) =>
      put('setTtl', 'EXPIRE', seconds, ...(onlyWithout ? ['NX'] : [])),
    persist: () => put('persist', 'PERSIST'),
    retype: (type) => put('retype', 'RETYPE', type),
    transform: (lua, { reverse } = {}) => {
      const call = `${on}.transform()`
      const down = reverse === undefined ? UNSAID : ownText(call, words('TRANSFORM', reverse)).text
      add({ call, text: ownText(call, words('TRANSFORM', lua)).text, reverse: down })
    },
  }
}

function searchOperations(add: Add, alias: string): RedisSearchIndexOperations {
  const on = `op.redis.searchIndex(${JSON.stringify(alias)})`
  const put = (method: string, action: string, index: string, definition: unknown): void => {
    const call = `${on}.${method}()`
    if (!Array.isArray(definition))
      throw wrong(call, 'takes a definition as a list of texts and numbers', DEFINITION)
    const words = ['REVGRAPH.SEARCHINDEX', alias, action, index, ...(definition as Words)]
    const { text, reverse } = ownText(call, words, DEFINITION)
    add({ call, text, reverse: reverse ?? UNSAID_INDEX })
  }
  return {
    build: (index, definition) => put('build', 'BUILD', index, definition),
    create: (index, definition) => put('create', 'CREATE', index, definition),
    drop: (index, { was = [] } = {}) => put('drop', 'DROP', index, was),
  }
}

const DEFINITION =
  "Write for example: op.redis.searchIndex('products').build('products_v2', ['ON', 'HASH', 'PREFIX', 1, 'product:', 'SCHEMA', 'name', 'TEXT'])"
const UNSAID_INDEX: Reverse = {
  unknown: 'does not say what the index is',
  hint: 'Give it { was: [...] }, or write up(op) and down(op) in place of change(op).',
}

function own(add: Add, call: string, words: Words): void {
  const { text, reverse } = ownText(call, words)
  add({ call, text, reverse: reverse ?? UNKNOWN })
}

/** A command of revgraph's own, which a file could have as well, and what undoes it. */
function ownText(call: string, words: Words, example = EXAMPLE): { text: string; reverse: string | null } {
  if (!words.every(isWord))
    throw wrong(call, 'was given something that is neither a text nor a number', example)
  const operation = operationOf(words.map(String))
  if (isProblem(operation)) throw wrong(call, `makes no command: ${operation.message}`, operation.hint)
  return { text: commandOf(words), reverse: inverseOf(operation) }
}

const EXAMPLE = "Write for example: op.redis.keys('user:*').rename('account:*')"

function commandText(call: string, words: unknown): string {
  if (!Array.isArray(words) || words.length === 0 || !words.every(isWord)) {
    throw wrong(
      call,
      'takes a command as a list of texts and numbers',
      "Write for example: op.redis.command(['SET', 'a', 1], { reverse: ['DEL', 'a'] })",
    )
  }
  return commandOf(words)
}

const isWord = (value: unknown): value is string | number =>
  typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))

function wrong(call: string, what: string, hint: string): MigrateError {
  return new MigrateError('MIG-FILE-SHAPE', `${call} ${what.replace(/\.$/, '')}.`, { hint })
}
