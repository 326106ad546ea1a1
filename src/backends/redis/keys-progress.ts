import { createHash } from 'node:crypto'

/** How far the scan of one server is: its cursor means something to that process of the server alone. */
export interface NodeProgress {
  readonly runId: string
  cursor: string
  done: boolean
  /** Keys that were left as they are; some by name. */
  leftCount: number
  readonly left: string[]
}

/** How far a long step is, as the metadata keeps it. */
export interface Progress {
  /** Who had which slots when the pass began: where that has changed since, the pass is no whole one. */
  epoch: string | null
  nodes: Record<string, NodeProgress>
  /** Keys that were looked at, and changed. */
  seen: number
  changed: number
  /** No key had a renaming's new names when it began: those that are there are its own. */
  clear?: boolean
}

export const BEGINNING: Progress = { epoch: null, nodes: {}, seen: 0, changed: 0 }

/** Null for what is no progress. */
export function progressOf(value: string): Progress | null {
  try {
    const stored = JSON.parse(value) as Partial<Progress>
    const { epoch, nodes, seen, changed, clear = false } = stored
    return (typeof epoch === 'string' || epoch === null) &&
      typeof nodes === 'object' &&
      Object.values(nodes).every(({ left }) => Array.isArray(left)) &&
      typeof seen === 'number' &&
      typeof changed === 'number'
      ? { epoch, nodes, seen, changed, clear }
      : null
  } catch {
    return null
  }
}

/** The field of a step: its text, whatever its length. */
export function stepName(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
