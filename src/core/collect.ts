import { Collection } from './collected.js'
import { definitionOf, headerOf, isDefinition, timeoutsOf } from './definition.js'
import type { RevisionDefinition, ScriptBody } from './definition.js'
import { MigrateError } from './errors.js'
import type { OperationExtension } from './extension.js'
import { extended, NOWHERE, operations, type Places, type Surroundings } from './operations.js'
import type { Direction, RevisionScripts, RevisionSource, Script, ScriptPart } from './revision.js'

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
  return definitions.map((given, index) => {
    const definition: RevisionDefinition<Op> = isDefinition(given)
      ? given
      : definitionOf(given, `"revisions[${index}]" is no revision`)
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
      {
        position: places.of(error),
        state: 'Nothing of it was run.',
        hint: 'Correct the file, and give the same command again.',
        cause: error,
      },
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
