import { existsSync, statSync, type Stats } from 'node:fs'
import { historyText, onlyHead } from '../core/history.js'
import type { RevisionSource } from '../core/revision.js'
import { buildGraph } from '../core/graph.js'
import { VERSION } from '../core/version.js'
import { hashOf } from './bytes.js'
import type { FolderFile } from './folder.js'
import { othersTurn } from './turns.js'
import { keep, keptAt, readKept } from './user-cache.js'

/** What a run that finds nothing to do wants to know of a folder. */
export interface FolderSummary {
  /** SHA-256 of {@link historyText}, hexadecimal. */
  readonly digest: string
  /** The only head; null when there are several, or none. */
  readonly head: FolderHead | null
  /** Ids of all revisions, parents first. */
  readonly order: () => readonly string[]
}

export type FolderHead = Pick<RevisionSource, 'id' | 'parents' | 'dependsOn' | 'labels' | 'message' | 'file'>

/** Fewer are read as quickly as they are looked at. */
const FEWEST_FILES = 50
/**
 * How long before the files were listed the last change must have been. A later one may not tell itself from the next by
 * its time: file systems count in steps of up to two seconds (FAT), and the clock of one on the network is not ours.
 */
const SETTLED_MS = 10_000

/** A tenth of a file's reading each. */
const FILES_AT_ONCE = 320

const LINE_END = 0x0a

export function summaryOf(sources: readonly RevisionSource[]): FolderSummary {
  return {
    digest: hashOf(historyText(sources)),
    head: onlyHead(sources),
    order: () => buildGraph(sources).order.map(({ id }) => id),
  }
}

/**
 * What an earlier process read of a folder, for as long as no file in it has changed: to ask the file system for a
 * file's size and times takes a tenth of the time of reading it. A change cannot hide: its time (`ctime`) is the
 * system's own, which no program sets back.
 */
export class FolderMemory {
  readonly #file: string
  readonly #files: readonly FolderFile[]
  readonly #listedAt = Date.now()

  /**
   * @param files all of the folder that the layout reads
   * @param folder absolute
   * @param cwd what the paths shown are relative to
   */
  constructor(files: readonly FolderFile[], layout: string, folder: string, cwd: string) {
    this.#files = files
    this.#file = keptAt(hashOf(JSON.stringify([VERSION, layout, folder, cwd])).slice(0, 40), '.folder')
  }

  async recall(): Promise<FolderSummary | undefined> {
    if (!existsSync(this.#file)) return undefined
    const stamp = await this.#stamp()
    const kept = stamp === null ? undefined : readKept(this.#file, stamp)
    if (kept === undefined) return undefined
    const end = kept.indexOf(LINE_END)
    const { digest, head } = JSON.parse(kept.toString('utf8', 0, end)) as Omit<FolderSummary, 'order'>
    return { digest, head, order: () => JSON.parse(kept.toString('utf8', end + 1)) as readonly string[] }
  }

  /** @param summary of what was read since the files were listed: what has changed meanwhile is too young to be kept */
  async keep({ digest, head, order }: FolderSummary): Promise<void> {
    const stamp = await this.#stamp()
    if (stamp === null) return
    const facts = head === null ? null : headFacts(head)
    const text = `${JSON.stringify({ digest, head: facts })}\n${JSON.stringify(order())}`
    keep(this.#file, stamp, Buffer.from(text))
  }

  /** Changes whenever a file does; null where they are few, or one has changed just now. */
  async #stamp(): Promise<Buffer | null> {
    if (this.#files.length < FEWEST_FILES) return null
    const newest = this.#listedAt - SETTLED_MS
    let text = ''
    for (const [index, { path, inside }] of this.#files.entries()) {
      if (index % FILES_AT_ONCE === 0) await othersTurn()
      const stats = statsOf(path)
      if (stats === undefined || stats.ctimeMs > newest || stats.mtimeMs > newest) return null
      text += `${inside}\0${stats.size} ${stats.mtimeMs} ${stats.ctimeMs} ${stats.ino}\n`
    }
    return Buffer.from(text)
  }
}

/** Undefined for what may not be looked at as well: reading it tells that better. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

function headFacts({ id, parents, dependsOn, labels, message, file }: FolderHead): FolderHead {
  return { id, parents, dependsOn, labels, message, file }
}
