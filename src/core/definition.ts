import type { BackfillDefinition } from './backfill-operation.js'
import { parseDuration } from './duration.js'
import { MigrateError } from './errors.js'
import type { CodeContext, RevisionHeader, Timeouts } from './revision.js'

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
  return definitionOf(definition, 'defineRevision() was given something else')
}

/**
 * What was meant as a definition, made one.
 * @param complaint how the error begins where it is none
 * @throws MigrateError MIG-FILE-SHAPE
 */
export function definitionOf<Op>(
  definition: RevisionDefinition<Op>,
  complaint: string,
): RevisionDefinition<Op> {
  const problem = problemOf(definition)
  if (problem !== null) {
    throw new MigrateError('MIG-FILE-SHAPE', `${complaint}: ${problem}.`, {
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

/** What a definition says of how long things may take. */
export function timeoutsOf({ lockTimeout, statementTimeout }: RevisionDefinition<never>): {
  timeouts?: Timeouts
} {
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
