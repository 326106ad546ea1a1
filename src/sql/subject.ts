export type SubjectKind =
  | 'schema'
  /** Tables, views and on some servers sequences: they share their names. */
  | 'relation'
  | 'column'
  | 'index'
  | 'constraint'
  | 'function'
  | 'procedure'
  | 'trigger'
  | 'event'

/** Something in the catalogue that a statement changes, by its name. */
export interface Subject {
  readonly kind: SubjectKind
  /** The name's parts, its schema first where it was written; of a column, an index or a constraint: its table's. */
  readonly path: readonly string[]
  /** The column, index or constraint in the table. */
  readonly part?: string
  /** `differs`: it is there afterwards, and not as it was before. */
  readonly change: 'appears' | 'vanishes' | 'differs'
}

export type Verdict = 'applied' | 'not-applied' | 'unknown'

/**
 * What became of a statement, from how each of its subjects stood before and stands now: a text for what is there,
 * null for what is not. All of them have to tell the same: a statement is done whole or not at all.
 */
export function verdictOf(
  subjects: readonly Subject[],
  before: readonly (string | null)[],
  now: readonly (string | null)[],
): Verdict {
  let changed = 0
  let same = 0
  for (const [index, { change }] of subjects.entries()) {
    const was = before[index] ?? null
    const is = now[index] ?? null
    // It was so already: an IF EXISTS that had nothing to do, or a statement that the server refuses.
    const pointless = (change === 'appears' && was !== null) || (change === 'vanishes' && was === null)
    if (pointless) {
      if ((is === null) !== (was === null)) return 'unknown'
    } else if (is === was) same += 1
    else if ((is === null) !== (change === 'vanishes')) return 'unknown'
    else changed += 1
  }
  if (changed > 0) return same === 0 ? 'applied' : 'unknown'
  return 'not-applied'
}

/**
 * How many statements, from the first on, can be told apart afterwards when their intents are committed together:
 * each makes something that none of the others touches or names.
 * @param texts of the statements
 */
export function separable(lists: readonly (readonly Subject[] | null)[], texts: readonly string[]): number {
  const first = lists[0]
  if (first === undefined || first === null) return 0
  for (let count = 0; count < lists.length; count += 1) {
    const subjects = lists[count]
    if (subjects == null || !subjects.every(makes)) return Math.max(count, 1)
    for (let earlier = 0; earlier < count; earlier += 1) {
      const others = lists[earlier] ?? []
      const text = texts[earlier]?.toLowerCase() ?? ''
      if (subjects.some((subject) => others.some((other) => meet(other, subject, text)))) return count
    }
  }
  return lists.length
}

const makes = ({ kind, change }: Subject): boolean => change === 'appears' && kind !== 'schema'

const INSIDE: ReadonlySet<SubjectKind> = new Set<SubjectKind>(['column', 'index', 'constraint'])

/** Whether what the later one makes may come, or have come, from the earlier one. */
function meet(earlier: Subject, later: Subject, earlierText: string): boolean {
  const sameOwner = last(earlier.path) === last(later.path)
  if (!sameOwner) return false
  if (!INSIDE.has(later.kind)) return INSIDE.has(earlier.kind) || earlier.kind === later.kind
  return namesWord(earlierText, (later.part ?? '').toLowerCase())
}

/** The same name in two schemas is taken for one: that only costs a commit. */
const last = (path: readonly string[]): string => (path.at(-1) ?? '').toLowerCase()

function namesWord(text: string, word: string): boolean {
  const inWord = /[\p{L}\p{N}_$]/u
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    if (!inWord.test(text.charAt(at - 1)) && !inWord.test(text.charAt(at + word.length))) return true
  }
  return false
}
