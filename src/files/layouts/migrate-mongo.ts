import { firstOf, wordsOf } from '../../core/collect.js'
import { MigrateError } from '../../core/errors.js'
import { startOf, type Position } from '../../core/position.js'
import type { CodePart, Direction, RevisionScripts, RevisionSource, Script } from '../../core/revision.js'
import { readHead, readText } from '../bytes.js'
import type { FolderFile } from '../folder.js'
import { Tokens, Unterminated } from '../js-tokens.js'
import type { ModuleFile } from '../module-loader.js'
import { withoutCompiled } from '../revision-code.js'
import { readUnchanged } from '../revision-sql.js'
import { positionIn } from '../source-text.js'
import { refuseEqual, unsupported, wordsOfName } from './chain.js'
import type { Layout } from './layout.js'

const CODE = /(?<!\.d)\.[cm]?[jt]s$/
/** What the tool's own `create` copies. */
const SAMPLE = /^sample-migration\.\w+$/

/** Characters that an id may not have. */
const UNFIT = /[\s\p{Cc}\p{Cs}@:+^~,]/gu

/** Names of a last parameter by which migrate-mongo, up to its version 13, knew that a callback is wanted. */
const CALLBACK = /^(?:callback|cb|next|done)_?$/

/**
 * A module a step that exports `up(db, client)` and `down(db, client)`, in the order of their names, which are the ids. No
 * module is run to make the graph.
 */
export const migrateMongo: Layout = {
  name: 'migrate-mongo',
  summary: '20260114093000-title.js with up(db, client) and down(db, client), run on MongoDB',
  lists: { recursive: false, accepts: (name) => CODE.test(name) && !SAMPLE.test(name) },
  read(files: readonly FolderFile[]): RevisionSource[] {
    const steps = withoutCompiled(files).map((file) => ({ file, id: migrateMongoId(file.name) }))
    refuseEqual(
      steps.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      (a, b) => (a.id === b.id ? 0 : 1),
      ({ id, file }) => ({ version: id, file: file.shown }),
    )
    let parents: readonly string[] = []
    return steps.map(({ file, id }) => {
      const source = sourceOf(file, id, parents)
      parents = [id]
      return source
    })
  },
}

/** The file's name without its ending: a TypeScript file and what was compiled from it are one step. */
export function migrateMongoId(name: string): string {
  return name.replace(CODE, '').replace(UNFIT, '_')
}

function sourceOf(file: FolderFile, id: string, parents: readonly string[]): RevisionSource {
  const { hash } = readHead(file.path, file.shown)
  return {
    id,
    parents,
    dependsOn: [],
    labels: [],
    message: wordsOfName(file.name.replace(CODE, '').replace(/^\d+(?=[_-])/, '')),
    file: file.shown,
    sourceHash: hash,
    downPlace: '"down" beside its up',
    described: () => scriptsOf(exportsIn(readText(file.path, file.shown).text, file.shown), notRun),
    load: (dialect, signal) => load(file, hash, firstOf(dialect), signal),
  }
}

/** Where the exported functions are, without running the file; null for a `down` that is not there. */
interface Exports {
  readonly up: Position
  readonly down: Position | null
}

function exportsIn(text: string, shown: string): Exports {
  const found = new Map<string, Position>()
  try {
    const tokens = new Tokens(text)
    for (let token = tokens.next(); token.kind !== 'end'; token = tokens.next()) {
      const name = text.slice(token.start, token.end)
      if (token.kind === 'word' && (name === 'up' || name === 'down') && !found.has(name))
        found.set(name, positionIn(text, token.start, shown))
    }
  } catch (error) {
    // The compiler knows better, when it is the file's turn.
    if (!(error instanceof Unterminated)) throw error
  }
  const up = found.get('up')
  // Neither is named: the file hands on what another one exports.
  if (up === undefined && !found.has('down')) return { up: startOf(shown), down: startOf(shown) }
  return { up: up ?? startOf(shown), down: found.get('down') ?? null }
}

type Run = CodePart['run']

function scriptsOf({ up, down }: Exports, run: (direction: Direction) => Run): RevisionScripts {
  return {
    up: scriptOf('up', run('up'), up),
    down: down === null ? null : scriptOf('down', run('down'), down),
  }
}

/** Outside of a transaction of ours: the modules begin their own. */
function scriptOf(direction: Direction, run: Run, origin: Position): Script {
  const name = `${direction}()`
  return {
    parts: [{ kind: 'code', name, run, origin }],
    transaction: false,
    text: `-- code: ${name}\n`,
    codeSteps: [name],
  }
}

function notRun(): Run {
  return () => {
    throw new MigrateError('MIG-INTERNAL', 'A description was taken for a script.')
  }
}

async function load(
  file: FolderFile,
  hash: string,
  dialect: string,
  signal: AbortSignal | undefined,
): Promise<RevisionScripts> {
  const { path, shown } = file
  if (dialect !== 'mongodb') {
    throw unsupported(
      file,
      `a step of migrate-mongo, and the database is no MongoDB (${dialect})`,
      'Name a MongoDB in the URL, or another layout.',
    )
  }
  const { text } = readUnchanged(path, shown, hash)
  const module: ModuleFile = { path, shown, text }
  const { importModule } = await import('../module-loader.js')
  const exported = await importModule(module, signal)
  const places = exportsIn(text, shown)
  const up = functionOf(exported, 'up')
  const down = functionOf(exported, 'down')
  if (up === null) {
    throw new MigrateError('MIG-FILE-SHAPE', 'The file exports no function up().', {
      position: startOf(shown),
      hint: 'Write "export const up = async (db, client) => { ... }", or "module.exports = { up, down }" in CommonJS.',
    })
  }
  const runs = { up, down }
  const found = { up: places.up, down: down === null ? null : (places.down ?? startOf(shown)) }
  return scriptsOf(found, (direction) => caller(exported, runs[direction]))
}

type Step = (this: unknown, ...args: unknown[]) => unknown

function functionOf(exported: unknown, name: Direction): Step | null {
  const value: unknown = (exported as Readonly<Record<string, unknown>> | null | undefined)?.[name]
  return typeof value === 'function' ? (value as Step) : null
}

/** Calls it as migrate-mongo does: with the database and the client, and the module as `this`. */
function caller(exported: unknown, step: Step | null): Run {
  return async ({ client: access }) => {
    if (step === null) return
    const { db, client } = access as { readonly db: unknown; readonly client: unknown }
    const parameters = parametersOf(step)
    if (!CALLBACK.test(parameters.at(-1) ?? '')) {
      await step.call(exported, db, client)
      return
    }
    const args = parameters.length < 3 ? [db] : [db, client]
    await new Promise<void>((resolve, reject) => {
      const finished = (error: unknown): void => {
        if (error === undefined || error === null) resolve()
        else reject(error instanceof Error ? error : new Error(wordsOf(error)))
      }
      step.call(exported, ...args, finished)
    })
  }
}

/** Names of a function's parameters; none where they are more than names. */
function parametersOf(step: Step): readonly string[] {
  const source = Function.prototype.toString.call(step)
  const [, list, only] =
    /^(?:async\s+)?(?:function\s*\w*\s*|\w+\s*)?(?:\(([^()]*)\)|(\w+)\s*=>)/.exec(source) ?? []
  return (list ?? only ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
