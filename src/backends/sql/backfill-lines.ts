import { parseBackfillOptions, type BackfillOptions } from '../../core/backfill.js'
import { MigrateError } from '../../core/errors.js'
import { startOf, type Position } from '../../core/position.js'
import { Places } from '../../sql/places.js'

/** Where a statement's own comments begin, and where it does, in UTF-16 code units from the text's beginning. */
export interface Gap {
  readonly start: number
  readonly first: number
}

const patternOf = (lead: '--' | '//'): RegExp =>
  new RegExp(`^[ \\t]*${lead}[ \\t]*migrate:backfill(?=[ \\t\\r\\n]|$)([^\\r\\n]*)`, 'gm')

/**
 * What lines `-- migrate:backfill` ask for, of each statement: null where none stands above it.
 * @param lead what begins a comment in the language
 * @throws MigrateError MIG-BACKFILL at the line
 */
export function backfillLines(
  text: string,
  origin: Position | undefined,
  lead: '--' | '//',
  gaps: readonly Gap[],
): readonly (BackfillOptions | null)[] {
  // Nearly every text has none.
  if (!text.includes('migrate:backfill')) return gaps.map(() => null)
  const lines = [...text.matchAll(patternOf(lead))]
  const fail = (offset: number, message: string, hint: string): MigrateError =>
    new MigrateError('MIG-BACKFILL', message, {
      position: new Places(text, origin ?? startOf()).at(offset),
      hint,
      state: 'Nothing was run.',
    })
  const found = gaps.map(({ start, first }) => {
    const [line, second] = lines.filter(({ index }) => index >= start && index < first)
    if (line === undefined) return null
    if (second !== undefined)
      throw fail(second.index, `One statement has two lines "${lead} migrate:backfill".`, 'Keep one of them.')
    lines.splice(lines.indexOf(line), 1)
    const options = parseBackfillOptions(line[1] ?? '')
    if (typeof options !== 'string') return options
    const example = lead === '--' ? 'key:id batch:1000' : 'batch:1000'
    throw fail(
      line.index,
      `${options}.`,
      `Write for example: ${lead} migrate:backfill ${example} time:500ms pause:0 max-lag:10s`,
    )
  })
  const stray = lines[0]
  if (stray === undefined) return found
  throw fail(
    stray.index,
    `"${lead} migrate:backfill" does not stand above a statement.`,
    lead === '--'
      ? 'Put it on a line of its own above the UPDATE that is to run in batches.'
      : 'Put it on a line of its own above the update that is to run in batches.',
  )
}

/** How a statement that is run in batches stands to a transaction. */
export const NO_TRANSACTION = {
  transaction: 'forbidden',
  reason: 'each of its batches is a transaction of its own',
  fix: 'Take it out of the transaction; the statements around it need none.',
} as const
