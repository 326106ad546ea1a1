import { allOrNothing, type Counting } from './judge.js'
import type { Family } from './place.js'
import type { Step } from './statements.js'

/** A revision of a scenario: its file is generated from it. */
export interface Revision {
  readonly id: string
  readonly parents?: readonly string[]
  readonly up: readonly Step[]
  readonly down?: readonly Step[]
  /** `transaction:false`. */
  readonly transaction?: false
  /** Instead of the steps: the text of a file of this name. The steps above say how to settle its statements. */
  readonly file?: { readonly name: string; readonly text: string }
}

export interface Scenario<Of extends Family = Family> {
  readonly name: string
  readonly families: readonly Of[]
  /** On these of them alone, by name. */
  readonly only?: readonly string[]
  revisions(family: Of): readonly Revision[]
  /** Run undisturbed before anything is killed. */
  readonly before?: readonly (readonly string[])[]
  /** SQLite: a second file lies beside the database, a copy of it, for revisions that attach it. */
  readonly beside?: true
  /** Run on the server after that. */
  readonly then?: readonly string[]
  /** What is killed. */
  readonly command: readonly string[]
  /** What is typed after the kill, until it ends well. Default: the same. */
  readonly again?: readonly string[]
  readonly counting?: Counting
  readonly layout?: 'flyway'
  /** Its cases have something in common on the server: one at a time. */
  readonly alone?: true
  /** Statements that wait for the harness: struck while the server is busy with them. */
  readonly gates?: Readonly<Partial<Record<Family, readonly string[]>>>
}

/**
 * What every server is struck at.
 * @param graph a line, a branch point, two branches and their merge. How often its ups have run tells what is in doubt
 */
export const usualScenarios = <Of extends Family>(
  families: readonly Of[],
  graph: (family: Of, times?: number) => readonly Revision[],
): Scenario<Of>[] => [
  { name: 'upgrade', families, revisions: (family) => graph(family), command: ['upgrade', 'head'] },
  {
    name: 'downgrade',
    families,
    revisions: (family) => graph(family),
    before: [['upgrade', 'head']],
    command: ['downgrade', 'base'],
  },
  {
    name: 'redo',
    families,
    // The second time that each up runs.
    revisions: (family) => graph(family, 2),
    before: [['upgrade', 'head']],
    command: ['redo'],
    again: ['upgrade', 'head'],
    counting: allOrNothing,
  },
  { name: 'stamp', families, revisions: (family) => graph(family), command: ['stamp', 'head'] },
  {
    name: 'tag',
    families,
    revisions: (family) => graph(family),
    before: [['upgrade', 'head']],
    command: ['tag', 'v1'],
    again: ['tag', 'v1', '--force'],
  },
]
