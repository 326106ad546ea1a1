import type { CommandEntry } from '../spec.js'

const BEGIN = 'Write revisions:'
const MOVE = 'Move the database:'
const LOOK = 'See where it stands:'
const GUARD = 'Guard and settle:'

/** Every command. What one needs is loaded when it is called. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'init',
    group: BEGIN,
    summary: 'write a config file and the folder of revisions',
    load: () => import('./init.js'),
  },
  {
    name: 'revision',
    group: BEGIN,
    summary: 'write a new, empty revision file',
    load: () => import('./revision.js'),
  },
  {
    name: 'merge',
    group: BEGIN,
    summary: 'write a revision that joins several heads',
    load: () => import('./merge.js'),
  },
  { name: 'edit', group: BEGIN, summary: 'open a revision in your editor', load: () => import('./edit.js') },
  {
    name: 'upgrade',
    group: MOVE,
    summary: 'apply what is missing up to a target',
    load: () => import('./upgrade.js'),
  },
  {
    name: 'downgrade',
    group: MOVE,
    summary: 'revert down to a target',
    load: () => import('./downgrade.js'),
  },
  { name: 'redo', group: MOVE, summary: 'revert and apply again', load: () => import('./redo.js') },
  {
    name: 'stamp',
    group: MOVE,
    summary: 'record a state without running anything',
    load: () => import('./stamp.js'),
  },
  {
    name: 'adopt',
    group: MOVE,
    summary: 'take a database over from another tool',
    load: () => import('./adopt.js'),
  },
  {
    name: 'status',
    group: LOOK,
    summary: 'where the database stands, and what to do next',
    load: () => import('./status.js'),
  },
  {
    name: 'current',
    group: LOOK,
    summary: 'the heads of what is applied',
    load: () => import('./current.js'),
  },
  {
    name: 'history',
    group: LOOK,
    summary: 'revisions, newest first; --graph draws them',
    load: () => import('./history.js'),
  },
  { name: 'heads', group: LOOK, summary: 'revisions without a child', load: () => import('./heads.js') },
  {
    name: 'branches',
    group: LOOK,
    summary: 'where the graph divides',
    load: () => import('./branches.js'),
  },
  {
    name: 'show',
    group: LOOK,
    summary: 'all about a revision, its scripts included',
    load: () => import('./show.js'),
  },
  {
    name: 'log',
    group: LOOK,
    summary: 'what was run on this database, when and by whom',
    load: () => import('./log.js'),
  },
  {
    name: 'check',
    group: GUARD,
    summary: 'the CI step: heads, pending, edited, missing, unfinished',
    load: () => import('./check.js'),
  },
  { name: 'tag', group: GUARD, summary: 'name a state of the database', load: () => import('./tag.js') },
  {
    name: 'repair',
    group: GUARD,
    summary: 'accept the present text of an edited revision',
    load: () => import('./repair.js'),
  },
  {
    name: 'backfill',
    group: MOVE,
    summary: 'see, pause and resume what upgrade runs in batches',
    load: () => import('./backfill.js'),
  },
  {
    name: 'resolve',
    group: GUARD,
    summary: 'settle a statement in doubt after a crash',
    load: () => import('./resolve.js'),
  },
]
