import type { BackfillStatement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { listed } from '../../core/wording.js'
import type { UpdateParts } from '../../sql/update.js'

export interface KeyColumn {
  readonly name: string
  /** As the server's catalogue has it; what else is needed to write a value of it is the dialect's own. */
  readonly type: string
  /** What a literal of it is cast to, or the character set that its bytes are in, where the dialect wants one. */
  readonly as?: string
}

/** A primary key, or a unique index whose columns are all NOT NULL. */
export interface TableKey {
  /** Name of its index; empty where it has none. */
  readonly index: string
  readonly primary: boolean
  readonly columns: readonly KeyColumn[]
  /** Why pages cannot be cut by it; null when they can. */
  readonly problem: string | null
  /** What helps against the problem, where another key would not. */
  readonly remedy?: string
}

export interface TableFacts {
  /** The primary key first. */
  readonly keys: readonly TableKey[]
  /** Rows, as the server guesses; null when it does not. */
  readonly estimate: number | null
}

/**
 * The key that pages are cut by: the one that an earlier run began with, else the one that is asked for, else the
 * primary key, else a unique one.
 * @throws MigrateError MIG-BACKFILL-KEY
 */
export function chooseKey(
  facts: TableFacts,
  update: UpdateParts,
  statement: BackfillStatement,
  begun?: readonly string[],
): TableKey {
  const wanted = begun ?? statement.backfill.key
  const fitting =
    wanted === null ? facts.keys : facts.keys.filter(({ columns }) => sameNames(columns, wanted))
  const found = fitting.find(({ problem }) => problem === null)
  if (found === undefined) throw noKey(facts, update, statement, wanted, fitting)
  const assigned = found.columns.find(({ name }) => update.assigned.some((one) => same(one, name)))
  if (assigned === undefined) return found
  throw new MigrateError(
    'MIG-BACKFILL-KEY',
    `The statement changes ${assigned.name}, by which ${update.table} is cut into batches: rows would be met twice, or never.`,
    {
      position: statement.position,
      hint: 'Name another unique key: -- migrate:backfill key:…',
    },
  )
}

/** Servers differ in what they make of case; two keys do not. */
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

function sameNames(columns: readonly KeyColumn[], names: readonly string[]): boolean {
  return columns.length === names.length && columns.every(({ name }, index) => same(name, names[index] ?? ''))
}

function noKey(
  facts: TableFacts,
  update: UpdateParts,
  statement: BackfillStatement,
  wanted: readonly string[] | null,
  fitting: readonly TableKey[],
): MigrateError {
  const unfit = fitting.find((key) => key.problem !== null)
  const problem = unfit?.problem
  const usable = facts.keys.filter((key) => key.problem === null)
  const message =
    problem != null
      ? `${update.table} cannot be cut into batches by its key: ${problem}.`
      : wanted === null
        ? `${update.table} has no primary key, and no unique key without NULLs, to be cut into batches by.`
        : `${update.table} has no primary or unique key of just ${listed(wanted)} without NULLs.`
  const hint =
    usable.length > 0
      ? `Write "-- migrate:backfill key:${usable[0]?.columns.map(({ name }) => name).join(',') ?? ''}".`
      : (unfit?.remedy ??
        'Give the table a primary key or a unique index of NOT NULL columns, or take the line "-- migrate:backfill" away to run it as one statement.')
  return new MigrateError('MIG-BACKFILL-KEY', message, {
    position: statement.position,
    hint,
  })
}
