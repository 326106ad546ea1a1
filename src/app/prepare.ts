import type { Backend, Session } from '../backend/index.js'
import { BACKFILL_MARK } from '../core/backfill-operation.js'
import { VERIFY_MARK } from '../core/operations.js'
import { MigrateError } from '../core/errors.js'
import { HISTORY_PLACE } from '../core/history.js'
import { STORED_UP_LIMIT } from '../core/metadata.js'
import type { HistoryRow, LogAction, LogEntry, MetadataChange, StoredScripts } from '../core/metadata.js'
import { startOf } from '../core/position.js'
import type {
  Direction,
  RevisionHeader,
  RevisionScripts,
  RevisionSource,
  Script,
  ScriptPart,
  TextPart,
} from '../core/revision.js'
import { VERSION } from '../core/version.js'
import type { EngineStep, PreparedScript, ScriptStep } from '../engine/index.js'
import { checksumOf, isEdited, loadScripts } from './checksum.js'
import type { Context } from './context.js'
import type { State } from './state.js'

/** A revision that a plan goes through, and which way. */
export interface PlanStep {
  readonly node: RevisionHeader
  readonly direction: Direction
  /** Null when the file is absent: the history's own text is run. */
  readonly source: RevisionSource | null
  /** Repeatable revisions whose rows go along with this step, so that the next upgrade runs them again. */
  readonly forget?: readonly string[]
}

/** One run of a command, as its rows in the history and the log name it. */
export interface RunIdentity {
  readonly runId: string
  readonly action: LogAction
}

/** Turns plan steps into what the engine executes. */
export class Preparer {
  readonly #context: Context
  readonly #backend: Backend
  readonly #state: State
  readonly #session: Session
  readonly #run: RunIdentity
  readonly #told: Set<string>

  /** @param told what was said already: a plan is prepared to be asked about, and made anew under the lock */
  constructor(
    context: Context,
    state: State,
    session: Session,
    run: RunIdentity,
    told: Set<string> = new Set(),
  ) {
    this.#context = context
    this.#backend = state.backend
    this.#state = state
    this.#session = session
    this.#run = run
    this.#told = told
  }

  step(planned: PlanStep): EngineStep {
    const { node, direction, source } = planned
    return {
      revision: node.id,
      message: node.message,
      direction,
      file: source?.file ?? null,
      prepare: () => (direction === 'up' ? this.#up(planned) : this.#down(planned)),
    }
  }

  async #up({ node, source }: PlanStep): Promise<PreparedScript> {
    if (source === null) throw absent(node.id, 'its up script is in no file')
    const scripts = await loadScripts(source, this.#backend, this.#context.signal)
    const prepared = this.#prepared(scripts.up, (durationMs) => [
      { kind: 'apply', row: this.row(source, scripts, durationMs) },
      this.#moved(node.id, 'up'),
    ])
    // A file that nobody has filled in yet is applied like any other, and is then no more to be edited.
    const isMeant = node.parents.length >= 2 || scripts.up.meantEmpty === true
    if (prepared.steps.length === 0 && !isMeant) this.#tell(`${node.id} has nothing in its up section`)
    return prepared
  }

  /** Once. */
  #tell(message: string): void {
    if (this.#told.has(message)) return
    this.#told.add(message)
    this.#context.emit({ type: 'notice', message })
  }

  async #down({ node, source, forget = [] }: PlanStep): Promise<PreparedScript> {
    const down = source === null ? await this.#storedDown(node.id) : await this.#downBeside(source)
    if (down === null) throw irreversible(node.id, source)
    return this.#prepared(down, () => [
      ...[node.id, ...forget].map((revision) => ({ kind: 'revert' as const, revision })),
      this.#moved(node.id, 'down'),
    ])
  }

  /**
   * The file's, unless the file was edited since: its down undoes what it says now, and the history's what was applied. One
   * that was begun goes on.
   */
  async #downBeside(source: RevisionSource): Promise<Script | null> {
    const { down } = await loadScripts(source, this.#backend, this.#context.signal)
    const { id } = source
    const row = this.#state.rows.get(id)
    const isBegun = this.#state.snapshot.journal.some((entry) => entry.revision === id)
    if (row === undefined || isBegun || !(await isEdited(row, source, this.#backend))) return down
    const stored = await this.#session.metadata.scripts(id)
    if (stored?.down == null || stored.downCodeSteps.length > 0) return down
    // Who applied a file in which the down was still to be written has written it by now.
    const kept = this.#backend.normalise(stored.down)
    if (kept === '' || (down !== null && kept === this.#backend.normalise(down.text))) return down
    this.#tell(`${id} was edited after it was applied: the down that it was applied with undoes it`)
    return scriptOf(id, stored.down, stored)
  }

  async #storedDown(id: string): Promise<Script | null> {
    const stored = await this.#session.metadata.scripts(id)
    if (stored === null || stored.down === null) throw absent(id, 'the history holds no down script for it')
    if (stored.downCodeSteps.length > 0) {
      throw absent(
        id,
        `its down has a code step (${stored.downCodeSteps.join(', ')}), which only the file can run`,
      )
    }
    return scriptOf(id, stored.down, stored)
  }

  #prepared(script: Script, changes: PreparedScript['changes']): PreparedScript {
    const steps: ScriptStep[] = []
    for (const part of script.parts) {
      const asks = part.kind === 'code' ? part.verify !== undefined : part.text.includes(`\n${VERIFY_MARK} `)
      if (asks && this.#session.verify === undefined) throw noQueries(part, this.#backend)
      if (part.kind === 'code') {
        steps.push({ kind: 'code', code: part })
        continue
      }
      // Another language than SQL would not know what it is.
      const hasSqlBackfills = this.#session.backfills !== undefined && this.#backend.language === undefined
      if (!hasSqlBackfills && part.text.startsWith(BACKFILL_MARK)) throw noBackfills(part, this.#backend)
      const options = { origin: part.origin, serverVersion: this.#session.server.number }
      for (const parsed of this.#backend.parse(part.text, options)) {
        const statement = part.made === true ? { ...parsed, position: part.origin } : parsed
        steps.push({ kind: 'statement', statement })
      }
    }
    return {
      steps,
      transaction: script.transaction,
      flexible: script.transactionFlexible === true,
      ...(script.transactionWord === undefined ? {} : { transactionWord: script.transactionWord }),
      required: script.transactionRequired === true,
      ...(script.timeouts === undefined ? {} : { timeouts: script.timeouts }),
      size: script.text.length,
      changes,
    }
  }

  /** The row that says that a revision is applied. */
  row(
    source: RevisionSource,
    scripts: RevisionScripts,
    durationMs: number | null,
    stamped = false,
  ): HistoryRow {
    return {
      ...headerOf(source),
      // Ids, where the file may say labels or prefixes: they must mean the same without the files.
      dependsOn: this.#state.graph.dependencies(source.id),
      ...storedScripts(scripts),
      checksum: checksumOf(scripts.up, this.#backend),
      sourceHash: source.sourceHash,
      appliedAt: null,
      appliedBy: this.#context.by,
      host: this.#context.host,
      durationMs: durationMs === null ? null : Math.round(durationMs),
      toolVersion: VERSION,
      runId: this.#run.runId,
      stamped,
    }
  }

  logEntry(revision: string | null, outcome: LogEntry['outcome'], detail: string | null): LogEntry {
    return {
      runId: this.#run.runId,
      action: this.#run.action,
      revision,
      outcome,
      detail,
      by: this.#context.by,
      host: this.#context.host,
      toolVersion: VERSION,
      at: null,
    }
  }

  /** A log line of a step. What `redo` goes through it goes through twice: the line says which way. */
  #moved(revision: string, direction: Direction): MetadataChange {
    return this.logged(revision, this.#run.action === 'redo' ? direction : null)
  }

  /** A log line of something that is done; null for the run as a whole. */
  logged(revision: string | null, detail: string | null): MetadataChange {
    return { kind: 'log', entry: this.logEntry(revision, 'done', detail) }
  }
}

/** As the history keeps it. */
function scriptOf(id: string, text: string, { downTransaction }: StoredScripts): Script {
  const origin = startOf(`${HISTORY_PLACE}${id}`)
  return { parts: [{ kind: 'text', text, origin }], transaction: downTransaction, text, codeSteps: [] }
}

export function headerOf(header: RevisionHeader): RevisionHeader {
  const { id, parents, dependsOn, labels, message, repeatable } = header
  return { id, parents, dependsOn, labels, message, ...(repeatable === undefined ? {} : { repeatable }) }
}

export function storedScripts({ up, down }: RevisionScripts): StoredScripts {
  return {
    up: up.text.length > STORED_UP_LIMIT ? null : up.text,
    down: down === null ? null : down.text,
    downTransaction: down?.transaction ?? true,
    downCodeSteps: down?.codeSteps ?? [],
  }
}

function absent(id: string, why: string): MigrateError {
  return new MigrateError('MIG-MISSING-FILE', `The file of ${id} is not here, and ${why}.`, {
    hint: 'Bring the file back (another branch, a newer image), or choose a target that leaves this revision alone.',
    state: 'Nothing was run.',
  })
}

function irreversible(id: string, source: RevisionSource | null): MigrateError {
  const file = source?.file ?? null
  const place = source?.downPlace ?? (file === null ? 'a "down"' : 'a "-- migrate:down" section')
  return new MigrateError('MIG-IRREVERSIBLE', `${id} has no down script.`, {
    ...(file === null ? {} : { position: startOf(file) }),
    hint: `Write ${place} (an empty one says that there is nothing to undo), or restore a backup.`,
    state: 'Nothing was run.',
  })
}

function noQueries({ origin }: ScriptPart, { name }: Backend): MigrateError {
  return new MigrateError('MIG-UNSUPPORTED', `op.verify() is for SQL databases; ${name} is none.`, {
    position: origin,
    hint: 'Leave it out.',
    state: 'Nothing was run.',
  })
}

function noBackfills({ origin }: TextPart, { name }: Backend): MigrateError {
  return new MigrateError('MIG-UNSUPPORTED', `op.backfill() is for SQL databases; ${name} is none.`, {
    position: origin,
    hint: 'Write the change as an operation of its own, or as a step of code: op.run().',
    state: 'Nothing was run.',
  })
}
