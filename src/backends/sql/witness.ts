import type { Subject } from '../../sql/subject.js'

/** What a journal entry's `subject` says, written by this tool and read by it again, or by a later version. */
export interface Watched {
  /** Where names without a schema belong; null when only the session knew. */
  readonly home: string | null
  readonly subjects: readonly Subject[]
  /** These need not be asked for: what they are in is only made by a statement before them. */
  readonly absent?: readonly number[]
}

export const writeWatched = (watched: Watched): string => JSON.stringify(watched)

/** Null for what no version of this tool has written. */
export function readWatched(text: string | null | undefined): Watched | null {
  const parsed = parse(text)
  if (!isRecord(parsed) || !Array.isArray(parsed['subjects'])) return null
  const subjects = (parsed['subjects'] as unknown[]).filter(isSubject)
  if (subjects.length === 0 || subjects.length !== parsed['subjects'].length) return null
  const { home, absent } = parsed
  return {
    home: typeof home === 'string' ? home : null,
    subjects,
    absent: Array.isArray(absent) ? absent.filter((index) => typeof index === 'number') : [],
  }
}

/** An answer of the catalogue: the home of unqualified names, and how each subject stood. */
export function readStates(
  text: unknown,
): { readonly home: string | null; readonly states: readonly (string | null)[] } | null {
  const parsed = typeof text === 'string' ? parse(text) : text
  if (!Array.isArray(parsed)) return null
  const [home, ...states] = (parsed as unknown[]).map((value) =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : null,
  )
  return { home: home ?? null, states }
}

function parse(text: string | null | undefined): unknown {
  try {
    return text == null ? null : JSON.parse(text)
  } catch {
    return null
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function isSubject(value: unknown): value is Subject {
  if (!isRecord(value)) return false
  const { kind, path, part, change } = value
  return (
    typeof kind === 'string' &&
    Array.isArray(path) &&
    path.length > 0 &&
    path.every((name) => typeof name === 'string') &&
    (part === undefined || typeof part === 'string') &&
    (change === 'appears' || change === 'vanishes' || change === 'differs')
  )
}
