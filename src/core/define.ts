import { MigrateError } from './errors.js'
import { startOf, type Position } from './position.js'
import type {
  CodeContext,
  Direction,
  RevisionHeader,
  RevisionScripts,
  RevisionSource,
  Script,
  ScriptPart,
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
  sql(text: TemplateStringsArray | string, ...values: readonly RawText[]): void
  /** Text that goes into a statement as it stands: a name or a number that the revision computes. */
  raw(text: string | number | bigint): RawText
  /**
   * Adds a step of code. It is handed the driver's own object, on the connection and in the transaction that does
   * the rest.
   * @param name what the step does, as plans and logs show it
   */
  run<Client = unknown>(name: string, step: (context: CodeContext<Client>) => unknown): void
}

/** SQL, or a synchronous function that collects it. */
export type ScriptBody = string | ((op: Operations) => void)

/** A revision in code. `id`, `parents`, `message`, `labels` and `dependsOn` are literals: they are read without running it. */
export interface RevisionDefinition {
  readonly id: string
  /** Default: none, which makes it a base. */
  readonly parents?: readonly string[]
  readonly message?: string
  readonly labels?: readonly string[]
  readonly dependsOn?: readonly string[]
  /** False runs its scripts without a transaction. Default: true, both. */
  readonly transaction?: boolean | { readonly up?: boolean; readonly down?: boolean }
  readonly up: ScriptBody
  /** Left out: the revision cannot be undone. */
  readonly down?: ScriptBody
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
const KNOWN: ReadonlySet<string> = new Set(['id', 'message', 'transaction', 'up', 'down', ...LISTS])

/**
 * Defines a revision in TypeScript or JavaScript; the file exports it as its default.
 * @throws MigrateError MIG-FILE-SHAPE when something in it cannot be used
 */
export function defineRevision(definition: RevisionDefinition): RevisionDefinition {
  const problem = problemOf(definition)
  if (problem !== null) {
    throw new MigrateError('MIG-FILE-SHAPE', `defineRevision() was given something else: ${problem}.`, {
      hint: 'It takes { id, parents, message, labels, dependsOn, transaction, up(op), down(op) }.',
    })
  }
  const marked = { ...definition }
  Object.defineProperty(marked, MARK, { value: true })
  return Object.freeze(marked)
}

/** True for what {@link defineRevision} returned, of this copy of the library or another. */
export function isDefinition(value: unknown): value is RevisionDefinition {
  return typeof value === 'object' && value !== null && MARK in value
}

/** What is known of a definition without running its scripts. */
export function headerOf(definition: RevisionDefinition): RevisionHeader {
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
 * @throws MigrateError MIG-FILE-SHAPE for a script that does more than collect, MIG-FILE-THROWS when one throws
 */
export function collectScripts(
  definition: RevisionDefinition,
  dialect: string,
  places: Places = NOWHERE,
): RevisionScripts {
  const { up, down } = definition
  return {
    up: collect(definition, 'up', up, dialect, places),
    down: down === undefined ? null : collect(definition, 'down', down, dialect, places),
  }
}

/** Revisions for a program that has no folder of them: in bundles and serverless functions. */
export function sourcesFromArray(definitions: readonly RevisionDefinition[]): readonly RevisionSource[] {
  return definitions.map((given) => {
    const definition = isDefinition(given) ? given : defineRevision(given)
    return {
      ...headerOf(definition),
      file: null,
      sourceHash: '',
      load: async (dialect) => Promise.resolve(collectScripts(definition, firstOf(dialect))),
    }
  })
}

/** The name that `op.dialect` has: the first of several. */
export function firstOf(dialect: string | readonly string[]): string {
  return typeof dialect === 'string' ? dialect : (dialect[0] ?? '')
}

function collect(
  definition: RevisionDefinition,
  direction: Direction,
  body: ScriptBody,
  dialect: string,
  places: Places,
): Script {
  const parts: ScriptPart[] = []
  let open = true
  const add = (part: ScriptPart): void => {
    if (!open) throw tooLate(definition, direction, part.origin)
    parts.push(part)
  }
  const op = operations(dialect, places, add)
  if (typeof body === 'string') op.sql(body)
  else {
    const result = runBody(definition, direction, body, op, places)
    open = false
    if (isPromise(result)) {
      result.then(undefined, () => undefined)
      throw notSynchronous(definition, direction, places)
    }
  }
  const { transaction } = definition
  return {
    parts,
    transaction: typeof transaction === 'object' ? (transaction[direction] ?? true) : (transaction ?? true),
    text: textOf(parts),
    codeSteps: parts.flatMap((part) => (part.kind === 'code' ? [part.name] : [])),
  }
}

function operations(dialect: string, places: Places, add: (part: ScriptPart) => void): Operations {
  return {
    dialect,
    raw: (text) => Object.freeze({ raw: String(text) }),
    sql: (text, ...values) => {
      const whole = typeof text === 'string' ? text : joined(text, values, places)
      const literal = typeof text === 'string' || (values.length === 0 && text.raw[0] === whole)
      const origin = literal ? places.here(whole) : places.here()
      if (whole.trim() !== '') add({ kind: 'text', text: whole, origin })
    },
    run: (name, step) => {
      const origin = places.here()
      const wrong =
        typeof name !== 'string' || name.trim() === ''
          ? 'the name of the step first'
          : typeof step === 'function'
            ? null
            : 'a function after its name'
      if (wrong !== null) {
        throw new MigrateError('MIG-FILE-SHAPE', `op.run() takes ${wrong}.`, {
          position: origin,
          hint: "Write for example: op.run('fill in the slugs', async ({ client }) => { ... })",
        })
      }
      add({ kind: 'code', name: name.replace(/\s+/g, ' ').trim(), run: step, origin })
    },
  }
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

function runBody(
  definition: RevisionDefinition,
  direction: Direction,
  body: (op: Operations) => unknown,
  op: Operations,
  places: Places,
): unknown {
  try {
    return body.call(definition, op)
  } catch (error) {
    if (error instanceof MigrateError) throw error
    throw new MigrateError(
      'MIG-FILE-THROWS',
      `${direction}() of revision ${definition.id} threw: ${wordsOf(error)}`,
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

function notSynchronous(definition: RevisionDefinition, direction: Direction, places: Places): MigrateError {
  return new MigrateError(
    'MIG-FILE-SHAPE',
    `${direction}() of revision ${definition.id} returned a promise; it only collects what is to run, and must do so at once.`,
    {
      position: places.here(),
      hint: `Take "async" off it, and put what must wait into op.run('what it does', async ({ client }) => { ... }).`,
    },
  )
}

function tooLate(definition: RevisionDefinition, direction: Direction, position: Position): MigrateError {
  return new MigrateError(
    'MIG-FILE-SHAPE',
    `${direction}() of revision ${definition.id} used op after it had returned.`,
    { position, hint: 'Call op only while the function runs, not in a callback that comes later.' },
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
  if (terminator === undefined || (only?.kind === 'text' && others.length === 0)) return script.text
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
  if (!isBody(given.get('up'))) return '"up" must be a function or SQL text'
  if (given.get('down') !== undefined && !isBody(given.get('down'))) {
    return '"down" must be a function or SQL text'
  }
  const unknown = [...given.keys()].find((key) => !KNOWN.has(key))
  return unknown === undefined ? null : `"${unknown}" is not known`
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
