/** A database as it is judged: everything of the user's, and of the tool's what must be the same after any crash. */
export interface Snapshot {
  /** Tables, columns, indexes, views, types and so on, a line each. */
  readonly schema: readonly string[]
  /** Every row of every table of the user's, but for those that count. */
  readonly rows: readonly string[]
  /** How often each statement that says so was executed. */
  readonly audit: ReadonlyMap<string, number>
  /** A line for each revision that is applied, by id. */
  readonly history: readonly string[]
  /** Revisions that are in the history before one of their parents. */
  readonly disorder: readonly string[]
  readonly tags: readonly string[]
  /** Of the tool's own tables. */
  readonly format: readonly string[]
  /** What the journal says is unfinished. */
  readonly unfinished: readonly string[]
}

export function countsOf(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

/** A row of the history where it is no table. */
export interface AppliedRow {
  readonly id: string
  readonly seq: number
  readonly parents: readonly string[]
}

/** What each run has of its own. */
const OF_A_RUN: ReadonlySet<string> = new Set([
  ...['seq', 'appliedAt', 'appliedBy', 'host', 'durationMs', 'toolVersion', 'runId'],
])

/** Lines by id, and revisions that are before one of their parents. */
export function historyOf(rows: readonly AppliedRow[]): Pick<Snapshot, 'history' | 'disorder'> {
  const seen = new Set<string>()
  const disorder: string[] = []
  for (const { id, parents } of [...rows].sort((a, b) => a.seq - b.seq)) {
    seen.add(id)
    if (parents.some((parent) => !seen.has(parent))) disorder.push(id)
  }
  const line = (row: AppliedRow): string =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries(row)
          .filter(([field]) => !OF_A_RUN.has(field))
          .sort(),
      ),
    )
  return { history: rows.map(line).sort(), disorder }
}
