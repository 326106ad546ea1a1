import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder, isRoot } from './home.js'
import { findProgram, mustRun, run, tailOfFile, withLock } from './process.js'

/** What goes into one root folder. To have one more server there, add its package: a new hash, a new folder. */
export interface Recipe {
  readonly suite: string
  readonly packages: readonly string[]
  /** Packages that conflict with those above: only unpacked, into a folder of their own. */
  readonly unpacked: Readonly<Record<string, readonly string[]>>
}

export const current: Recipe = {
  suite: 'sid',
  packages: [
    'mysql-server-core',
    'mysql-client-core',
    'postgresql-18',
    // A document database on PostgreSQL that speaks MongoDB's protocol.
    'postgresql-18-documentdb',
    'pgbouncer',
    'valkey-server',
    'redis-server',
    'sqlite3',
    // What MariaDB's programs need beyond what the ones above bring along.
    'libncurses6',
  ],
  unpacked: {
    '/opt/mariadb': [
      'mariadb-server-core',
      'mariadb-server',
      'mariadb-common',
      'mariadb-client-core',
      'mariadb-client',
      // A library that makes a cluster of several of these servers.
      'galera-4',
    ],
  },
}

/** The release that ships PostgreSQL 15. */
export const bookworm: Recipe = { suite: 'bookworm', packages: ['postgresql-15'], unpacked: {} }

const scripts = {
  // Debian's package would create, own and name a cluster that nobody asked for.
  noCluster:
    'mkdir -p "$1/etc/postgresql-common" && ' +
    'echo "create_main_cluster = false" > "$1/etc/postgresql-common/createcluster.conf"',
  unpack: (folder: string, packages: readonly string[]) =>
    `chroot "$1" sh -ec 'mkdir -p /tmp/debs && cd /tmp/debs && apt-get download ${packages.join(' ')} && ` +
    `for deb in *.deb; do dpkg-deb -x "$deb" ${folder}; done; rm -rf /tmp/debs'`,
}

function mmdebstrap(recipe: Recipe, target: string): string[] {
  return [
    'mmdebstrap',
    '--variant=apt',
    '--format=directory',
    `--include=${recipe.packages.join(',')}`,
    // A mirror may be some days behind with its Release file; signatures are checked all the same.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    '--dpkgopt=path-exclude=/usr/share/man/*',
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    '--dpkgopt=path-exclude=/usr/share/locale/*',
    `--essential-hook=${scripts.noCluster}`,
    ...Object.entries(recipe.unpacked).map(
      ([folder, packages]) => `--customize-hook=${scripts.unpack(folder, packages)}`,
    ),
    recipe.suite,
    target,
  ]
}

/**
 * The root folder for a recipe: the one of an earlier run, or built now (about a minute). It is complete or
 * not there: a build happens next to it, under a lock, and is renamed into place.
 */
export async function ensureRoot(recipe: Recipe, say: (line: string) => void): Promise<string> {
  const recipeArguments = mmdebstrap(recipe, '')
  const hash = createHash('sha256').update(JSON.stringify(recipeArguments)).digest('hex').slice(0, 10)
  const root = join(cacheFolder(), `servers-${hash}`)
  if (existsSync(root)) return root
  if (!isRoot()) throw new Error('building a root folder of Debian packages takes root')
  if (!existsSync('/etc/debian_version')) throw new Error('not a Debian system')
  return withLock(`${root}.lock`, async () => {
    if (existsSync(root)) return root
    await withLock(join(cacheFolder(), 'mmdebstrap.lock'), ensureMmdebstrap)
    say(`building ${root} (Debian ${recipe.suite}: ${recipe.packages.join(', ')}), about a minute, once`)
    const log = `${root}.log`
    // What a killed build left goes. The name is new each time: its last processes may still be at work there.
    await mustRun(['sh', '-c', 'rm -rf --one-file-system "$1".building-*', 'sh', root])
    const building = `${root}.building-${process.pid}`
    const command = ['setpriv', '--pdeathsig=TERM', ...mmdebstrap(recipe, building)]
    const { code, stderr, stdout } = await run(command, { timeoutMs: 900_000 })
    writeFileSync(log, stdout + stderr)
    if (code !== 0) throw new Error(`mmdebstrap failed with ${code}; the end of ${log}:\n${tailOfFile(log)}`)
    mkdirSync(join(building, 'templates'), { mode: 0o700 })
    await mustRun(['mv', '-T', building, root])
    return root
  })
}

async function ensureMmdebstrap(): Promise<void> {
  if ((await findProgram('mmdebstrap')) !== undefined) return
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', 'mmdebstrap']
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  if ((await run(install, { env })).code === 0) return
  // A fresh machine has no package lists yet.
  await mustRun(['apt-get', 'update'])
  await mustRun(install, { env })
}
