import { backfillText } from './backfill-operation.js'
import type { Collection } from './collected.js'
import type { CodeStep, Operations, RawText } from './definition.js'
import { MigrateError } from './errors.js'
import type { ExtensionPart, OperationExtension } from './extension.js'
import { startOf, type Position } from './position.js'
import type { ScriptPart } from './revision.js'

/** Finds the places of a definition in the file that it comes from. */
export interface Places {
  /** Of the call that is being made now; exactly of `text`, when that is given and found there. */
  here(text?: string): Position
  /** Where an error was thrown. */
  of(error: unknown): Position
}

/** Of a definition that no file is known of. */
export const NOWHERE: Places = { here: () => startOf(), of: () => startOf() }
/** What a script is collected with besides its own functions. */
export interface Surroundings {
  readonly dialect: string
  readonly places: Places
  readonly extensions: readonly OperationExtension[]
}

function textPart(text: string, origin: Position): readonly ScriptPart[] {
  return text.trim() === '' ? [] : [{ kind: 'text', text, origin }]
}

/** What a script calls, each call adding to the collection. */
export function operations({ dialect, places }: Surroundings, collection: Collection): Operations {
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
      const part = { kind: 'text' as const, text, origin, made: true }
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
export function extended(
  op: Operations,
  { dialect, places, extensions }: Surroundings,
  collection: Collection,
): object {
  const members = extensions.map((extension) => {
    const add = ({ call, text, reverse }: ExtensionPart): void => {
      const origin = places.here()
      collection.refuseLate(origin)
      if (dialect !== extension.dialect) throw otherDialect(call, extension.dialect, dialect, origin)
      const made = (text: string) => textPart(text, origin).map((part) => ({ ...part, made: true }))
      for (const part of made(text)) {
        const known = typeof reverse === 'string'
        collection.add({
          ...{ call, part },
          ...(known ? { reverse: made(reverse), why: '', hint: '' } : { ...reverse, why: reverse.unknown }),
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
