import { METADATA_FORMAT } from '../../core/metadata.js'
import type { SqlFlavour } from './flavour.js'
import type { SqlNames } from './names.js'

/** What a statement changes in the catalogue, and how that stood before it. */
const WITNESS = ['subject', 'before_state']

/**
 * The metadata's tables of the present format. The row with the format comes last, so that a creation that was
 * interrupted is seen as one, and repeated.
 */
export function createTables(names: SqlNames, flavour: SqlFlavour): string[] {
  const { key, text, integer, sequence } = flavour.types
  const table = tableMaker(flavour)
  return [
    table(names.meta, [`name ${key} NOT NULL PRIMARY KEY`, `value ${text}`]),
    table(names.history, [
      `seq ${sequence}`,
      `id ${key} NOT NULL UNIQUE`,
      ...['parents', 'depends_on', 'labels', 'message'].map((column) => `${column} ${text} NOT NULL`),
      ...['checksum', 'source_hash'].map((column) => `${column} ${text}`),
      ...['applied_at', 'applied_by', 'host'].map((column) => `${column} ${text} NOT NULL`),
      `duration_ms ${integer}`,
      ...['tool_version', 'run_id'].map((column) => `${column} ${text} NOT NULL`),
      ...['stamped', 'repeatable'].map((column) => `${column} ${integer} NOT NULL`),
      ...['up_script', 'down_script'].map((column) => `${column} ${text}`),
      `down_transaction ${integer} NOT NULL`,
      `down_code_steps ${text} NOT NULL`,
    ]),
    table(names.journal, [
      `revision ${key} NOT NULL`,
      `direction varchar(4) NOT NULL`,
      `step ${integer} NOT NULL`,
      ...['hash', 'excerpt', 'state', 'run_id', 'noted_at'].map((column) => `${column} ${text} NOT NULL`),
      ...WITNESS.map((column) => `${column} ${text}`),
      'PRIMARY KEY (revision, direction, step)',
    ]),
    backfillTable(names, flavour),
    table(names.tags, [
      `name ${key} NOT NULL PRIMARY KEY`,
      ...['heads', 'created_at', 'created_by'].map((column) => `${column} ${text} NOT NULL`),
    ]),
    table(names.log, [
      `seq ${sequence}`,
      ...['run_id', 'action'].map((column) => `${column} ${text} NOT NULL`),
      `revision ${text}`,
      `outcome ${text} NOT NULL`,
      `detail ${text}`,
      ...['run_by', 'host', 'tool_version', 'noted_at'].map((column) => `${column} ${text} NOT NULL`),
    ]),
    recordFormat(METADATA_FORMAT, names, flavour),
  ]
}

function tableMaker(flavour: SqlFlavour) {
  return (name: string, lines: readonly string[]) =>
    `CREATE TABLE IF NOT EXISTS ${name} (\n  ${lines.join(',\n  ')}\n)${flavour.tableOptions}`
}

/** How far the backfills of unfinished revisions have come. */
function backfillTable(names: SqlNames, flavour: SqlFlavour): string {
  const { key, text, integer } = flavour.types
  return tableMaker(flavour)(names.backfill, [
    `revision ${key} NOT NULL`,
    `direction varchar(4) NOT NULL`,
    `step ${integer} NOT NULL`,
    ...['of_table', 'key_columns', 'state'].map((column) => `${column} ${text} NOT NULL`),
    // The last key that is done, and the last of all: JSON arrays of texts.
    ...['at_key', 'last_key'].map((column) => `${column} ${text}`),
    ...['batches', 'scanned', 'changed'].map((column) => `${column} ${integer} NOT NULL`),
    `estimate ${integer}`,
    ...['started_at', 'updated_at'].map((column) => `${column} ${text} NOT NULL`),
    'PRIMARY KEY (revision, direction, step)',
  ])
}

function recordFormat(format: number, names: SqlNames, flavour: SqlFlavour): string {
  const row = [flavour.text('format'), flavour.text(String(format))]
  return flavour.upsert({ table: names.meta, columns: ['name', 'value'], keys: ['name'], rows: [row] })
}

/** Brings tables from one format to the next. Must bear being run again: MySQL's DDL is in no transaction. */
export type FormatStep = (names: SqlNames, flavour: SqlFlavour) => readonly string[]

/** The step at index n leads from format n + 1 to n + 2: format 1 is the first. */
export const FORMAT_STEPS: readonly FormatStep[] = [
  (names, flavour) => [
    backfillTable(names, flavour),
    ...flavour.addColumns(
      { name: names.plain.journal, schema: names.schema, written: names.journal },
      WITNESS.map((column) => [column, flavour.types.text] as const),
    ),
  ],
]

/** What brings tables of an older format up to date; after each step its format is recorded. */
export function upgradeTables(
  from: number,
  names: SqlNames,
  flavour: SqlFlavour,
  steps: readonly FormatStep[] = FORMAT_STEPS,
): string[] {
  return steps
    .slice(from - 1)
    .flatMap((step, index) => [...step(names, flavour), recordFormat(from + index + 1, names, flavour)])
}
