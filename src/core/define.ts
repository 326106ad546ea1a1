import { backfillText, type BackfillDefinition } from './backfill-operation.js'
import { Collection } from './collected.js'
import { parseDuration } from './duration.js'
import { MigrateError } from './errors.js'
import type { ExtensionPart, OperationExtension } from './extension.js'
import { startOf, type Position } from './position.js'
import type {
  CodeContext,
  Direction,
  RevisionHeader,
  RevisionScripts,
  RevisionSource,
  Script,
  ScriptPart,
  Timeouts,
} from './revision.js'

/** SQL text that a statement takes in as it is. Made by {@link Operations.raw}. */
export interface RawText {
  readonly raw: string
}

/** What a script is collected with. Nothing runs while it is: what must run is a step given to {@link Operations.run}. */
export interface Operations {
  /** The backend's name, for scripts that differ between databases: `postgres`. */
  readonly dialect: string
  /**
   * Adds SQL: one statement or several, as a template or as a string. What a template takes in with `${…}` must come
   * from {@link raw}; anything else is refused, because nothing would quote it.
   */
  sql(text: TemplateStringsArray | string, ...values: readonly RawText[]): ReversibleText
  /** Text that goes into a statement as it stands: a name or a number that the revision computes. */
  raw(text: string | number | bigint): RawText
  /**
   * Adds a step of code. It is handed the driver's own object, on the connection and in the transaction that does
   * the rest.
   * @param name what the step does, as plans and logs show it
   * @param options `down`: what undoes it, in `change`
   */
  run<Client = unknown>(name: string, step: CodeStep<Client>, options?: RunStepOptions<Client>): void
  /** Adds an UPDATE of one table that runs in batches, each a transaction of its own. Nothing undoes it, in `change`. */
  backfill(backfill: BackfillDefinition): void
  /**
   * Gives the statement or the step of code before it a query that tells whether it was applied, asked when a run ended
   * in it: one row whose first column is true or 1, or false or 0. One line of SQL.
   */
  verify(query: string): void
}

export type { BackfillDefinition }

export type CodeStep<Client = unknown> = (context: CodeContext<Client>) => unknown

export interface RunStepOptions<Client = unknown> {
  /** A step, or `nothing` where there is nothing to undo. */
  readonly down: CodeStep<Client> | 'nothing'
}

export interface ReversibleText {
  /** Says, in `change`, what undoes the text: one statement or several; empty where there is nothing to undo. */
  reverse(text: TemplateStringsArray | string, ...values: readonly RawText[]): void
}

/** SQL, or a synchronous function that collects it. */
export type ScriptBody<Op = Operations> = string | ((op: Op) => void)

/** A revision in code. `id`, `parents`, `message`, `labels` and `dependsOn` are literals: they are read without running it. */
export interface RevisionDefinition<Op = Operations> {
  readonly id: string
  /** Default: none, which makes it a base. */
  readonly parents?: readonly string[]
  readonly message?: string
  readonly labels?: readonly string[]
  readonly dependsOn?: readonly string[]
  /**
   * False runs its scripts without a transaction. Default: one for each, where the server has them. True asks for one: on
   * MongoDB it then holds what is created, too, and a server without transactions is refused; of the down only where
   * `{ down: true }` says so.
   */
  readonly transaction?: boolean | { readonly up?: boolean; readonly down?: boolean }
  /** How long its statements may wait for locks: `2s`, or seconds; 0 for no limit. Default: as it is configured. */
  readonly lockTimeout?: string | number
  /** How long its statements may run: `10m`, or seconds; 0 for no limit. Default: as it is configured. */
  readonly statementTimeout?: string | number
  readonly up?: ScriptBody<Op>
  /** Left out: the revision cannot be undone. */
  readonly down?: ScriptBody<Op>
  /** In place of `up` and `down`: what undoes it is derived, the last operation first. */
  readonly change?: (op: Op) => void
}

/** Finds the places of a definition in the file that it comes from. */
export interface Places {
  /** Of the call that is being made now; exactly of `text`, when that is given and found there. */
  here(text?: string): Position
  /** Where an error was thrown. */
  of(error: unknown): Position
}

const NOWHERE: Places = { here: () => startOf(), of: () => startOf() }

/** Copies of the library know each other's definitions by it. */
const MARK = Symbol.for('revgraph.definition')

const LISTS = ['parents', 'labels', 'dependsOn'] as const
const KNOWN: ReadonlySet<string> = new Set([
  ...['id', 'message', 'transaction', 'up', 'down', 'change'],
  ...['lockTimeout', 'statementTimeout'],
  ...LISTS,
])

/**
 * Defines a revision in TypeScript or JavaScript; the file exports it as its default.
 * @throws MigrateError MIG-FILE-SHAPE when something in it cannot be used
 */
export function defineRevision<Op = Operations>(definition: RevisionDefinition<Op>): RevisionDefinition<Op> {
  const problem = problemOf(definition)
  if (problem !== null) {
    throw new MigrateError('MIG-FILE-SHAPE', `defineRevision() was given something else: ${problem}.`, {
      hint: 'It takes { id, parents, message, labels, dependsOn, transaction, up(op), down(op) }, or change(op) in place of the two.',
    })
  }
  const marked = { ...definition }
  Object.defineProperty(marked, MARK, { value: true })
  return Object.freeze(marked)
}

/** True for what {@link defineRevision} returned, of this copy of the library or another. */
export function isDefinition(value: unknown): value is RevisionDefinition<never> {
  return typeof value === 'object' && value !== null && MARK in value
}

/** What is known of a definition without running its scripts. */
export function headerOf(definition: RevisionDefinition<never>): RevisionHeader {
  return {
    id: definition.id,
    parents: definition.parents ?? [],
    dependsOn: definition.dependsOn ?? [],
    labels: definition.labels ?? [],
    message: definition.message ?? '',
  }
}

/**
 * Runs a definition's functions to collect its scripts.
 * @param extensions backends' own operations, as members of `op`
 * @throws MigrateError MIG-FILE-SHAPE for a script that does more than collect or a change that cannot be undone,
 *   MIG-FILE-THROWS when one throws
 */
export function collectScripts<Op>(
  definition: RevisionDefinition<Op>,
  dialect: string,
  places: Places = NOWHERE,
  extensions: readonly OperationExtension[] = [],
): RevisionScripts {
  const { up = '', down, change } = definition
  const gather = (what: Direction | 'change', body: ScriptBody<Op>) =>
    collect(definition, what, body, { dialect, places, extensions })
  if (change !== undefined) {
    const collected = gather('change', change)
    return {
      up: scriptOf(definition, 'up', collected.parts),
      down: scriptOf(definition, 'down', collected.reversed()),
    }
  }
  return {
    up: scriptOf(definition, 'up', gather('up', up).parts),
    down: down === undefined ? null : scriptOf(definition, 'down', gather('down', down).parts),
  }
}

/** Revisions for a program that has no folder of them: in bundles and serverless functions. */
export function sourcesFromArray<Op>(
  definitions: readonly RevisionDefinition<Op>[],
  extensions: readonly OperationExtension[] = [],
): readonly RevisionSource[] {
  return definitions.map((given) => {
    const definition: RevisionDefinition<Op> = isDefinition(given) ? given : defineRevision(given)
    return {
      ...headerOf(definition),
      file: null,
      sourceHash: '',
      load: async (dialect) =>
        Promise.resolve(collectScripts(definition, firstOf(dialect), NOWHERE, extensions)),
    }
  })
}

/** The name that `op.dialect` has: the first of several. */
export function firstOf(dialect: string | readonly string[]): string {
  return typeof dialect === 'string' ? dialect : (dialect[0] ?? '')
}

interface Surroundings {
  readonly dialect: string
  readonly places: Places
  readonly extensions: readonly OperationExtension[]
}

function collect<Op>(
  definition: RevisionDefinition<Op>,
  what: Direction | 'change',
  body: ScriptBody<Op>,
  surroundings: Surroundings,
): Collection {
  const collection = new Collection(what, definition.id)
  const op = operations(surroundings, collection)
  if (typeof body === 'string') op.sql(body)
  else {
    // What the extensions add is what Op says, by whoever joins the two.
    const result = runBody(definition, what, body, extended(op, surroundings, collection) as Op, surroundings)
    collection.close()
    if (isPromise(result)) {
      result.then(undefined, () => undefined)
      throw notSynchronous(definition.id, what, surroundings.places)
    }
  }
  return collection
}

function scriptOf(
  definition: RevisionDefinition<never>,
  direction: Direction,
  parts: readonly ScriptPart[],
): Script {
  const { transaction } = definition
  const said = typeof transaction === 'object' ? transaction[direction] : transaction
  // What undoes a creation is seldom held by a transaction that holds the creation: of a down it is asked in so many words.
  const required = said === true && (direction === 'up' || typeof transaction === 'object')
  return {
    ...timeoutsOf(definition),
    parts,
    transaction: said ?? true,
    ...(required ? { transactionRequired: true } : {}),
    text: textOf(parts),
    codeSteps: parts.flatMap((part) => (part.kind === 'code' ? [part.name] : [])),
  }
}

function textPart(text: string, origin: Position): readonly ScriptPart[] {
  return text.trim() === '' ? [] : [{ kind: 'text', text, origin }]
}

function operations({ dialect, places }: Surroundings, collection: Collection): Operations {
  const textHere = (text: TemplateStringsArray | string, values: readonly RawText[]) => {
    const whole = typeof text === 'string' ? text : joined(text, values, places)
    const literal = typeof text === 'string' || (values.length === 0 && text.raw[0] === whole)
    return textPart(whole, literal ? places.here(whole) : places.here())
  }
  return {
    dialect,
    raw: (text) => Object.freeze({ raw: String(text) }),
    sql: (text, ...values) => {
      const [part] = textHere(text, values)
      const undo =
        part === undefined
          ? undefined
          : collection.add({
              ...{ call: 'op.sql', part, why: 'does not say what undoes it' },
              hint: 'Write op.sql`...`.reverse`...`, or up(op) and down(op) in place of change(op).',
            })
      return {
        reverse: (reversing, ...others) => {
          collection.refuseReverse('op.sql', places.here())
          undo?.(textHere(reversing, others))
        },
      }
    },
    run: (name, step, options) => {
      const origin = places.here()
      const wrong = wrongStep(name, step, options)
      if (wrong !== null) {
        throw new MigrateError('MIG-FILE-SHAPE', `op.run() takes ${wrong}.`, {
          position: origin,
          hint: "Write for example: op.run('fill in the slugs', async ({ client }) => { ... })",
        })
      }
      const words = name.replace(/\s+/g, ' ').trim()
      const call = `op.run('${words}')`
      if (options !== undefined) collection.refuseReverse(call, origin)
      const codePart = (run: CodeStep<never>): ScriptPart => ({ kind: 'code', name: words, run, origin })
      const down = options?.down
      collection.add({
        ...{ call, part: codePart(step), why: 'does not say what undoes it' },
        ...(down === undefined ? {} : { reverse: down === 'nothing' ? [] : [codePart(down)] }),
        hint: "Give it { down: async ({ client }) => { ... } } as the third argument, or { down: 'nothing' }.",
      })
    },
    backfill: (given) => {
      const origin = places.here()
      const text = backfillText(given)
      if (typeof text !== 'string') {
        throw new MigrateError('MIG-FILE-SHAPE', `op.backfill() takes ${text.problem}.`, {
          position: origin,
          hint: "Write for example: op.backfill({ table: 'users', set: { email: 'lower(email)' }, where: 'email <> lower(email)' })",
        })
      }
      const part = { kind: 'text' as const, text, origin }
      collection.add({ call: 'op.backfill', part, why: '', hint: '', reverse: [] })
    },
    verify: (given) => {
      const position = places.here(typeof given === 'string' ? given : undefined)
      collection.refuseLate(position)
      verifyLast(collection, given, position)
    },
  }
}

/** How a query below a statement begins, in a file of SQL. */
export const VERIFY_MARK = '-- migrate:verify'

/** In a file it stands below the statement; a step of code carries it. */
function verifyLast({ last }: Collection, given: unknown, position: Position): void {
  const fail = (message: string): MigrateError =>
    new MigrateError('MIG-FILE-SHAPE', message, {
      position,
      hint: "Write for example: op.verify('SELECT count(*) = 3 FROM kinds')",
    })
  if (typeof given !== 'string' || given.trim() === '' || /[\r\n]/.test(given.trim()))
    throw fail('op.verify() takes a query of SQL on one line.')
  if (last === null || (last.call !== 'op.sql' && !last.call.startsWith('op.run')))
    throw fail('op.verify() does not stand right behind op.sql or op.run().')
  const { part } = last
  const text = given.trim()
  if (part.kind === 'code') {
    if (part.verify !== undefined) throw fail(`${last.call} has two of op.verify().`)
    last.part = { ...part, verify: { text, position } }
  } else last.part = { ...part, text: `${part.text.trimEnd()}\n${VERIFY_MARK} ${text}\n` }
}

/** What is wrong with the arguments of `op.run`; null for nothing. */
function wrongStep(name: unknown, step: unknown, options: unknown): string | null {
  if (typeof name !== 'string' || name.trim() === '') return 'the name of the step first'
  if (typeof step !== 'function') return 'a function after its name'
  if (options === undefined) return null
  const down = typeof options === 'object' && options !== null && 'down' in options ? options.down : null
  if (typeof down === 'function' || down === 'nothing') return null
  return "{ down: a function or 'nothing' } as its third argument"
}

/** `op` with the backends' own operations. */
function extended(
  op: Operations,
  { dialect, places, extensions }: Surroundings,
  collection: Collection,
): object {
  const members = extensions.map((extension) => {
    const add = ({ call, text, reverse }: ExtensionPart): void => {
      const origin = places.here()
      collection.refuseLate(origin)
      if (dialect !== extension.dialect) throw otherDialect(call, extension.dialect, dialect, origin)
      for (const part of textPart(text, origin)) {
        const known = typeof reverse === 'string'
        collection.add({
          ...{ call, part },
          ...(known
            ? { reverse: textPart(reverse, origin), why: '', hint: '' }
            : { ...reverse, why: reverse.unknown }),
        })
      }
    }
    return [extension.name, extension.build(add)] as const
  })
  return { ...op, ...Object.fromEntries(members) }
}

function otherDialect(call: string, meant: string, dialect: string, position: Position): MigrateError {
  return new MigrateError('MIG-FILE-SHAPE', `${call} is for ${meant}, and this database is ${dialect}.`, {
    position,
    hint: `Ask first: if (op.dialect === '${meant}') { ... }`,
  })
}

function joined(text: TemplateStringsArray, values: readonly unknown[], places: Places): string {
  let whole = text[0] ?? ''
  values.forEach((value, index) => {
    if (!isRaw(value)) {
      throw new MigrateError(
        'MIG-FILE-SHAPE',
        `op.sql was given a ${value === null ? 'null' : typeof value} to put into a statement, and nothing would quote it.`,
        {
          position: places.here(),
          hint: 'Wrap it as ${op.raw(value)} if it may stand there as it is; values from outside belong in op.run(), with placeholders of the driver.',
        },
      )
    }
    whole += value.raw + (text[index + 1] ?? '')
  })
  return whole
}

function isRaw(value: unknown): value is RawText {
  return typeof value === 'object' && value !== null && 'raw' in value && typeof value.raw === 'string'
}

function runBody<Op>(
  definition: RevisionDefinition<Op>,
  what: Direction | 'change',
  body: (op: Op) => unknown,
  op: Op,
  { places }: Surroundings,
): unknown {
  try {
    return body.call(definition, op)
  } catch (error) {
    if (error instanceof MigrateError) {
      throw error.position === undefined ? error.with({ position: places.of(error) }) : error
    }
    throw new MigrateError(
      'MIG-FILE-THROWS',
      `${what}() of revision ${definition.id} threw: ${wordsOf(error)}`,
      { position: places.of(error), hint: 'Nothing of it was run.', cause: error },
    )
  }
}

/** What an error says, in one line; anything can be thrown. */
export function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.message || error.name : describe(error)
  return words.split('\n', 1)[0] ?? ''
}

function describe(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return typeof thrown
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function notSynchronous(id: string, what: Direction | 'change', places: Places): MigrateError {
  return new MigrateError(
    'MIG-FILE-SHAPE',
    `${what}() of revision ${id} returned a promise; it only collects what is to run, and must do so at once.`,
    {
      position: places.here(),
      hint: `Take "async" off it, and put what must wait into op.run('what it does', async ({ client }) => { ... }).`,
    },
  )
}

/** The script as it is stored: each statement closed, each step of code a comment with its name. */
function textOf(parts: readonly ScriptPart[], terminator = ';'): string {
  const texts = parts.map((part) => {
    if (part.kind === 'code') return `-- code: ${part.name}`
    const text = part.text.trim()
    if (text.endsWith(terminator)) return text
    // A semicolon behind a comment would belong to it.
    const last = text.slice(text.lastIndexOf('\n') + 1)
    return /--|#/.test(last) ? `${text}\n${terminator}` : `${text}${terminator}`
  })
  return texts.length === 0 ? '' : `${texts.join('\n\n')}\n`
}

/**
 * The text of a script for a backend whose statements are closed otherwise than with a semicolon.
 * @param terminator undefined for a semicolon
 */
export function scriptText(script: Script, terminator: string | undefined): string {
  const [only, ...others] = script.parts
  // A file's own section is stored as it stands there.
  const isFile = only?.kind === 'text' && others.length === 0 && only.text === script.text
  if (terminator === undefined || isFile) return script.text
  return textOf(script.parts, terminator)
}

function problemOf(definition: unknown): string | null {
  if (typeof definition !== 'object' || definition === null) return 'it takes an object'
  const given = new Map<string, unknown>(Object.entries(definition))
  const id = given.get('id')
  if (typeof id !== 'string' || id === '') return '"id" must be a string'
  for (const name of LISTS) {
    const list = given.get(name) ?? []
    const fits = Array.isArray(list) && list.every((item) => typeof item === 'string')
    if (!fits) return `"${name}" must be an array of strings`
  }
  if (typeof (given.get('message') ?? '') !== 'string') return '"message" must be a string'
  if (!isTransaction(given.get('transaction'))) {
    return '"transaction" must be true, false, or { up, down } of these'
  }
  for (const name of ['lockTimeout', 'statementTimeout']) {
    const time = given.get(name)
    if (time !== undefined && timeOf(time) === null) return `"${name}" must be a time, as '2s'`
  }
  const change = given.get('change')
  if (change !== undefined) {
    if (typeof change !== 'function') return '"change" must be a function'
    const other = ['up', 'down'].find((name) => given.get(name) !== undefined)
    if (other !== undefined) return `"change" stands for up and down, and "${other}" is there too`
  } else if (!isBody(given.get('up'))) return '"up" must be a function or SQL text'
  if (given.get('down') !== undefined && !isBody(given.get('down'))) {
    return '"down" must be a function or SQL text'
  }
  const unknown = [...given.keys()].find((key) => !KNOWN.has(key))
  return unknown === undefined ? null : `"${unknown}" is not known`
}

function timeOf(value: unknown): number | null {
  return typeof value === 'string' || typeof value === 'number' ? parseDuration(String(value)) : null
}

function timeoutsOf({ lockTimeout, statementTimeout }: RevisionDefinition<never>): { timeouts?: Timeouts } {
  const [lock, statement] = [timeOf(lockTimeout), timeOf(statementTimeout)]
  if (lock === null && statement === null) return {}
  return {
    timeouts: {
      ...(lock === null ? {} : { lockTimeoutMs: lock }),
      ...(statement === null ? {} : { statementTimeoutMs: statement }),
    },
  }
}

function isBody(value: unknown): boolean {
  return typeof value === 'function' || typeof value === 'string'
}

function isTransaction(value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return true
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).every(
      ([key, one]) => (key === 'up' || key === 'down') && (one === undefined || typeof one === 'boolean'),
    )
  )
}
