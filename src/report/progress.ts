import { duration } from './duration.js'
import type { View } from './view.js'
import { printable, truncate } from './width.js'

/** Milliseconds between two drawings. */
const INTERVAL = 80
const BAR = 24
const CLEAR = '\r\u001b[K'

export interface ProgressState {
  readonly done: number
  readonly total: number
  readonly doing: string
  /** Milliseconds, where it is known better than by what was done until now. */
  readonly left?: number
}

/** One line at the bottom of a terminal that says how far a long run has come. Times are passed in, never read here. */
export interface ProgressLine {
  /** Draws, if the last drawing is long enough ago. */
  update(state: ProgressState, now: number): void
  /** Takes the line away so that something else can be printed. */
  clear(): void
}

/** @param began milliseconds, of the same clock as `update`'s */
export function createProgressLine(write: (text: string) => void, view: View, began: number): ProgressLine {
  let drawnAt = -Infinity
  let shown = false
  return {
    update(progress, now) {
      if (now - drawnAt < INTERVAL) return
      drawnAt = now
      shown = true
      write(CLEAR + progressText({ ...progress, elapsed: now - began }, view))
    },
    clear() {
      if (shown) write(CLEAR)
      shown = false
      drawnAt = -Infinity
    },
  }
}

function progressText(state: ProgressState & { readonly elapsed: number }, { style, width }: View): string {
  const { done, total, doing, elapsed } = state
  const filled = total === 0 ? BAR : Math.floor((done / total) * BAR)
  const bar = style.green('━'.repeat(filled)) + style.dim('━'.repeat(BAR - filled))
  const numbers = `${done}/${total}`
  const leftMs = state.left ?? (done < 3 ? null : (elapsed / done) * (total - done))
  const left = leftMs === null ? '' : `, ${duration(leftMs)} left`
  const rest = Math.max(0, width - BAR - numbers.length - left.length - 6)
  return `${bar} ${numbers}${left}  ${style.dim(truncate(printable(doing), rest))}`
}
