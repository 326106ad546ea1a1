import type { RevisionSource } from '../../core/revision.js'
import { listFolder, type FolderFile, type ListOptions } from '../folder.js'

/** The folder that the configuration names. */
export class Folder {
  readonly path: string
  readonly cwd: string
  readonly #onListed: (files: number) => void

  /**
   * @param path absolute
   * @param cwd what shown paths are relative to
   * @param onListed told how many files a list has
   */
  constructor(path: string, cwd: string, onListed: (files: number) => void = () => undefined) {
    this.path = path
    this.cwd = cwd
    this.#onListed = onListed
  }

  /** {@link listFolder} */
  list(options: ListOptions): FolderFile[] {
    const files = listFolder(this.path, this.cwd, options)
    this.#onListed(files.length)
    return files
  }
}

/** A way in which revisions lie in a folder. One object, one file, one line in `index.ts`. */
export interface Layout {
  /** As the configuration names it. */
  readonly name: string
  /** What it reads, in a few words, for help and documentation. */
  readonly summary: string
  /**
   * Reads what the graph needs of every revision; the scripts stay on disk until they are loaded.
   * @throws MigrateError MIG-FILE-…, MIG-DIRECTORY-NOT-FOUND, MIG-GRAPH-DUPLICATE-ID
   */
  read(folder: Folder): RevisionSource[] | Promise<RevisionSource[]>
}
