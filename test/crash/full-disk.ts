import { mkdirSync, mkdtempSync, rmdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun, run } from '../servers/process.js'

/** A file system of its own that can be filled. */
export interface SmallDisk {
  readonly folder: string
  /** Leaves this many bytes. */
  fill(left: number): void
  free(): void
  remove(): Promise<void>
}

export const DISK_BYTES = 2 * 1024 * 1024

/** Null where nothing may be mounted. @param folder made for it; default: a temporary one */
export async function smallDisk(
  folder = mkdtempSync(join(tmpdir(), 'revgraph-disk-')),
): Promise<SmallDisk | null> {
  mkdirSync(folder, { recursive: true })
  const mounted = await run(['mount', '-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'revgraph', folder])
  if (mounted.code !== 0) {
    rmdirSync(folder)
    return null
  }
  const filler = join(folder, '.filler')
  return {
    folder,
    fill(left) {
      rmSync(filler, { force: true })
      const { bavail, bsize } = statfsSync(folder)
      // Zeroes that are written take their room; a hole would not.
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - left)))
    },
    free() {
      truncateSync(filler)
      rmSync(filler)
    },
    async remove() {
      await mustRun(['umount', '--lazy', folder])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
