import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { MigrateError } from '../core/errors.js'
import { maskWord } from '../core/mask.js'
import { startOf } from '../core/position.js'
import { findConfig } from './config-find.js'
import { placeFile, unwritable } from './place-file.js'

export interface InitOptions {
  readonly cwd: string
  /** Folder of the revisions, relative to `cwd`. Default `migrations`. */
  readonly dir?: string
  /** Written into the configuration, unless a password is in it. Default: `${DATABASE_URL}`. */
  readonly url?: string
  readonly layout?: string
  /** The kind of database, written down where the URL is not. Default: the URL tells, when it is there. */
  readonly backend?: string
}

export interface InitReport {
  /** As it is shown. */
  readonly config: string
  readonly dir: string
  /** False when the folder was there already. */
  readonly createdDir: boolean
  /** True when the URL was left out for the password in it: it belongs into the variable `DATABASE_URL`. */
  readonly urlLeftOut: boolean
}

/**
 * Begins a project: a `.migraterc` and a folder for revisions. What is there is never replaced.
 * @throws MigrateError MIG-FILE-EXISTS when the folder has a configuration, MIG-FILE-UNWRITABLE
 */
export function initProject(options: InitOptions): InitReport {
  const { cwd } = options
  const found = findConfig(cwd)
  if (found !== null && dirname(found.path) === resolve(cwd)) {
    const shown = relative(cwd, found.path)
    throw new MigrateError('MIG-FILE-EXISTS', `There is a configuration already: ${shown}.`, {
      position: startOf(shown),
      hint: 'Edit it, or move it away first.',
    })
  }
  const folder = resolve(cwd, options.dir ?? 'migrations')
  const dir = relative(cwd, folder).split(sep).join('/') || '.'
  const createdDir = !existsSync(folder)
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw unwritable(dir, error)
  }
  const { url } = options
  const urlLeftOut = url !== undefined && maskWord(url) !== url
  const config = '.migraterc'
  const written = url === undefined || urlLeftOut ? undefined : url
  placeFile(join(cwd, config), config, configText(written, { ...options, dir }))
  return { config, dir, createdDir, urlLeftOut }
}

function configText(url: string | undefined, { dir = '', layout, backend }: Partial<InitOptions>): string {
  const lines = [
    '# The database, and the folder of its revisions. Every other option is shown in .migraterc.example of the package.',
    `url: ${scalar(url ?? '${DATABASE_URL}')}`,
    ...(url !== undefined || backend === undefined ? [] : [`backend: ${scalar(backend)}`]),
    `dir: ${scalar(dir)}`,
    ...(layout === undefined ? [] : [`layout: ${scalar(layout)}`]),
  ]
  return `${lines.join('\n')}\n`
}

/** Text that YAML could take for something else is quoted. */
function scalar(text: string): string {
  return /^(?:\$\{)?[A-Za-z_./][\w./:@{}?=&-]*$/.test(text) &&
    !/^(?:true|false|null|yes|no|on|off)$|:$/i.test(text)
    ? text
    : JSON.stringify(text)
}
