import type { Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import { quoted } from '../sql/flavour.js'
import type { Database } from './open.js'

interface AttachedFile {
  /** Its number in SQLite's own list. */
  readonly number: number
  readonly name: string
  readonly file: string
}

/** The modes in which a journal beside the files makes one commit of several. */
const TOGETHER: ReadonlySet<unknown> = new Set(['delete', 'truncate', 'persist'])

/**
 * Files beside the database's own. SQLite commits several files as one by a journal beside them, which a write-ahead log
 * does without: then each is committed by itself, the database with its row of the history first, and a crash in
 * between leaves a revision that is said to be applied and is not.
 */
export class AttachedFiles {
  readonly #database: Database
  #known: readonly AttachedFile[] | undefined

  constructor(database: Database) {
    this.#database = database
  }

  /** Something may have been attached or detached. */
  forget(): void {
    this.#known = undefined
  }

  /**
   * Before a statement runs in a transaction.
   * @throws MigrateError MIG-TRANSACTION-FORBIDDEN when it writes to a file that is not committed as one with the database
   */
  requireTogether(statement: Statement): void {
    if (!this.#database.inTransaction || this.#files.length === 0) return
    const apart = this.#apart(this.#files)
    if (apart.length === 0) return
    const written = this.#writtenBy(statement)
    const file = apart.find(({ number }) => written.has(number))
    if (file !== undefined) throw notTogether(statement, file.file)
  }

  /** After it ran. */
  ran({ summary }: Statement): void {
    if (/^(?:at|de)tach\b/.test(summary)) this.forget()
  }

  /** What a step of code writes is not seen: said when such a file is attached. */
  tell({ summary }: Statement, onNotice: ((message: string) => void) | undefined): void {
    if (onNotice === undefined || !summary.startsWith('attach')) return
    const last = this.#files.at(-1)
    if (last === undefined || !this.#apart([last]).includes(last)) return
    onNotice(
      `${last.file} is attached, and SQLite does not commit it as one with the database (journal_mode WAL): what a step of code writes to it in a transaction may be lost in a crash at the commit, or be there without the rest.`,
    )
  }

  /** Without those in memory, which no crash leaves behind. */
  get #files(): readonly AttachedFile[] {
    return (this.#known ??= this.#list().filter(({ number, file }) => number > 1 && file !== ''))
  }

  #list(): AttachedFile[] {
    const rows = this.#database.prepare('PRAGMA database_list').safeIntegers(false).raw().all()
    return (rows as [number, string, string][]).map(([number, name, file]) => ({ number, name, file }))
  }

  #apart(files: readonly AttachedFile[]): readonly AttachedFile[] {
    return this.#isTogether('main') ? files.filter(({ name }) => !this.#isTogether(name)) : files
  }

  #isTogether(name: string): boolean {
    const ask = (setting: string): unknown =>
      this.#database
        .prepare(`PRAGMA ${quoted('"', name)}.${setting}`)
        .safeIntegers(false)
        .pluck()
        .get()
    return TOGETHER.has(ask('journal_mode')) && ask('synchronous') !== 0
  }

  /** SQLite says itself which files a statement opens for writing, triggers counted. */
  #writtenBy({ text }: Statement): ReadonlySet<unknown> {
    const written = new Set<unknown>()
    try {
      const steps = this.#database.prepare(`EXPLAIN ${text}`).safeIntegers(false).all()
      for (const { opcode, p1, p2 } of steps as { opcode: string; p1: number; p2: number }[])
        if (opcode === 'Transaction' && p2 > 0) written.add(p1)
    } catch {
      // What cannot be explained cannot be run either, or explains itself.
    }
    return written
  }
}

/** Outside of a transaction the statement writes to that file alone, and is whole. */
function notTogether({ summary, position }: Statement, file: string): MigrateError {
  return new MigrateError(
    'MIG-TRANSACTION-FORBIDDEN',
    `"${summary}" writes to the attached file ${file}, which SQLite does not commit as one with the database (journal_mode WAL): a crash could leave one of them as it was.`,
    {
      position,
      hint: 'Mark the section transaction:false: the journal then says after a crash which statement is in doubt. Or give both files another journal_mode.',
    },
  )
}
