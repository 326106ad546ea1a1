import { Head } from './head.js'
import { readKind } from './kind.js'
import { RULES } from './rules.js'

/**
 * What a statement of PostgreSQL changes in the catalogue that cannot be in one transaction with its row of the journal.
 * Names are in parts as they are typed, with their quotes: the server folds and cuts them.
 */
export type PostgresSubject = IndexSubject | DetachedSubject

export type IndexSubject =
  /** `index` is null where the server chooses the name. */
  | { readonly change: 'appears'; readonly table: readonly string[]; readonly index: string | null }
  | { readonly change: 'vanishes'; readonly index: readonly string[] }
  /** Indexes are made anew beside the old ones. `name` is null for a database. */
  | { readonly change: 'rebuilt'; readonly of: RebuiltKind; readonly name: readonly string[] | null }

/** A partition that is marked in one transaction of the server's, and let go of in a second one. */
export interface DetachedSubject {
  readonly change: 'detached'
  readonly table: readonly string[]
  readonly partition: readonly string[]
}

export type RebuiltKind = 'index' | 'table' | 'schema' | 'database'

/** Null when that cannot be seen in the catalogue afterwards. */
export function postgresSubject(text: string): PostgresSubject | null {
  const rules = RULES.postgres
  const head = new Head(text, rules)
  const { verb, object, concurrently, name, on, partition } = readKind(head, rules)
  // U&"…" is several tokens here, and has escapes.
  if (concurrently !== true || /u&"/i.test(text)) return null
  if (verb === 'reindex') return rebuilt(object, name)
  if (object === 'table' && partition !== undefined) return detached(name, partition)
  if (object !== 'index') return null
  if (verb === 'drop') {
    const index = typed(name)
    head.accept('RESTRICT|CASCADE')
    return head.done && index !== null ? { change: 'vanishes', index } : null
  }
  const table = typed(on)
  if (verb !== 'create' || table === null) return null
  if (name === undefined) return { change: 'appears', table, index: null }
  const [index, ...more] = typed(name) ?? []
  return index === undefined || more.length > 0 ? null : { change: 'appears', table, index }
}

function detached(name: string | undefined, written: string): DetachedSubject | null {
  const [table, partition] = [typed(name), typed(written)]
  return table === null || partition === null ? null : { change: 'detached', table, partition }
}

function rebuilt(object: string | undefined, name: string | undefined): IndexSubject | null {
  if (object === 'database') return { change: 'rebuilt', of: object, name: null }
  const parts = typed(name)
  if (parts === null || (object !== 'index' && object !== 'table' && object !== 'schema')) return null
  return object === 'schema' && parts.length > 1 ? null : { change: 'rebuilt', of: object, name: parts }
}

const TYPED = /^(?:"(?:[^"]|"")+"|[a-z_\x80-\uffff][\w$\x80-\uffff]*)$/i

/** The parts of a name; null for what is none, and for one with a database in front, which has to be this one. */
function typed(name: string | undefined): readonly string[] | null {
  if (name === undefined) return null
  const parts = new Head(name, RULES.postgres).name()?.typed ?? []
  return parts.length >= 1 && parts.length <= 2 && parts.every((part) => TYPED.test(part)) ? parts : null
}

/** Of a CREATE INDEX: what stands behind the table's name. */
export function indexDefinition(text: string): { readonly unique: boolean; readonly rest: string } | null {
  const rules = RULES.postgres
  const head = new Head(text, rules)
  const { verb, object, unique, onPath } = readKind(head, rules)
  if (verb !== 'create' || object !== 'index' || onPath === undefined || head.done) return null
  return { unique: unique === true, rest: head.rest }
}
