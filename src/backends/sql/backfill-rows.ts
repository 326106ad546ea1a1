import type { BackfillPlace } from '../../backend/index.js'
import type { BackfillRow, BackfillState } from '../../core/backfill.js'
import type { SqlFlavour } from './flavour.js'
import type { SqlNames } from './names.js'
import { corrupt, type Row } from './snapshot.js'

/** A backfill's row, with its keys as texts. */
export interface StoredBackfill {
  readonly row: BackfillRow
  /** Null at the beginning. */
  readonly at: readonly string[] | null
  /** Null when the table was empty. */
  readonly last: readonly string[] | null
}

const COLUMNS =
  'revision, direction, step, of_table, key_columns, state, scanned, changed, estimate, batches, started_at, updated_at, at_key, last_key'

interface RowsConnection {
  readonly flavour: SqlFlavour
  query(sql: string): Promise<readonly Row[]>
  run(sql: string): Promise<void>
}

/** The metadata's table of backfills. */
export class BackfillRows {
  readonly #dialect: RowsConnection
  readonly #table: string

  constructor(dialect: RowsConnection, names: SqlNames) {
    this.#dialect = dialect
    this.#table = names.backfill
  }

  async read(place: BackfillPlace): Promise<StoredBackfill | null> {
    const [row] = await this.#dialect.query(this.select(place))
    return row === undefined ? null : this.decode(row.slice(1))
  }

  async list(): Promise<readonly BackfillRow[]> {
    const rows = await this.#dialect.query(
      `SELECT ${COLUMNS} FROM ${this.#table} ORDER BY started_at, revision, step`,
    )
    return rows.map((row) => this.decode(row).row)
  }

  /** @param before what an earlier run has left that came to no batch: its statement may have been another one */
  async begin(
    place: BackfillPlace,
    before: StoredBackfill | null,
    begin: {
      readonly table: string
      readonly key: readonly string[]
      readonly last: readonly string[] | null
      readonly estimate: number | null
    },
  ): Promise<void> {
    const { flavour } = this.#dialect
    const isPaused = before?.row.state === 'paused'
    const state: BackfillState = begin.last === null ? 'done' : isPaused ? 'paused' : 'running'
    if (before !== null)
      await this.#dialect.run(`DELETE FROM ${this.#table} WHERE ${this.#where(place)} AND batches = 0`)
    const row = [
      flavour.text(place.revision),
      flavour.text(place.direction),
      String(place.position),
      flavour.text(begin.table),
      flavour.text(JSON.stringify(begin.key)),
      flavour.text(state),
      ...['0', '0', begin.estimate === null ? 'NULL' : String(Math.round(begin.estimate)), '0'],
      ...[flavour.now, flavour.now, 'NULL'],
      begin.last === null ? 'NULL' : flavour.text(JSON.stringify(begin.last)),
    ]
    await this.#dialect.run(`INSERT INTO ${this.#table} (${COLUMNS}) VALUES (${row.join(', ')})`)
  }

  async setState(revision: string, state: Exclude<BackfillState, 'done'>): Promise<void> {
    const { flavour } = this.#dialect
    await this.#dialect.run(
      `UPDATE ${this.#table} SET state = ${flavour.text(state)}, updated_at = ${flavour.now} WHERE revision = ${flavour.text(revision)} AND state <> 'done'`,
    )
  }

  select(place: BackfillPlace): string {
    return `SELECT 'row', ${COLUMNS} FROM ${this.#table} WHERE ${this.#where(place)}`
  }

  own(place: BackfillPlace, batches: number): string {
    return `SELECT 'own' FROM ${this.#table} WHERE ${this.#where(place)} AND batches = ${batches} AND state = 'running'`
  }

  note(
    place: BackfillPlace,
    done: {
      readonly at: readonly string[]
      readonly rows: number
      readonly changed: string
      readonly last: boolean
    },
  ): string {
    const { flavour } = this.#dialect
    const set = [
      // First: MySQL counts the rows of the statement before this one.
      `changed = changed + ${done.changed}`,
      `scanned = scanned + ${done.rows}`,
      'batches = batches + 1',
      `at_key = ${flavour.text(JSON.stringify(done.at))}`,
      ...(done.last ? ["state = 'done'"] : []),
      `updated_at = ${flavour.now}`,
    ]
    return `UPDATE ${this.#table} SET ${set.join(', ')} WHERE ${this.#where(place)}`
  }

  decode(row: Row): StoredBackfill {
    const [
      revision,
      direction,
      step,
      table,
      key,
      state,
      scanned,
      changed,
      estimate,
      batches,
      started,
      updated,
      at,
      last,
    ] = row
    const known = state === 'running' || state === 'paused' || state === 'done'
    if (!known) throw corrupt(`the state of a backfill is "${String(state)}"`)
    return {
      row: {
        revision: String(revision),
        direction: direction === 'down' ? 'down' : 'up',
        position: Number(step),
        table: String(table),
        key: texts(key) ?? [],
        state,
        scanned: Number(scanned),
        changed: Number(changed),
        estimate: estimate === null ? null : Number(estimate),
        batches: Number(batches),
        startedAt: String(started),
        updatedAt: String(updated),
      },
      at: texts(at),
      last: texts(last),
    }
  }

  #where({ revision, direction, position }: BackfillPlace): string {
    const { flavour } = this.#dialect
    return `revision = ${flavour.text(revision)} AND direction = '${direction}' AND step = ${position}`
  }
}

/** @throws MigrateError MIG-METADATA-CORRUPT */
function texts(value: unknown): readonly string[] | null {
  if (value === null || value === undefined) return null
  const text = typeof value === 'string' ? value : ''
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    parsed = null
  }
  if (Array.isArray(parsed) && parsed.every((one) => typeof one === 'string')) return parsed
  throw corrupt(`a key of a backfill is "${text.slice(0, 80)}"`)
}
