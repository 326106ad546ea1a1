import type { Snapshot } from './snapshot.js'

export type Verdict = 'same' | 'lost' | 'twice' | 'other'

export interface Judgement {
  readonly verdict: Verdict
  /** What differs, for people. */
  readonly details: readonly string[]
}

type Counts = ReadonlyMap<string, number>

/** How often a statement may have run at the end: as in the undisturbed run, usually. */
export type Counting = (found: Counts, wanted: Counts, before: Counts) => Judgement

/** Each statement as often as in the undisturbed run, and that is once. */
export const exactly: Counting = (found, wanted) => {
  const lost: string[] = []
  const twice: string[] = []
  for (const word of new Set([...found.keys(), ...wanted.keys()])) {
    const [has, should] = [found.get(word) ?? 0, wanted.get(word) ?? 0]
    if (has < should) lost.push(`${word}: ${has} instead of ${should}`)
    if (has > should) twice.push(`${word}: ${has} instead of ${should}`)
  }
  if (twice.length > 0) return { verdict: 'twice', details: [...twice, ...lost] }
  return lost.length > 0 ? { verdict: 'lost', details: lost } : { verdict: 'same', details: [] }
}

/** Nothing of it happened, or all of it. */
export const allOrNothing: Counting = (found, wanted, before) => {
  const nothing = exactly(found, before, before)
  return nothing.verdict === 'same' ? nothing : exactly(found, wanted, before)
}

/** Of some words it is promised that they are there at least so often. */
export const atLeastOnce =
  (promised: (word: string) => boolean): Counting =>
  (found, wanted, before) => {
    const enough = new Map(
      [...found].map(([word, times]) => [
        word,
        promised(word) ? Math.min(times, wanted.get(word) ?? 0) : times,
      ]),
    )
    return exactly(enough, wanted, before)
  }

/** Compares what a crash and its recovery left with what an undisturbed run leaves. */
export function judge(
  found: Snapshot,
  wanted: Snapshot,
  before: Snapshot,
  counting: Counting = exactly,
): Judgement {
  const counted = counting(found.audit, wanted.audit, before.audit)
  const differences = (['schema', 'rows', 'history', 'tags', 'format', 'unfinished'] as const).flatMap(
    (part) => difference(part, found[part], wanted[part]),
  )
  const details = [
    ...counted.details,
    ...differences,
    ...found.disorder.map((id) => `${id} is in the history before its parents`),
  ]
  if (counted.verdict !== 'same') return { verdict: counted.verdict, details }
  if (details.length === 0) return { verdict: 'same', details }
  // The history says that it is there, and it is not.
  const lacks = differences.some((text) => text.startsWith('schema lacks') || text.startsWith('rows lacks'))
  return {
    verdict: lacks && difference('', found.history, wanted.history).length === 0 ? 'lost' : 'other',
    details,
  }
}

function difference(part: string, found: readonly string[], wanted: readonly string[]): string[] {
  const left = [...found]
  const lacking: string[] = []
  for (const text of wanted) {
    const at = left.indexOf(text)
    if (at < 0) lacking.push(text)
    else left.splice(at, 1)
  }
  const short = (text: string): string => text.slice(0, 300)
  return [
    ...lacking.map((text) => `${part} lacks: ${short(text)}`),
    ...left.map((text) => `${part} has more: ${short(text)}`),
  ]
}
