import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const BIN = fileURLToPath(new URL('../../bin/migrate.js', import.meta.url))

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  /** With the project's folder shown as `~`. */
  readonly stderr: string
}

/** A folder of its own with a configuration for SQLite, and the built command in it. */
export class CliProject {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'revgraph-cli-')))

  constructor(files: Readonly<Record<string, string | Buffer>> = {}) {
    this.write({ '.migraterc': 'url: sqlite:app.db\ndir: migrations\n', 'migrations/.keep': '', ...files })
  }

  /** Without the configuration and without the folder of revisions. */
  static empty(): CliProject {
    const project = new CliProject()
    rmSync(join(project.folder, '.migraterc'))
    rmSync(join(project.folder, 'migrations'), { recursive: true })
    return project
  }

  write(files: Readonly<Record<string, string | Buffer>>): void {
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.folder, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, content)
    }
  }

  run(...args: readonly string[]): CommandResult {
    const result = spawnSync(process.execPath, [BIN, ...args], {
      cwd: this.folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: this.folder, NO_COLOR: '1' },
      timeout: 60_000,
    })
    return {
      code: result.status,
      stdout: result.stdout,
      stderr: result.stderr.replaceAll(this.folder, '~'),
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The text of an SQL revision. */
export function sqlRevision(
  id: string,
  up: string,
  options: { readonly parents?: string; readonly down?: string; readonly labels?: string } = {},
): string {
  return [
    `-- migrate:revision ${id}`,
    ...(options.parents === undefined ? [] : [`-- migrate:parents ${options.parents}`]),
    ...(options.labels === undefined ? [] : [`-- migrate:labels ${options.labels}`]),
    `-- migrate:message about ${id}`,
    '',
    '-- migrate:up',
    up,
    '',
    '-- migrate:down',
    options.down ?? '',
    '',
  ].join('\n')
}
