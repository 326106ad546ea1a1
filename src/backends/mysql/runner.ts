import type { ExecuteResult, Progress, Statement } from '../../backend/index.js'
import { MigrateError } from '../../core/errors.js'
import type { Channel } from './channel.js'
import { explain, explainStatement, isPiecemeal } from './errors.js'
import type { SessionKeeper } from './keeper.js'
import type { LooseTables } from './loose.js'
import { BEGIN, COMMIT, ROLLBACK } from './transaction-words.js'
import { Refused, type Answer } from './wire.js'

export interface RunnerParts {
  readonly channel: Channel
  readonly dialect: 'mysql' | 'mariadb'
  readonly keeper: SessionKeeper
  readonly loose: LooseTables
  readonly onNotice: ((message: string) => void) | undefined
}

/** Sends the user's statements, and tells of each of them what it was that failed. */
export class StatementRunner {
  readonly #parts: RunnerParts
  readonly #channel: Channel

  constructor(parts: RunnerParts) {
    this.#parts = parts
    this.#channel = parts.channel
  }

  async execute(statement: Statement): Promise<ExecuteResult> {
    await this.#note(statement)
    if (!this.#channel.fits(statement.text)) throw this.#tooLong(statement)
    let answer: Answer
    try {
      answer = await this.#channel.send(statement.text)
    } catch (error) {
      throw explainStatement(error, statement, this.#standsInPart(statement))
    }
    await this.#tellWarnings(answer)
    if (this.#channel.inTransaction && answer.inTransaction === false) throw endedTransaction(statement)
    return { rows: answer.affectedRows ?? answer.rowCount }
  }

  /**
   * In an open transaction, as many of the first ones as a message takes.
   * @returns how many that were, one at least
   */
  async some(statements: readonly Statement[], done: (index: number) => void): Promise<number> {
    const written = this.#channel.takesSeveral ? writesAmong(statements) : []
    const message = this.#withWarnings(written)
    if (written.length < 2 || !this.#channel.fits(message)) {
      if (statements[0] !== undefined) await this.execute(statements[0])
      done(0)
      return 1
    }
    for (const statement of written) this.#parts.loose.runs(statement)
    let counted = 0
    let ended: Statement | undefined
    let answer: Answer
    try {
      answer = await this.#channel.send(message, true, (index, inTransaction) => {
        if (!inTransaction) ended ??= written[index]
        counted = index + 1
        if (index < written.length) done(index)
      })
    } catch (error) {
      const at = error instanceof Refused ? error.refusal.done : 0
      throw explainStatement(error, written[Math.min(at, written.length - 1)] as Statement)
    }
    await this.#tellWarnings(answer)
    if (ended !== undefined) throw endedTransaction(ended)
    if (counted !== written.length) throw cutOtherwise(written, counted)
    return written.length
  }

  /**
   * In one message behind statements of our own, which are committed first.
   * @returns false, with nothing sent, where that cannot be
   */
  async together(
    own: readonly string[],
    statements: readonly Statement[],
    progress: Progress,
  ): Promise<boolean> {
    const { lease } = this.#channel
    const before =
      own.length === 1 && !this.#parts.keeper.touched && lease === undefined
        ? own
        : [BEGIN, ...own, ...(lease === undefined ? [] : [lease.guard]), COMMIT]
    const message = before.map(closed).join('') + this.#withWarnings(statements)
    // What answers with rows, or with several results, would not be told from the next one's answer.
    const plain =
      statements.length === 1 ||
      statements.every((one) => one.transaction === 'commits' && !keepsItsText(one))
    const { takesSeveral, inTransaction } = this.#channel
    const asOne = takesSeveral && !inTransaction && !this.#parts.keeper.strayed
    if (!asOne || !plain || !this.#channel.fits(message)) return false
    await this.#sendTogether(before.length, message, statements, progress)
    return true
  }

  /** @param before how many statements of ours are in front of the message */
  async #sendTogether(
    before: number,
    message: string,
    statements: readonly Statement[],
    progress: Progress,
  ): Promise<void> {
    for (const statement of statements) await this.#note(statement)
    const last = statements.length - 1
    let answer: Answer
    try {
      answer = await this.#channel.send(message, last > 0, (index) => {
        if (index === before - 1) progress.committed?.()
        // The last one's end is known when the message's is: a CALL may answer several times.
        if (index >= before && index < before + last) progress.done?.(index - before)
      })
    } catch (error) {
      const { done } = error instanceof Refused ? error.refusal : { done: 0 }
      const refused = statements[Math.min(done - before, last)]
      if (refused !== undefined) throw explainStatement(error, refused, this.#standsInPart(refused))
      if (before > 1) await this.#channel.send(ROLLBACK).catch(() => undefined)
      throw explain(this.#channel.unguarded(error), 'Writing the journal')
    }
    progress.done?.(last)
    await this.#tellWarnings(answer)
  }

  /** Warnings are those of the statement before: each but the last one's is asked for behind it. */
  #withWarnings(statements: readonly Statement[]): string {
    const ask = this.#parts.onNotice === undefined ? '' : closed('SHOW WARNINGS')
    const texts = statements.map(({ text }, index) =>
      // Nothing behind the last: a trigger would keep the semicolon with its text.
      index < statements.length - 1 ? closed(text) + ask : text,
    )
    return texts.join('')
  }

  /** Those that came with the answer, and the last statement's. */
  async #tellWarnings({ rows, warnings }: Answer): Promise<void> {
    const { onNotice } = this.#parts
    if (onNotice === undefined) return
    for (const row of rows) onNotice(warning(row))
    if (warnings === 0) return
    for (const row of await this.#channel.query('SHOW WARNINGS')) onNotice(warning(row))
  }

  #standsInPart(statement: Statement): boolean {
    return !this.#channel.inTransaction && isPiecemeal(statement, this.#parts.dialect)
  }

  /** What is to be known of a statement that is about to run. */
  async #note(statement: Statement): Promise<void> {
    this.#parts.loose.runs(statement)
    await this.#parts.keeper.runs(statement)
  }

  #tooLong(statement: Statement): MigrateError {
    const bytes = Buffer.byteLength(statement.text)
    return new MigrateError(
      'MIG-STATEMENT-FAILED',
      `The statement has ${bytes} bytes, and the server takes ${this.#channel.maxPacket} at most.`,
      {
        position: statement.position,
        hint: `Raise max_allowed_packet on the server to ${bytes + 1_024} or more, or cut the statement in pieces.`,
      },
    )
  }
}

const warning = ([level, code, message]: readonly unknown[]): string =>
  `${String(level)} ${String(code)}: ${String(message)}`

/** A comment on the last line would swallow the semicolon. */
const closed = (text: string): string => (/(--|#)[^\n]*$/.test(text) ? `${text}\n;\n` : `${text};\n`)

/** A stored program is kept as it was written, with the semicolon that follows it in a message of several. */
function keepsItsText({ summary, text }: Statement): boolean {
  return (
    summary.startsWith('create') &&
    /\b(trigger|procedure|function|event|package)\b/i.test(text.slice(0, 1_000))
  )
}

/** UTF-16 units of texts in one message, and statements: what a signal may have to wait for. */
const MOST_TEXT = 200_000
const MOST_STATEMENTS = 500

/** The first ones that write rows, and answer just with that. */
function writesAmong(statements: readonly Statement[]): readonly Statement[] {
  let size = 0
  const isWrite = ({ summary, text, transaction, touchesSession }: Statement): boolean =>
    transaction === 'allowed' &&
    !touchesSession &&
    /^(insert|replace|update|delete)\b/.test(summary) &&
    !/\breturning\b/i.test(text)
  const end = statements.findIndex((one, index) => {
    size += one.text.length
    return index >= MOST_STATEMENTS || size > MOST_TEXT || !isWrite(one)
  })
  return end === -1 ? statements : statements.slice(0, end)
}

/** Under another sql_mode a quote may end elsewhere. */
function cutOtherwise(statements: readonly Statement[], counted: number): MigrateError {
  const [{ position }] = statements as readonly [Statement]
  return new MigrateError(
    'MIG-STATEMENT-FAILED',
    `The server read ${counted} statements where ${statements.length} stand from here on.`,
    {
      position,
      hint: 'Is there an sql_mode that ends quotes elsewhere, such as NO_BACKSLASH_ESCAPES? Double a quote instead of escaping it.',
    },
  )
}

function endedTransaction(statement: Statement): MigrateError {
  return new MigrateError('MIG-TRANSACTION-CONTROL', "The statement ended the runner's own transaction.", {
    position: statement.position,
    hint: 'Take it out, or mark the section transaction:false.',
  })
}
