import type { Session, VerifyQuery } from '../backend/index.js'
import { MigrateError } from '../core/errors.js'
import type { JournalEntry } from '../core/metadata.js'
import type { Position } from '../core/position.js'
import { isBackfill } from './backfill.js'
import type { Block, ScriptStep } from './script.js'
import type { EngineStep } from './step.js'

/** What a step says. */
export function textOf(part: ScriptStep): string {
  return part.kind === 'statement' ? part.statement.text : `code: ${part.code.name}`
}

/** For people. @param excerpt what may be shown of a statement's text */
export function excerptOf(part: ScriptStep, excerpt: (text: string) => string): string {
  return part.kind === 'statement' ? excerpt(part.statement.text) : textOf(part)
}

/** Done, or nobody knows: a script of which there is such a statement is not run from its beginning. */
export function isBegun({ state }: JournalEntry): boolean {
  return state !== 'failed' && state !== 'not-begun'
}

/** @throws MigrateError MIG-UNFINISHED for a script that would be run from its beginning though it was begun */
export function refuseBegun({ revision, direction }: EngineStep, journal: readonly JournalEntry[]): void {
  const begun = journal.some(
    (entry) => entry.revision === revision && entry.direction === direction && isBegun(entry),
  )
  if (!begun) return
  throw new MigrateError(
    'MIG-UNFINISHED',
    `An earlier run stopped halfway in ${revision}, whose rest cannot be part of a single transaction.`,
    { hint: 'Finish it first: type the command without --single-transaction.', state: 'Nothing was run.' },
  )
}

/** What an earlier run left of a script, and the script as it reads now. */
export interface Left {
  readonly prior: readonly JournalEntry[]
  readonly blocks: readonly Block[]
  readonly hash: (part: ScriptStep) => string
  readonly excerpt: (text: string) => string
}

interface Placed {
  readonly part: ScriptStep
  readonly position: number
}

/**
 * How far an earlier run has come: the position from which on the script is to be run, 0 when nothing of it was done.
 * What was done must read as it did, statement by statement from the first; what comes behind it may be anything.
 * @throws MigrateError MIG-UNFINISHED when one is in doubt, or the text of what was done is another one now
 */
export async function settlePrior(session: Session, step: EngineStep, left: Left): Promise<number> {
  const begun = left.prior.filter(isBegun)
  if (begun.length === 0) return 0
  const present = new Map(placed(left.blocks).map((one) => [one.position, one]))
  let done = 0
  /** The first of those that are known not to be done, or of which nothing is known. */
  let open: { readonly entry: JournalEntry; readonly part: ScriptStep; readonly known: boolean } | undefined
  for (const entry of begun) {
    const part = present.get(entry.position)?.part
    if (part === undefined || left.hash(part) !== entry.hash)
      throw await editedError(step, left, begun, entry.position)
    const seen = entry.state === 'done' ? 'applied' : await lookAt(session, part, entry)
    if (seen === 'applied') {
      // They are run in their order: what is behind a statement that is not done cannot have been.
      if (open?.known === true) throw doubtError(open.entry, open.part)
      open = undefined
      done = entry.position + 1
    } else if (open === undefined) open = { entry, part, known: seen === 'not-applied' }
  }
  if (open?.known === false) throw doubtError(open.entry, open.part)
  // One that was put between those that were done, in the place of a BEGIN say, would be taken for done.
  const noted = new Set(begun.map(({ position }) => position))
  for (const { position, part } of present.values()) {
    if (position >= done || noted.has(position)) continue
    // Said to be undone, though one behind it was applied: nothing has been edited, and somebody was wrong.
    const undone = left.prior.find((entry) => entry.position === position && left.hash(part) === entry.hash)
    throw undone === undefined ? await editedError(step, left, begun, position) : doubtError(undone, part)
  }
  await refuseCut(step, left, begun, done)
  return done
}

/** What statements have left behind that were begun and are not done is taken away, whatever stands in their place now. */
export async function clearPrior(
  session: Session,
  prior: readonly JournalEntry[],
  done: number,
): Promise<void> {
  for (const entry of prior) {
    const begun = entry.state === 'intent' || entry.state === 'failed'
    if (begun && entry.position >= done) await session.clearAway?.(entry)
  }
}

/** A block is run whole: one of which a part was done would have that part run twice. */
async function refuseCut(
  step: EngineStep,
  left: Left,
  begun: readonly JournalEntry[],
  done: number,
): Promise<void> {
  const cut = left.blocks.find(({ first, steps }) => first < done && done < first + steps.length)
  if (cut === undefined) return
  const entry = begun.find(({ position }) => position === done)
  const part = cut.steps[done - cut.first]
  if (entry === undefined || part === undefined) throw await editedError(step, left, begun, done)
  throw doubtError(entry, part)
}

const placed = (blocks: readonly Block[]): Placed[] =>
  blocks.flatMap(({ first, steps }) => steps.map((part, index) => ({ part, position: first + index })))

async function lookAt(
  session: Session,
  part: ScriptStep,
  entry: JournalEntry,
): Promise<'applied' | 'not-applied' | 'unknown'> {
  if (part.kind !== 'statement') return ask(session, part.code.verify)
  // Where a backfill stands is noted with its own rows: it goes on from there.
  if (isBackfill(part.statement)) return 'not-applied'
  const seen = (await session.observe?.(part.statement, entry)) ?? 'unknown'
  return seen === 'unknown' ? ask(session, part.statement.verify) : seen
}

/** The author's own query, where the catalogue says nothing. */
async function ask(
  session: Session,
  query: VerifyQuery | undefined,
): Promise<'applied' | 'not-applied' | 'unknown'> {
  return query === undefined ? 'unknown' : ((await session.verify?.(query)) ?? 'unknown')
}

export const verifyOf = (part: ScriptStep): VerifyQuery | undefined =>
  part.kind === 'code' ? part.code.verify : part.statement.verify

const positionOf = (part: ScriptStep): Position =>
  part.kind === 'statement' ? part.statement.position : part.code.origin

/** Of the script alone: revisions before it may have been run in the same run. */
const nothingMore = (revision: string): string => `Nothing more of ${revision} was run.`

function doubtError(entry: JournalEntry, part: ScriptStep): MigrateError {
  const query = verifyOf(part)
  return new MigrateError(
    'MIG-UNFINISHED',
    `An earlier run ended while statement ${entry.position + 1} of ${entry.revision} was running: whether it was applied is unknown.`,
    {
      position: positionOf(part),
      details: [
        entry.excerpt,
        ...(query === undefined ? [] : [`Its query answers neither yes nor no: ${query.text}`]),
      ],
      hint: `Look at the database, then type "migrate resolve ${entry.revision} --done" if it was applied, or "migrate resolve ${entry.revision} --retry" to run it again.`,
      state: nothingMore(entry.revision),
    },
  )
}

async function editedError(
  step: EngineStep,
  left: Left,
  begun: readonly JournalEntry[],
  position: number,
): Promise<MigrateError> {
  const { revision } = step
  const steps = placed(left.blocks)
  const at = steps.find((one) => one.position >= position)
  const doubt = begun.some(({ state }) => state === 'intent')
  return new MigrateError(
    'MIG-UNFINISHED',
    `${revision} is half applied, and the text of its statements that were already run has been edited since.`,
    {
      ...(at === undefined ? {} : { position: positionOf(at.part) }),
      details: await differences(step, left, begun, steps),
      hint: `Put the statements that were run back as they were; those after them may be edited freely. Or undo them by hand and type "migrate resolve ${revision} --rollback".${doubt ? ` For the one in doubt, look at the database: "migrate resolve ${revision} --retry" where it was not applied.` : ''}`,
      state: nothingMore(revision),
    },
  )
}

/** Unified: the statements that were run, as the journal knows them, and those that stand in their place now. */
async function differences(
  step: EngineStep,
  { hash, excerpt }: Left,
  begun: readonly JournalEntry[],
  steps: readonly Placed[],
): Promise<string[]> {
  const was = begun.map((entry) => ({ hash: entry.hash, text: entry.excerpt }))
  const now = steps.map(({ part }) => ({ hash: hash(part), text: excerptOf(part, excerpt) }))
  // What comes behind the last one that was run is nobody's concern here.
  const last = now.findLastIndex((one) => was.some((other) => other.hash === one.hash))
  const behind = was.length - 1 - was.findLastIndex((one) => one.hash === now[last]?.hash)
  const shown = now.slice(0, last === -1 ? was.length : last + 1 + behind)
  const known = new Set(was.map((one) => one.hash))
  const lines = (list: readonly { readonly text: string }[]): string =>
    list.map(({ text }) => `${text.replace(/\r\n?/g, '\n')}\n`).join('')
  const told = shown.map((one) =>
    known.has(one.hash) || !was.some(({ text }) => text === one.text)
      ? one
      : { ...one, text: `${one.text} … differs further on, or in a value` },
  )
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import('diff')
  const name = step.file ?? step.revision
  const options = { context: 3, headerOptions: FILE_HEADERS_ONLY }
  const patch = createTwoFilesPatch(
    `${name} (was run)`,
    `${name} (now)`,
    lines(was),
    lines(told),
    undefined,
    undefined,
    options,
  )
  return patch.trimEnd().split('\n')
}
