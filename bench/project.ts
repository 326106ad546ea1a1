import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder with a chain of revisions, and the same statements for whoever runs them without revgraph. */
export interface Project {
  readonly folder: string
  /** One a revision, in order: a table, an index and an added column. */
  readonly revisions: readonly (readonly string[])[]
  remove(): void
}

export function makeProject(count: number): Project {
  const folder = mkdtempSync(join(tmpdir(), 'revgraph-bench-project-'))
  mkdirSync(join(folder, 'migrations'))
  const revisions = Array.from({ length: count }, (_, number) => [
    `CREATE TABLE t${number} (id bigint PRIMARY KEY, name varchar(100) NOT NULL, made timestamp)`,
    `CREATE INDEX i${number} ON t${number} (name)`,
    `ALTER TABLE t${number} ADD COLUMN extra integer`,
  ])
  for (const [number, statements] of revisions.entries()) {
    const id = idOf(number)
    const text = [
      `-- migrate:revision ${id}`,
      ...(number === 0 ? [] : [`-- migrate:parents ${idOf(number - 1)}`]),
      `-- migrate:message add t${number}`,
      '',
      '-- migrate:up',
      ...statements.map((statement) => `${statement};`),
      '',
      '-- migrate:down',
      `DROP TABLE t${number};`,
      '',
    ].join('\n')
    writeFileSync(join(folder, 'migrations', `20260101_${id}_add_t${number}.sql`), text)
  }
  return { folder, revisions, remove: () => rmSync(folder, { recursive: true }) }
}

function idOf(number: number): string {
  return (
    (Math.imul(number + 1, 0x9e3779b1) >>> 0).toString(16) + number.toString(16).padStart(4, '0')
  ).padStart(12, '0')
}
