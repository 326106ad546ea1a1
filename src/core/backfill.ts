import { parseDuration } from './duration.js'

/** How a backfill is paced. */
export interface BackfillPace {
  /** Rows of the first batch, and never many more than a hundred times that. Default 1,000. */
  readonly batch: number
  /** Milliseconds that a batch is steered to take; 0 keeps the batch size as it is. Default 500. */
  readonly timeMs: number
  /** Milliseconds to wait between batches. Default 0. */
  readonly pauseMs: number
  /** Milliseconds that replicas may be behind before it waits for them; 0 does not ask. Default 10,000. */
  readonly maxLagMs: number
}

export const DEFAULT_PACE: BackfillPace = { batch: 1_000, timeMs: 500, pauseMs: 0, maxLagMs: 10_000 }

export interface BackfillOptions extends BackfillPace {
  /** Columns; null for the table's own primary key, or a unique one. */
  readonly key: readonly string[] | null
}

export type BackfillState = 'running' | 'paused' | 'done'

/** How far a backfill has come, as the metadata keeps it. */
export interface BackfillRow {
  readonly revision: string
  readonly direction: 'up' | 'down'
  /** 0-based position among the script's steps. */
  readonly position: number
  readonly table: string
  readonly key: readonly string[]
  readonly state: BackfillState
  /** Rows that it has gone past, and how many of them were changed. */
  readonly scanned: number
  readonly changed: number
  /** Rows of the table as the server guessed when it began; null when it could not. */
  readonly estimate: number | null
  readonly batches: number
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly updatedAt: string
}

/** How a backfill goes on, as it is told to whoever watches. */
export interface BackfillProgress {
  readonly row: BackfillRow
  /** What it does now: `behind` waits for replicas, `blocked` for somebody else's lock. */
  readonly doing: 'working' | 'paused' | 'behind' | 'blocked'
  /** Rows that are gone past in a second, of this run; null before it is known. */
  readonly rate: number | null
  /** Milliseconds that are left at that rate; null where the table's size or the rate is not known. */
  readonly leftMs: number | null
}

/** Batches that the average looks back over. */
const MEMORY = 20
const MOST_GROWTH = 1.2
/** Between these shares of the target nothing is changed. */
const LOW = 0.9
const HIGH = 0.95

export interface Steering {
  readonly size: number
  /** Moving average of milliseconds as a share of the target; null before the first batch. */
  readonly average: number | null
}

/** Bounds of the batch size. */
export interface SizeLimits {
  readonly least: number
  readonly most: number
}

export const limitsOf = ({ batch }: Pick<BackfillPace, 'batch'>): SizeLimits => ({
  least: 1,
  most: Math.max(batch, Math.min(batch * 100, 100_000)),
})

/**
 * The size of the next batch: steered so that a batch takes 0.90 to 0.95 of the target, by a moving average, growing by a
 * fifth at most. A shrinking size is never less than half.
 */
export function steer(before: Steering, tookMs: number, targetMs: number, limits: SizeLimits): Steering {
  if (targetMs <= 0) return before
  const share = tookMs / targetMs
  const weight = 2 / (MEMORY + 1)
  const average = before.average === null ? share : before.average + weight * (share - before.average)
  // A batch that was far too slow is answered at once, whatever those before it were.
  const judged = share > 2 ? Math.max(share, average) : average
  if (judged >= LOW && judged <= HIGH) return { size: before.size, average }
  const factor = Math.min(MOST_GROWTH, Math.max(0.5, (LOW + HIGH) / 2 / Math.max(judged, 1e-6)))
  const size = clamp(factor > 1 ? Math.ceil(before.size * factor) : Math.floor(before.size * factor), limits)
  // Rounding up may be more than a fifth of a small size; it grows by a row then.
  const grown = Math.max(before.size + 1, Math.floor(before.size * MOST_GROWTH))
  const next = factor > 1 ? Math.min(size, clamp(grown, limits)) : size
  // What is expected of the new size, so that one change is not made again and again.
  return { size: next, average: average * (next / before.size) }
}

/** After a time-out or a deadlock. */
export const halved = ({ size }: Steering): Steering => ({
  size: Math.max(1, Math.floor(size / 2)),
  average: null,
})

const clamp = (size: number, { least, most }: SizeLimits): number => Math.min(most, Math.max(least, size))

const WORDS = ['key', 'batch', 'time', 'pause', 'max-lag'] as const
type Word = (typeof WORDS)[number]

/**
 * Options as they are written behind `-- migrate:backfill`: `key:id batch:1000 time:500ms pause:0 max-lag:10s`.
 * @returns a sentence when they cannot be read
 */
export function parseBackfillOptions(text: string): BackfillOptions | string {
  let options: BackfillOptions = { ...DEFAULT_PACE, key: null }
  const seen = new Set<string>()
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const colon = word.indexOf(':')
    const name = colon === -1 ? word : word.slice(0, colon)
    const value = colon === -1 ? '' : word.slice(colon + 1)
    if (!isWord(name)) return `"${name}" is not an option of a backfill; they are ${WORDS.join(', ')}`
    if (seen.has(name)) return `"${name}" is given twice`
    seen.add(name)
    const read = readOption(name, value)
    if (typeof read === 'string') return read
    options = { ...options, ...read }
  }
  return options
}

const isWord = (name: string): name is Word => (WORDS as readonly string[]).includes(name)

function readOption(name: Word, value: string): Partial<BackfillOptions> | string {
  if (name === 'key') {
    const key = value.split(',').map(unquoted)
    return key.some((column) => column === '') ? '"key:" names no column' : { key }
  }
  if (name === 'batch') {
    return /^[1-9]\d{0,6}$/.test(value) ? { batch: Number(value) } : `"batch:${value}" is no number of rows`
  }
  const ms = parseDuration(value)
  if (ms === null) return `"${name}:${value}" is no time such as 500ms or 5s`
  return name === 'time' ? { timeMs: ms } : name === 'pause' ? { pauseMs: ms } : { maxLagMs: ms }
}

const unquoted = (name: string): string => /^(["`])(.*)\1$/.exec(name)?.[2] ?? name
