import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { inject } from 'vitest'
import { cacheFolder } from '../servers/home.js'
import { findProgram, messageOf, mustRun, run, withLock } from '../servers/process.js'

/** A Debian package, unpacked; or why it is not here. */
export type Package =
  | { readonly name: string; readonly folder: string }
  | { readonly name: string; readonly reason: string; readonly wanted: boolean }

/** One file of a package, as text. */
export interface PackageFile {
  readonly name: string
  readonly text: string
}

/**
 * A Debian package of SQL files, unpacked into a folder beside the servers' and kept there from run to run. It is
 * complete or not there: unpacked under a lock and renamed into place, for test files run in parallel.
 */
export async function fetchPackage(name: string): Promise<Package> {
  const { present, missing } = inject('servers')
  if (present.length === 0 && missing.every((server) => !server.wanted)) {
    return { name, reason: 'left out by MIGRATE_TEST_SERVERS', wanted: false }
  }
  const corpus = join(cacheFolder(), 'corpus')
  const folder = join(corpus, name)
  if (existsSync(folder)) return { name, folder }
  try {
    for (const program of ['apt-get', 'dpkg-deb', 'flock']) {
      if ((await findProgram(program)) === undefined)
        throw new Error(`there is no ${program} on this machine`)
    }
    mkdirSync(corpus, { recursive: true })
    await withLock(join(corpus, 'fetch.lock'), async () => {
      if (!existsSync(folder)) await unpack(name, folder)
    })
    return { name, folder }
  } catch (error) {
    return { name, reason: messageOf(error), wanted: true }
  }
}

async function unpack(name: string, folder: string): Promise<void> {
  const building = `${folder}.building`
  rmSync(building, { recursive: true, force: true })
  mkdirSync(join(building, 'root'), { recursive: true })
  // apt downloads as a user of its own where it can, who has no way into our cache: it says so and goes on as us.
  const download = ['apt-get', 'download', '-q', '-o', 'APT::Sandbox::User=root', name]
  const options = { cwd: building, timeoutMs: 180_000 }
  if ((await run(['apt-cache', 'show', name])).code !== 0) {
    await mustRun(['apt-get', 'update', '-q'], { timeoutMs: 180_000 })
  }
  if ((await run(download, options)).code !== 0) {
    // Lists of some weeks ago name a version that no mirror has any more.
    await mustRun(['apt-get', 'update', '-q'], { timeoutMs: 180_000 })
    await mustRun(download, options)
  }
  const deb = readdirSync(building).find((file) => file.endsWith('.deb'))
  if (deb === undefined) throw new Error(`apt-get download ${name} brought no package`)
  await mustRun(['dpkg-deb', '-x', join(building, deb), join(building, 'root')])
  await rename(join(building, 'root'), folder)
  rmSync(building, { recursive: true, force: true })
}

/** The files of one folder of a package whose names the pattern fits, in the order of their numbers. */
export function filesIn(folder: string, pattern: RegExp): PackageFile[] {
  const byNumbers = new Intl.Collator('en', { numeric: true })
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort((a, b) => byNumbers.compare(a, b))
    .map((name) => fileAt(join(folder, name), name))
}

/** One file; one that the package has compressed is named and read without. */
export function fileAt(path: string, name: string): PackageFile {
  const bytes = readFileSync(path)
  return name.endsWith('.gz')
    ? { name: name.slice(0, -3), text: gunzipSync(bytes).toString('utf8') }
    : { name, text: bytes.toString('utf8') }
}
