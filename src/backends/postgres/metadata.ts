import type { ForeignRows, MetadataLook, MetadataNames, MetadataStore } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { METADATA_FORMAT } from '../../core/metadata.js'
import {
  postgresFlavour,
  snapshotQuery,
  SnapshotReader,
  sqlMetadata,
  sqlNames,
  type MetadataConnection,
  type SqlNames,
} from '../sql/index.js'
import type { Values } from './copy-text.js'
import type { Fields } from './driver.js'
import { explain, missingPart } from './errors.js'
import { explainGuard } from './guard.js'
import type { Link } from './link.js'
import { witnessExpression } from './witness.js'

/** Revisions whose rows are brought at once: fewer than cost a round trip. */
const SHORT_HISTORY = 250

const WITNESSING = { ...postgresFlavour, witness: witnessExpression }
const identifier = (name: string): string => postgresFlavour.identifier(name)
const literal = (value: string): string => postgresFlavour.text(value)

/**
 * The metadata of a PostgreSQL database. Without a configured schema the tables are where the search path finds them
 * when the session begins, or else in the schema where it creates; both are learned with the first read, and every
 * name is qualified from then on, whatever revisions make of the search path.
 */
export class PostgresMetadata implements MetadataStore {
  readonly #link: Link
  readonly #configured: MetadataNames
  readonly #connection: MetadataConnection
  #resolved: { readonly names: SqlNames; readonly store: MetadataStore } | undefined

  constructor(link: Link, configured: MetadataNames) {
    this.#link = link
    this.#configured = configured
    this.#connection = {
      query: async (sql) => {
        const rows: Values[] = []
        await link.copied(sql, (row) => rows.push(row))
        return rows
      },
      each: (sql, take) => link.copied(sql, take),
      // Statements of one message are one transaction. A revision may have changed the role, and may go on with it.
      run: async (statements) => {
        const guard = link.guard === undefined ? [] : [link.guard]
        try {
          await link.send([...link.borrowRole, ...statements, ...guard].join(';\n'))
        } catch (error) {
          throw guard.length === 0 ? error : explainGuard(error, link)
        }
      },
      missing: missingPart,
      prepareSchema: () => this.#prepareSchema(),
      explain: (error) => explain('Reading or writing the metadata', error),
    }
    if (configured.schema === undefined) requireStorable(configured)
    else this.#resolve(configured.schema)
  }

  async read() {
    if (this.#resolved !== undefined) return this.#resolved.store.read()
    // The first read learns the schema on its way.
    const each: MetadataConnection['each'] = (sql, take) =>
      this.#resolved === undefined
        ? this.#link.copied(sql, take, `${this.#whereQuery()};`, (fields) => this.#learned(fields[0]))
        : this.#link.copied(sql, take)
    return sqlMetadata(
      { ...this.#connection, each },
      sqlNames(this.#configured, postgresFlavour),
      postgresFlavour,
    ).read()
  }

  async look(): Promise<MetadataLook> {
    const names = this.#resolved?.names ?? sqlNames(this.#configured, postgresFlavour)
    const reader = new SnapshotReader()
    const answers: Fields[] = []
    try {
      await this.#link.copied(
        snapshotQuery(names, METADATA_FORMAT, { longestHistory: SHORT_HISTORY }),
        (row) => reader.add(row),
        `${this.#whereQuery()};${digestQuery(names)};SELECT id, applied_at FROM ${names.history} ORDER BY seq DESC LIMIT 1;`,
        (fields) => answers.push(fields),
      )
    } catch {
      // No tables, or those of another format: reading asks once more, and knows what each error means.
      const snapshot = await this.read()
      return { digest: null, count: snapshot.applied.length, last: null, snapshot }
    }
    const [[schema] = [], [count, digest] = [], [id, appliedAt] = []] = answers
    if (this.#resolved === undefined) this.#learned(schema)
    return {
      digest: digest ?? null,
      count: Number(count),
      last: typeof id === 'string' && typeof appliedAt === 'string' ? { id, appliedAt } : null,
      snapshot: Number(count) <= SHORT_HISTORY ? reader.end() : null,
    }
  }

  async scripts(revision: string) {
    return (await this.#store()).scripts(revision)
  }

  async ensure() {
    await (await this.#store()).ensure()
  }

  async write(changes: Parameters<MetadataStore['write']>[0]) {
    await (await this.#store()).write(changes)
  }

  async foreign(table: string, columns: readonly string[]): Promise<ForeignRows> {
    return (await (await this.#store()).foreign?.(table, columns)) ?? { missing: 'table' }
  }

  async log(options: { readonly limit: number }) {
    return (await this.#store()).log(options)
  }

  /** The tables' names; costs a round trip when nothing was read yet and no schema is configured. */
  async names(): Promise<SqlNames> {
    await this.#store()
    if (this.#resolved === undefined) throw new MigrateError('MIG-INTERNAL', 'The schema was not resolved.')
    return this.#resolved.names
  }

  async #store(): Promise<MetadataStore> {
    if (this.#resolved === undefined) {
      const [row] = await this.#link.rows(this.#whereQuery()).catch((error: unknown) => {
        throw explain('Looking for the metadata', error)
      })
      this.#learned(row?.[0])
    }
    return this.#resolved?.store ?? this.#store()
  }

  #whereQuery(): string {
    // This asks the catalogue's caches; a join of the catalogues themselves takes five times as long.
    const history = literal(identifier(`${this.#configured.prefix}history`))
    const address = `pg_catalog.pg_identify_object_as_address('pg_catalog.pg_class'::regclass, pg_catalog.to_regclass(${history}), 0)`
    return `SELECT coalesce((${address}).object_names[1], pg_catalog.current_schema())`
  }

  #learned(schema: string | null | undefined): void {
    if (typeof schema === 'string') {
      this.#resolve(schema)
      return
    }
    throw new MigrateError(
      'MIG-CONFIG-INVALID',
      'The search path names no schema that exists: the metadata has no place.',
      {
        hint: 'Set metadata.schema in the configuration, or a search_path for the user or the database.',
      },
    )
  }

  #resolve(schema: string): void {
    const names = sqlNames({ ...this.#configured, schema }, postgresFlavour)
    this.#resolved = { names, store: sqlMetadata(this.#connection, names, WITNESSING) }
  }

  /** CREATE SCHEMA IF NOT EXISTS wants the privilege to create one even when it is there. */
  async #prepareSchema(): Promise<void> {
    const { schema } = this.#configured
    if (schema === undefined) return
    const found = await this.#link.rows(
      `SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ${literal(schema)}`,
    )
    if (found.length === 0)
      await this.#link.send(`${this.#link.inRole}CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`)
  }
}

/** @throws MigrateError MIG-CONFIG-INVALID */
const requireStorable = (names: MetadataNames): unknown => sqlNames(names, postgresFlavour)

/** How many rows the history has, and the digest of {@link MetadataLook}: `historyText` as the server makes it. */
function digestQuery({ history, journal, meta }: SqlNames): string {
  // The rows joined with || take half the time of concat_ws, and there is no digest where one of them holds a NULL.
  const text = `pg_catalog.concat_ws(E'\\n', pg_catalog.count(*), pg_catalog.string_agg(id || ' ' || source_hash || ' ' || parents || ' ' || depends_on, E'\\n' ORDER BY id COLLATE pg_catalog."C"))`
  const others = [
    `SELECT 1 FROM ${journal}`,
    `SELECT 1 FROM ${history} WHERE repeatable <> 0 OR source_hash IS NULL`,
    `SELECT 1 FROM ${meta} WHERE name = 'format' AND value <> '${METADATA_FORMAT}'`,
  ]
  const nothingElse = others.map((query) => `NOT EXISTS (${query})`).join(' AND ')
  return (
    `SELECT pg_catalog.count(*), CASE WHEN ${nothingElse} THEN ` +
    `pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${text}, 'UTF8')), 'hex') END FROM ${history}`
  )
}
