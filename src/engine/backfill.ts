import { setTimeout as sleep } from 'node:timers/promises'
import type {
  BackfillPlace,
  BackfillStatement,
  BackfillSupport,
  Session,
  Statement,
} from '../backend/index.js'
import {
  halved,
  limitsOf,
  steer,
  type BackfillProgress,
  type BackfillRow,
  type Steering,
} from '../core/backfill.js'
import { MigrateError } from '../core/errors.js'
import { interrupted, throwIfAborted } from './step.js'

export interface BackfillContext {
  readonly signal: AbortSignal | undefined
  readonly progress: ((progress: BackfillProgress) => void) | undefined
}

/** Batches that fail in a row for locks and time-outs before it is given up. */
const MOST_TRIES = 12
const FIRST_WAIT_MS = 200
const LONGEST_WAIT_MS = 20_000
/** How often it is looked whether a pause is over, and how far behind replicas are. */
const LOOK_MS = 1_000

export const isBackfill = (statement: Statement): statement is BackfillStatement =>
  statement.backfill !== undefined

/** @throws MigrateError MIG-UNSUPPORTED */
export function backfillsOf(session: Session, statement: Statement): BackfillSupport {
  if (session.backfills !== undefined) return session.backfills
  throw new MigrateError('MIG-UNSUPPORTED', `${session.server.product} has no backfills.`, {
    position: statement.position,
    hint: 'Write the change as a step of code.',
    state: 'Nothing was run.',
  })
}

/**
 * Runs a statement in pages until all are done. Where it stands is in the metadata after every page: it can be left at
 * any time, and is taken up by the next run.
 * @returns how far it has come, also when it throws: through `reached`
 */
export async function runBackfill(
  session: Session,
  statement: BackfillStatement,
  place: BackfillPlace,
  context: BackfillContext,
  reached: (row: BackfillRow) => void,
): Promise<void> {
  const pages = await backfillsOf(session, statement).begin(statement, place)
  const { backfill } = statement
  const limits = limitsOf(backfill)
  const meter = new Meter(pages.row)
  let steering: Steering = { size: backfill.batch, average: null }
  let { row } = pages
  let tries = 0
  let lookedAt = -Infinity
  const tell = (doing: BackfillProgress['doing']): void => context.progress?.(meter.progress(row, doing))
  reached(row)
  while (row.state !== 'done') {
    throwIfAborted(context.signal)
    if (backfill.maxLagMs > 0 && pages.lagMs !== undefined && performance.now() - lookedAt > LOOK_MS) {
      const lag = await pages.lagMs()
      if (lag !== null && lag > backfill.maxLagMs) {
        tell('behind')
        await wait(LOOK_MS, context)
        continue
      }
      lookedAt = performance.now()
    }
    const began = performance.now()
    const result = await pages.next(steering.size)
    if (result.kind === 'blocked') {
      throwIfAborted(context.signal)
      tries += 1
      if (tries > MOST_TRIES) throw result.error
      steering = halved(steering)
      tell('blocked')
      // Contenders that met shall not meet again.
      await wait(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries) * (0.5 + Math.random()), context)
      continue
    }
    row = result.row
    reached(row)
    if (result.kind === 'paused') {
      tell('paused')
      await wait(LOOK_MS, context)
      continue
    }
    tries = 0
    steering = steer(steering, performance.now() - began, backfill.timeMs, limits)
    tell('working')
    throwIfAborted(context.signal)
    if (backfill.pauseMs > 0 && row.state !== 'done') await wait(backfill.pauseMs, context)
  }
}

async function wait(ms: number, { signal }: BackfillContext): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch (cause) {
    throw interrupted(cause)
  }
}

/** Rows in a second since this run took it up, waits and all. */
class Meter {
  readonly #began = performance.now()
  readonly #from: number

  constructor(row: BackfillRow) {
    this.#from = row.scanned
  }

  progress(row: BackfillRow, doing: BackfillProgress['doing']): BackfillProgress {
    const seconds = (performance.now() - this.#began) / 1000
    const rate = seconds > 0 && row.scanned > this.#from ? (row.scanned - this.#from) / seconds : null
    const left = row.estimate === null ? null : Math.max(0, row.estimate - row.scanned)
    const leftMs = rate === null || left === null ? null : Math.round((left / rate) * 1000)
    return {
      row,
      doing,
      rate: rate === null ? null : Math.round(rate),
      leftMs: row.state === 'done' ? 0 : leftMs,
    }
  }
}

/** The same fault found while the script runs has its earlier statements behind it. */
async function checked(support: BackfillSupport, statement: BackfillStatement): Promise<void> {
  try {
    await support.check(statement)
  } catch (error) {
    throw error instanceof MigrateError ? error.with({ state: 'Nothing was run.' }) : error
  }
}

/** UTF-16 units of statements that are kept to be looked through. */
const KEEP_LIMIT = 2_000_000

/**
 * Looks at backfills before anything runs: a table that cannot be cut into pages is told at once, unless a statement of
 * the plan names it before and may give it a key.
 */
export class BackfillCheck {
  readonly #session: Session
  #earlier = ''
  #full = false

  constructor(session: Session) {
    this.#session = session
  }

  /** @throws MigrateError MIG-BACKFILL-KEY, MIG-UNSUPPORTED */
  async look(statement: Statement): Promise<void> {
    if (isBackfill(statement)) {
      const support = backfillsOf(this.#session, statement)
      const last = (statement.backfill.table.split('.').at(-1) ?? '').replace(/["`]/g, '').toLowerCase()
      if (!this.#full && !this.#earlier.includes(last)) await checked(support, statement)
    } else if (/^(?:(?:create|alter|drop)\b|rename)/.test(statement.summary)) {
      this.#full ||= this.#earlier.length + statement.text.length > KEEP_LIMIT
      if (!this.#full) this.#earlier += `${statement.text.toLowerCase()}\n`
    }
  }
}
