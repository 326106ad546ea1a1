import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMigrator } from '../../src/app/migrator.js'
import type { Migrator } from '../../src/app/types.js'
import type { Revision, Scenario } from './scenario.js'
import type { Family } from './place.js'
import type { Step } from './statements.js'

/** The folder with a scenario's revisions; cases only read it. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'revgraph-crash-'))
  readonly revisions: readonly Revision[]
  readonly #scenario: Scenario

  constructor(scenario: Scenario, family: Family) {
    this.#scenario = scenario
    this.revisions = scenario.revisions(family)
    mkdirSync(join(this.folder, 'migrations'))
    for (const revision of this.revisions) {
      const { name, text } = revision.file ?? this.#fileOf(revision, family)
      writeFileSync(join(this.folder, 'migrations', name), text)
    }
  }

  /** What the command is told besides its words. */
  get options(): readonly string[] {
    const { layout } = this.#scenario
    return ['--dir', 'migrations', '--json', '--yes', ...(layout === undefined ? [] : ['--layout', layout])]
  }

  migrator(url: string): Migrator {
    const { layout } = this.#scenario
    return createMigrator({
      url,
      cwd: this.folder,
      dir: 'migrations',
      lockWaitMs: 240_000,
      ...(layout === undefined ? {} : { layout }),
    })
  }

  /** The statement of a revision that the journal calls its nth. */
  step(id: string, direction: 'up' | 'down', position: number): Step | undefined {
    // A layout of files that are numbered calls them by their numbers.
    const revision = this.revisions.find((one) => one.id === id || one.id.startsWith(`V${id}__`))
    return revision?.[direction]?.[position]
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #fileOf(revision: Revision, family: Family): { readonly name: string; readonly text: string } {
    const { ending, comment, stop } = family === 'mongo' || family === 'redis' ? WRITTEN[family] : WRITTEN.sql
    const script = (steps: readonly Step[]): string => steps.map(({ sql }) => `${sql}${stop}`).join('\n')
    if (this.#scenario.layout === 'flyway')
      return { name: `${revision.id}.${ending}`, text: `${script(revision.up)}\n` }
    const { id, parents = [], up, down = [], transaction } = revision
    const marker = (word: string): string =>
      `${comment} migrate:${word}${transaction === false ? ' transaction:false' : ''}`
    const lines = [
      `${comment} migrate:revision ${id}`,
      ...(parents.length === 0 ? [] : [`${comment} migrate:parents ${parents.join(' ')}`]),
      `${comment} migrate:message about ${id}`,
      ...['', marker('up'), script(up), '', marker('down'), script(down), ''],
    ]
    return { name: `${id}.${ending}`, text: lines.join('\n') }
  }
}

/** How files of statements are written. */
const WRITTEN = {
  sql: { ending: 'sql', comment: '--', stop: ';' },
  mongo: { ending: 'mongo', comment: '//', stop: '' },
  redis: { ending: 'redis', comment: '#', stop: '' },
} as const

/** A command as a program gives it, for what comes after a crash: it costs no process. */
export async function give(migrator: Migrator, words: readonly string[]): Promise<void> {
  const [command, target = '', ...flags] = words
  const has = (flag: string): boolean => flags.includes(flag)
  switch (command) {
    case 'upgrade':
      await migrator.upgrade(target, { singleTransaction: has('--single-transaction') })
      return
    case 'downgrade':
      await migrator.downgrade(target)
      return
    case 'redo':
      await migrator.redo()
      return
    case 'stamp':
      await migrator.stamp([target])
      return
    case 'tag':
      await migrator.tag(target, { force: has('--force') })
      return
    default:
      throw new Error(`no way to give ${words.join(' ')}`)
  }
}
