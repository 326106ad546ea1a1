import type {
  BackfillPages,
  BackfillPlace,
  Capabilities,
  ServerInfo,
  Session,
  Statement,
} from '../../backend/index.js'
import type { BackfillRow } from '../../core/backfill.js'
import { MigrateError } from '../../core/errors.js'
import type { MetadataChange } from '../../core/metadata.js'
import { renderChange } from './changes.js'
import type { SqlFlavour } from './flavour.js'
import type { SqlNames } from './names.js'
import { EMPTY_SNAPSHOT } from './snapshot.js'
import { createTables } from './tables.js'

export interface RecordingOptions {
  readonly write: (text: string) => void
  readonly names: SqlNames
  readonly flavour: SqlFlavour
  readonly capabilities: Capabilities
  readonly createMetadata: boolean
  /** Statement that takes on the role, without its semicolon. */
  readonly setRole?: string | undefined
  /** For {@link ScriptStyle.rebuild}. */
  readonly isRebuild?: (statements: readonly Statement[]) => boolean
}

/**
 * A session that writes a script for the server's plain client instead of doing anything. Journal and log are not written
 * to: they tell of runs of the tool, and whoever runs the script sees where it stops. A purge forgets the journal there too.
 */
export function recordingSession(options: RecordingOptions): Session<never> {
  const { names, flavour, capabilities } = options
  const { script } = flavour
  const asRole = options.setRole === undefined ? [] : [`${options.setRole};`]
  let begun = false
  let inTransaction = false
  let sessionTouched = false

  const write = (text: string): void => {
    if (!begun) {
      begun = true
      options.write(header(flavour, asRole))
    }
    options.write(text)
  }
  const writeLines = (lines: readonly string[]) => {
    for (const line of lines) write(`${line}\n`)
  }
  const writeAll = (statements: readonly string[]) => {
    for (const text of statements) write(script.statement({ text }))
  }
  const putBack = () => {
    if (sessionTouched) writeLines([...script.reset, ...asRole])
    sessionTouched = false
  }
  const writeChanges = (changes: readonly MetadataChange[]) => {
    const kept = changes.filter(
      ({ kind }) => kind !== 'log' && kind !== 'journal' && kind !== 'journal-clear',
    )
    const statements = kept.flatMap((change) => renderChange(change, names, flavour))
    // The metadata is written by the user who runs the script, and found by the search path that it began with.
    if (statements.length > 0) putBack()
    const alone = !inTransaction && statements.length > 1
    if (alone) write(script.begin)
    writeAll(statements)
    if (alone) write(script.commit)
  }

  const server: ServerInfo = { product: flavour.product, version: '', number: 0 }
  const session: Session<never> = {
    get client(): never {
      throw new MigrateError('MIG-UNSUPPORTED', 'A script cannot hold a code step.', {
        hint: 'Run the migration without --sql, or choose a range without code steps.',
      })
    },
    server,
    capabilities,
    metadata: {
      read: () => Promise.resolve(EMPTY_SNAPSHOT),
      scripts: () => Promise.resolve(null),
      log: () => Promise.resolve([]),
      ensure() {
        if (options.createMetadata) {
          if (names.schema !== undefined && flavour.createSchema !== null) {
            writeAll([flavour.createSchema(names.schema)])
          }
          writeAll(createTables(names, flavour))
        }
        return Promise.resolve()
      },
      write(changes) {
        writeChanges(changes)
        return Promise.resolve()
      },
    },
    execute(statement: Statement) {
      sessionTouched ||= statement.touchesSession
      write(script.statement(statement))
      return Promise.resolve({ rows: null })
    },
    async transaction(work, statements = []) {
      const rebuild = options.isRebuild?.(statements) === true ? script.rebuild : undefined
      write(`${rebuild?.before ?? ''}${script.begin}${rebuild?.begun ?? ''}`)
      inTransaction = true
      try {
        const result = await work(session)
        write(`${rebuild?.check ?? ''}${script.commit}${rebuild?.after ?? ''}`)
        return result
      } finally {
        inTransaction = false
      }
    },
    backfills: {
      check: () => Promise.resolve(),
      begin: (statement, place) => {
        write(
          `-- A backfill: "migrate upgrade" runs it in batches of about ${statement.backfill.batch} rows; this script runs it at once.\n`,
        )
        write(script.statement(statement))
        return Promise.resolve(doneAtOnce(place))
      },
      list: () => Promise.resolve([]),
      setState: () => Promise.resolve(),
    },
    verify: () => Promise.resolve('unknown'),
    lock: () => Promise.resolve({ release: () => Promise.resolve() }),
    reset() {
      putBack()
      return Promise.resolve()
    },
    cancel: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
  return session
}

/** A script has no batches. */
function doneAtOnce(place: BackfillPlace): BackfillPages {
  const row: BackfillRow = {
    ...place,
    table: '',
    key: [],
    state: 'done',
    scanned: 0,
    changed: 0,
    estimate: null,
    batches: 0,
    startedAt: '',
    updatedAt: '',
  }
  return { row, next: () => Promise.resolve({ kind: 'done', row }) }
}

function header({ product, script }: SqlFlavour, asRole: readonly string[]): string {
  const comment = [
    `A migration for ${product}, written by revgraph (migrate --sql). It brings the metadata along.`,
    `Run it with: ${script.usage}`,
  ]
  return [...comment.map((line) => `-- ${line}`), ...script.prologue, ...asRole, ''].join('\n')
}
