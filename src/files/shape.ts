import * as v from 'valibot'
import { shown } from '../core/names.js'
import { nearest } from '../core/wording.js'

type Entries = Readonly<Record<string, v.GenericSchema>>

export const text = v.string('must be text')

/** Named options, and no others. */
export function group<E extends Entries>(entries: E) {
  // An array is an object too, without options.
  const object = v.custom<object>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    GROUP,
  )
  return v.pipe(object, v.strictObject(entries, GROUP))
}

export const GROUP = 'must be a group of named options'

/** The first thing in a value that does not fit. */
export interface Misfit {
  /** Where: empty for the value itself. */
  readonly path: readonly (string | number)[]
  /** The same, as it is written: `metadata.prefix`, `targets[2]`. */
  readonly name: string
  /** What it may be and what it is, or that there is no such option: the end of a sentence. */
  readonly problem: string
  /** Of an option that there is not: what to write instead. */
  readonly hint: string | null
}

/** Looks whether a value fits a schema. No value is in the answer but numbers and words that were to be one of several. */
export function misfitOf(schema: v.GenericSchema, value: unknown): Misfit | null {
  const result = v.safeParse(schema, value, { abortEarly: true })
  if (result.success) return null
  const [issue] = result.issues
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)))
  const name = path.reduce<string>(
    (before, key) =>
      typeof key === 'number' ? `${before}[${key}]` : before === '' ? key : `${before}.${key}`,
    '',
  )
  const at = { path, name: shown(name) }
  if (issue.type !== 'strict_object') {
    return { ...at, problem: `${issue.message}; it is ${kindOf(issue)}`, hint: null }
  }
  if (issue.expected !== 'never') return { ...at, problem: 'is missing', hint: null }
  const known = optionsBeside(schema, path)
  const [meant] = nearest(String(path.at(-1)), known)
  const hint = meant === undefined ? `There are ${known.join(', ')}.` : `Write "${meant}".`
  return { ...at, problem: 'is no option', hint }
}

function kindOf({ kind, type, input }: v.BaseIssue<unknown>): string {
  if (input === undefined) return 'missing'
  if (input === null || typeof input === 'boolean') return String(input)
  if (typeof input === 'string') return type === 'picklist' ? `"${shown(input)}"` : 'text'
  if (typeof input === 'number' && (kind === 'validation' || Number.isNaN(input))) return String(input)
  if (Array.isArray(input)) return 'a list'
  return typeof input === 'object' ? 'an object' : `a ${typeof input}`
}

/** Names of the options in the group that the path's last name stands in. */
function optionsBeside(schema: v.GenericSchema, path: readonly (string | number)[]): readonly string[] {
  const inner = path.slice(0, -1).reduce<unknown>((at, key) => {
    const whole = bare(at)
    if (isMember(whole, 'entries')) return (whole.entries as Record<string, unknown>)[key]
    return isMember(whole, 'value') ? whole.value : isMember(whole, 'item') ? whole.item : undefined
  }, schema)
  const whole = bare(inner)
  const names = isMember(whole, 'entries') ? Object.keys(whole.entries as object) : []
  return names.filter((name) => name !== '$schema')
}

/** Without what says that it may be left out, and what is looked at before. */
function bare(schema: unknown): unknown {
  if (isMember(schema, 'pipe')) return bare((schema.pipe as readonly unknown[]).at(-1))
  return isMember(schema, 'wrapped') ? bare(schema.wrapped) : schema
}

function isMember<K extends string>(value: unknown, name: K): value is Record<K, unknown> {
  return typeof value === 'object' && value !== null && name in value
}
