import type { MetadataStore } from '../../backend/index.js'
import { METADATA_FORMAT } from '../../core/metadata.js'
import type { HistoryRow, JournalEntry, MetadataChange, MetadataSnapshot } from '../../core/metadata.js'
import { shown } from '../../core/names.js'
import { EMPTY_SNAPSHOT, corrupt, decodeFormat } from '../sql/snapshot.js'
import { decodeApplied, decodeJournal, decodeLog, decodeScripts, decodeTag } from './decode.js'
import type { Client } from './driver.js'
import { explain } from './errors.js'
import type { Lease } from './lock.js'
import type { OwnScripts } from './lua.js'
import type { RedisNames } from './names.js'
import { lostWith } from './nodes.js'

/** A key of the metadata that steps write to beside the engine, by its place among the script's keys. */
const PLACES = { meta: 1, progress: 7, kept: 8 } as const

/** A field of a hash that is set or taken away. */
export type FieldChange =
  | {
      readonly kind: 'set'
      readonly hash: keyof typeof PLACES
      readonly field: string
      readonly value: string
    }
  | { readonly kind: 'unset'; readonly hash: keyof typeof PLACES; readonly field: string }

export class RedisMetadata implements MetadataStore {
  readonly #client: Client
  readonly #scripts: OwnScripts
  readonly #names: RedisNames
  readonly #leases: ReadonlySet<Lease>
  #finished: FieldChange[] = []

  constructor(client: Client, scripts: OwnScripts, names: RedisNames, leases: ReadonlySet<Lease>) {
    this.#client = client
    this.#scripts = scripts
    this.#names = names
    this.#leases = leases
  }

  async read(): Promise<MetadataSnapshot> {
    const { meta, history, journal, tags } = this.#names
    const hashes = [history, journal, tags]
    const fields = hashes.flatMap((key) => [['HKEYS', key] as const, ['HVALS', key] as const])
    const [format, ...answers] = await this.#attempt('Reading the metadata', () =>
      this.#together(['HGET', meta, 'format'], ...fields),
    )
    const [ids, rows = [], places, entries = [], names, named = []] = answers.map(listOf)
    if (format === null) {
      if (rows.length === 0) return EMPTY_SNAPSHOT
      throw corrupt('there is a history but no format')
    }
    const number = decodeFormat(format)
    const applied = rows.map(decodeApplied)
    requireFields(history, ids, applied, ([, { id }]) => id)
    const noted = entries.map(decodeJournal)
    requireFields(journal, places, noted, fieldOf)
    const tagged = named.map(decodeTag)
    requireFields(tags, names, tagged, ({ name }) => name)
    return {
      exists: true,
      format: number,
      applied: applied.sort(([a], [b]) => a - b).map(([, row]) => row),
      tags: tagged.sort((a, b) => (a.name < b.name ? -1 : 1)),
      journal: noted.sort(
        (a, b) => (a.revision < b.revision ? -1 : a.revision > b.revision ? 1 : 0) || a.position - b.position,
      ),
    }
  }

  async scripts(revision: string) {
    const value = await this.#attempt('Reading the metadata', () =>
      this.#client.hget(this.#names.scripts, revision),
    )
    return value === null ? null : decodeScripts(value, revision)
  }

  async ensure(): Promise<void> {
    const format = await this.#format()
    if (format === METADATA_FORMAT) return
    await this.change([{ kind: 'set', hash: 'meta', field: 'format', value: String(METADATA_FORMAT) }])
  }

  async write(changes: readonly MetadataChange[]): Promise<void> {
    const finished = [...this.#finished]
    await this.#run([...changes.flatMap(operationOf), ...finished.flatMap(fieldOperation)])
    this.#finished = this.#finished.slice(finished.length)
  }

  /** To be done together with the next {@link write}: a step's progress is needed until it is written that the step is done. */
  changeWithNext(change: FieldChange): void {
    this.#finished.push(change)
  }

  /** Fields beside those of {@link write}, under the same fence. */
  async change(changes: readonly FieldChange[]): Promise<void> {
    await this.#run(changes.flatMap(fieldOperation))
  }

  /** Null when there is none. */
  async field(hash: 'progress' | 'kept', field: string): Promise<string | null> {
    return this.#attempt('Reading the metadata', () => this.#client.hget(this.#names[hash], field))
  }

  async log({ limit }: { readonly limit: number }) {
    if ((await this.#format()) === null) return []
    const last = Math.max(0, Math.trunc(limit)) - 1
    if (last < 0) return []
    const lines = await this.#attempt('Reading the log', () => this.#client.lrange(this.#names.log, 0, last))
    return lines.map(decodeLog)
  }

  async #format(): Promise<number | null> {
    const value = await this.#attempt('Reading the metadata', () =>
      this.#client.hget(this.#names.meta, 'format'),
    )
    return value === null ? null : decodeFormat(value)
  }

  async #run(operations: readonly string[]): Promise<void> {
    if (operations.length === 0) return
    const names = this.#names
    const lease = [...this.#leases].at(-1)
    const keys = [
      ...[names.meta, names.history, names.scripts, names.journal, names.tags],
      ...[names.log, names.progress, names.kept, names.fence, lease?.key ?? names.lock('')],
    ]
    const guard = [lease?.value ?? '', lease?.name ?? '', String(lease?.ms ?? 0)]
    await this.#attempt('Writing the metadata', () =>
      this.#client.eval(this.#scripts.write, keys.length, ...keys, ...guard, ...operations),
    )
  }

  /** Commands that see one state. */
  async #together(...commands: readonly (readonly [string, ...string[]])[]): Promise<unknown[]> {
    const multi = this.#client.multi()
    for (const [name, ...words] of commands) multi.call(name, ...words)
    const answers = await multi.exec().catch((error: unknown) => {
      // Of a transaction that is not run the server tells why with the first command that it has refused.
      const { previousErrors } = error as { previousErrors?: readonly unknown[] }
      throw previousErrors?.[0] ?? error
    })
    return (answers ?? []).map(([error, answer]) => {
      if (error !== null) throw error
      return answer
    })
  }

  async #attempt<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const { prefix, meta } = this.#names
      throw explain(lostWith(this.#client, meta, error), doing, prefix)
    }
  }
}

function fieldOperation(change: FieldChange): string[] {
  const target = [change.kind, String(PLACES[change.hash]), change.field]
  return change.kind === 'unset' ? target : [...target, change.value]
}

/** Of a journal's entry: where it is changed, and taken away by its end. */
const fieldOf = ({
  direction,
  position,
  revision,
}: Pick<JournalEntry, 'direction' | 'position' | 'revision'>) => `${direction} ${position} ${revision}`

/**
 * What lies under another field than its own could be neither changed nor taken away.
 * @throws MigrateError MIG-METADATA-CORRUPT
 */
function requireFields<T>(
  key: string,
  fields: readonly string[] | undefined,
  values: readonly T[],
  own: (value: T) => string,
): void {
  for (const [index, value] of values.entries()) {
    const field = fields?.[index] ?? ''
    if (field !== own(value))
      throw corrupt(`the field ${shown(field)} of ${key} holds what belongs into ${shown(own(value))}`)
  }
}

const listOf = (answer: unknown): string[] => (Array.isArray(answer) ? answer.map(String) : [])

/** JSON whose first member the server adds. */
const openEnded = (value: object): string => JSON.stringify(value).slice(1)

function operationOf(change: MetadataChange): string[] {
  switch (change.kind) {
    case 'apply': {
      const { appliedAt, ...row } = change.row
      return ['apply', row.id, appliedAt ?? '', ...applied(row)]
    }
    case 'revert':
      return ['revert', change.revision]
    case 'tag':
      return ['tag', change.tag.name, openEnded(change.tag)]
    case 'untag':
      // Places are those of the script's keys.
      return ['unset', '5', change.name]
    case 'journal':
      return change.entries.flatMap(({ at, ...entry }) => [
        'journal',
        fieldOf(entry),
        at ?? '',
        openEnded(entry),
      ])
    case 'journal-clear':
      return ['journal-clear', change.revision]
    case 'purge':
      return ['purge']
    case 'log': {
      const { at, ...entry } = change.entry
      return ['log', at ?? '', openEnded(entry)]
    }
  }
}

function applied(row: Omit<HistoryRow, 'appliedAt'>): [body: string, scripts: string] {
  const { up, down, downTransaction, downCodeSteps, ...rest } = row
  return [openEnded(rest), JSON.stringify({ up, down, downTransaction, downCodeSteps })]
}
