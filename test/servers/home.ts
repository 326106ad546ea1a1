import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { mustRun } from './process.js'

/** Where a server's programs live, and how they are run as somebody who is not root. */
export interface Home {
  readonly via: 'debian' | 'local'
  /** On this machine: folders of running servers, and initialised data folders to copy. */
  readonly runs: string
  readonly templates: string
  /** A path of this machine as the server's programs see it. */
  inside(path: string): string
  /** A server program: its user cannot be root, and it goes down with the process that started it. */
  server(program: string, args: readonly string[], deathSignal: NodeJS.Signals): string[]
  /** A client program: as the caller, with the caller's files. */
  client(program: string): string[]
}

export const cacheFolder = (): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'revgraph')

export const isRoot = (): boolean => process.getuid?.() === 0

/** nobody and nogroup, the same numbers on every Debian. */
const nobody = '65534'

const demoted = (deathSignal: NodeJS.Signals): string[] => [
  'setpriv',
  ...(isRoot() ? [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : []),
  // The keeper stops the server; should the keeper itself be killed, the kernel does.
  `--pdeathsig=${deathSignal.replace('SIG', '')}`,
]

const cleanEnvironment = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C.UTF-8']

/** Programs in a root folder made by mmdebstrap: servers run chrooted, without any mount. */
export function rootHome(root: string): Home {
  return {
    via: 'debian',
    runs: join(root, 'tmp'),
    templates: join(root, 'templates'),
    inside: (path) => `/${relative(root, path)}`,
    server: (program, args, deathSignal) => [
      'chroot',
      root,
      ...demoted(deathSignal),
      ...cleanEnvironment,
      program,
      ...args,
    ],
    // The root's own loader with the root's libraries: no chroot, so that a client reads the caller's files.
    client: (program) => [loaderOf(root), '--library-path', librariesOf(root), join(root, program)],
  }
}

function loaderOf(root: string): string {
  for (const folder of ['lib64', 'lib']) {
    const name = readdirOrNone(join(root, 'usr', folder)).find((file) => file.startsWith('ld-linux'))
    if (name !== undefined) return join(root, 'usr', folder, name)
  }
  throw new Error(`no dynamic loader in ${root}`)
}

function librariesOf(root: string): string {
  const name = readdirOrNone(join(root, 'usr/lib')).find((file) => file.endsWith('-linux-gnu'))
  if (name === undefined) throw new Error(`no libraries in ${root}`)
  return join(root, 'usr/lib', name)
}

function readdirOrNone(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : []
}

/** Programs that this machine has installed. Data goes to the system's temporary folder, where nobody can enter. */
export function localHome(): Home {
  return {
    via: 'local',
    runs: tmpdir(),
    templates: join(cacheFolder(), 'templates'),
    inside: (path) => path,
    server: (program, args, deathSignal) => [...demoted(deathSignal), ...cleanEnvironment, program, ...args],
    client: (program) => [program],
  }
}

const runPrefix = 'revgraph-'

/** A new folder for one run of one server, owned by whom the server runs as. Short: sockets go in. */
export async function createRunFolder(home: Home, label: string): Promise<string> {
  mkdirSync(home.runs, { recursive: true })
  sweep(home.runs)
  const random = Math.random().toString(36).slice(2, 8)
  const folder = join(home.runs, `${runPrefix}${process.pid}-${label}-${random}`)
  mkdirSync(folder, { mode: 0o755 })
  await giveAway(folder)
  return folder
}

export async function giveAway(path: string): Promise<void> {
  if (isRoot()) await mustRun(['chown', '-R', `${nobody}:${nobody}`, path])
}

/** Folders whose owner is gone and whose keeper had time enough: only a machine that lost power leaves them. */
function sweep(runs: string): void {
  for (const name of readdirSync(runs)) {
    const pid = new RegExp(`^${runPrefix}(\\d+)-`).exec(name)?.[1]
    if (pid === undefined || isAlive(Number(pid))) continue
    const folder = join(runs, name)
    try {
      if (Date.now() - statSync(folder).mtimeMs < 3_600_000) continue
      rmSync(folder, { recursive: true, force: true })
    } catch {
      // Another run's sweep took it.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
