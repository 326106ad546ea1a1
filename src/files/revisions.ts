import { resolve } from 'node:path'
import { MigrateError } from '../core/errors.js'
import type { RevisionSource } from '../core/revision.js'
import { didYouMean, listed } from '../core/wording.js'
import { FolderMemory } from './folder-memory.js'
import { listFolder } from './folder.js'
import { dbmate } from './layouts/dbmate.js'
import { diesel } from './layouts/diesel.js'
import { flyway } from './layouts/flyway.js'
import { golangMigrate } from './layouts/golang-migrate.js'
import type { Layout } from './layouts/layout.js'
import { migrateMongo } from './layouts/migrate-mongo.js'
import { revgraph } from './layouts/revgraph.js'

/** Every layout that can be read. */
export const LAYOUTS: readonly Layout[] = [revgraph, golangMigrate, diesel, dbmate, flyway, migrateMongo]

export const DEFAULT_LAYOUT = revgraph.name

export interface ReadOptions {
  /** Folder of the revisions, relative to `cwd` or absolute. */
  readonly dir: string
  /** Default `revgraph`. */
  readonly layout?: string
  /** What the paths in messages are relative to. Default: the process's working directory. */
  readonly cwd?: string
  /** Told how many files there are, before the first of them is read. */
  readonly onListed?: (files: number) => void
}

/** A folder whose files are listed, and not read yet. */
export interface RevisionFolder {
  readonly memory: FolderMemory
  /**
   * Reads the headers of all revisions, in the order of their paths.
   * @throws MigrateError MIG-FILE-…, MIG-GRAPH-DUPLICATE-ID
   */
  readonly read: () => Promise<readonly RevisionSource[]>
}

/** @throws MigrateError MIG-LAYOUT-UNKNOWN, MIG-DIRECTORY-NOT-FOUND, MIG-FILE-… */
export function listRevisions(options: ReadOptions): RevisionFolder {
  const cwd = options.cwd ?? process.cwd()
  const layout = layoutNamed(options.layout ?? DEFAULT_LAYOUT)
  const folder = resolve(cwd, options.dir)
  const files = listFolder(folder, cwd, layout.lists)
  options.onListed?.(files.length)
  return {
    memory: new FolderMemory(files, layout.name, folder, cwd),
    read: async () => layout.read(files),
  }
}

/**
 * Reads the headers of all revisions in a folder, in the order of their paths.
 * @throws MigrateError as {@link listRevisions} and {@link RevisionFolder.read}
 */
export async function readRevisions(options: ReadOptions): Promise<readonly RevisionSource[]> {
  return await listRevisions(options).read()
}

/** @throws MigrateError MIG-LAYOUT-UNKNOWN */
export function layoutNamed(name: string): Layout {
  const found = LAYOUTS.find((layout) => layout.name === name)
  if (found !== undefined) return found
  const names = LAYOUTS.map((layout) => layout.name)
  throw new MigrateError('MIG-LAYOUT-UNKNOWN', `There is no layout called "${name}".`, {
    hint: [didYouMean(name, names), `The layouts are ${listed(names, 20)}.`].filter(Boolean).join(' '),
  })
}
