import type { RevisionSource } from '../../core/revision.js'
import type { FolderFile, ListOptions } from '../folder.js'

/** A way in which revisions lie in a folder. One object, one file, one line in `revisions.ts`. */
export interface Layout {
  /** As the configuration names it. */
  readonly name: string
  /** What it reads, in a few words, for help and documentation. */
  readonly summary: string
  /** The files that are its own. All that it knows of the revisions is in them and in their names. */
  readonly lists: ListOptions
  /**
   * Reads what the graph needs of every revision; the scripts stay on disk until they are loaded.
   * @param files as `lists` asks for them, in the order of their paths
   * @throws MigrateError MIG-FILE-…, MIG-GRAPH-DUPLICATE-ID
   */
  read(files: readonly FolderFile[]): RevisionSource[] | Promise<RevisionSource[]>
}
