import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDatabase, createSqliteDatabase } from '../test/servers/index.js'
import type { ServerInfo } from '../test/servers/index.js'
import { makeProject } from './project.js'
import type { Project } from './project.js'
import { timed } from './process.js'
import type { Timed } from './process.js'

const ROOT = new URL('..', import.meta.url).pathname
const NODE = process.execPath
export const MIGRATE = [NODE, join(ROOT, 'bin/migrate.js')]

/** One comparison: the same work by revgraph and by something that has no more to do than that. */
export interface Case {
  readonly name: string
  readonly against: string
  /** Largest ratio that is aimed at. */
  readonly limit: number
  readonly runs: number
  /** Makes what both need; answers how to run either once. */
  prepare(): Promise<Prepared>
}

export interface Prepared {
  ours(): Promise<Timed>
  theirs(): Promise<Timed>
  end(): Promise<void>
}

export const baseline = (name: string): readonly string[] => [NODE, join(ROOT, 'bench/baseline', name)]

function migrate(project: Project, url: string, ...args: readonly string[]): Timed {
  return timed([...MIGRATE, ...args, '--url', url, '--quiet'], { cwd: project.folder })
}

function removing(project: Project): () => Promise<void> {
  return () => {
    project.remove()
    return Promise.resolve()
  }
}

export function startUp(): Case {
  return {
    name: 'migrate --version',
    against: 'node -e 0',
    limit: 1.3,
    runs: 21,
    prepare: () =>
      Promise.resolve({
        ours: () => Promise.resolve(timed([...MIGRATE, '--version'])),
        theirs: () => Promise.resolve(timed([NODE, '-e', '0'])),
        end: () => Promise.resolve(),
      }),
  }
}

/** Longer than a folder must have been as it is (src/files/folder-memory.ts). */
const FILES_SETTLE_MS = 11_000

export function nothingToDo(
  server: ServerInfo,
  count: number,
  command: readonly string[],
  limit: number,
): Case {
  return {
    name: `${command.join(' ')}, ${count} revisions, nothing to do, ${server.name}`,
    against: 'Node, pg, one SELECT',
    limit,
    runs: count > 1000 ? 11 : 21,
    async prepare() {
      const project = makeProject(count)
      const database = await createDatabase(server)
      migrate(project, database.url, 'upgrade', 'head')
      // As it is for whoever has not just written the files: what was read of them is kept by the run after that.
      await sleep(FILES_SETTLE_MS)
      migrate(project, database.url, ...command)
      return {
        ours: () => Promise.resolve(migrate(project, database.url, ...command)),
        theirs: () => Promise.resolve(timed(baseline('pg-select.mjs'), { env: { BENCH_URL: database.url } })),
        end: async () => {
          project.remove()
          await database.drop()
        },
      }
    },
  }
}

/** A fresh database for each run; made and dropped outside of the measured time. */
async function inFresh(server: ServerInfo, work: (url: string, name: string) => Timed): Promise<Timed> {
  const database = await createDatabase(server)
  try {
    return work(database.url, database.name)
  } finally {
    await database.drop()
  }
}

export function postgresFromEmpty(server: ServerInfo, count: number): Case {
  return {
    name: `${count} revisions from empty, ${server.name}`,
    against: 'psql -f, one transaction a revision',
    limit: 1,
    runs: 5,
    prepare() {
      const project = makeProject(count)
      const script = project.revisions.map((all) => `BEGIN;\n${all.join(';\n')};\nCOMMIT;\n`).join('')
      const psql = server.clients.psql ?? ['psql']
      const theirs = [...psql, '-q', '-v', 'ON_ERROR_STOP=1', '-f', '-']
      return Promise.resolve({
        ours: () => inFresh(server, (url) => migrate(project, url, 'upgrade', 'head')),
        theirs: () => inFresh(server, (_, name) => timed([...theirs, name], { input: script })),
        end: removing(project),
      })
    },
  }
}

export function sqliteFromEmpty(count: number): Case {
  return {
    name: `${count} revisions from empty, sqlite`,
    against: 'better-sqlite3, one transaction a revision',
    limit: 0.85,
    runs: 5,
    prepare() {
      const project = makeProject(count)
      const fresh = async (work: (url: string, file: string) => Timed): Promise<Timed> => {
        const database = createSqliteDatabase()
        const result = work(database.url, database.file)
        await database.drop()
        return result
      }
      const input = JSON.stringify(project.revisions)
      return Promise.resolve({
        ours: () => fresh((url) => migrate(project, url, 'upgrade', 'head')),
        theirs: () => fresh((_, file) => timed(baseline('sqlite.mjs'), { env: { BENCH_FILE: file }, input })),
        end: removing(project),
      })
    },
  }
}

export function mysqlFromEmpty(server: ServerInfo, count: number): Case {
  return {
    name: `${count} revisions from empty, ${server.name}`,
    against: 'mysql2, the same statements',
    limit: 1.2,
    runs: 5,
    prepare() {
      const project = makeProject(count)
      const input = JSON.stringify(project.revisions)
      return Promise.resolve({
        ours: () => inFresh(server, (url) => migrate(project, url, 'upgrade', 'head')),
        theirs: () =>
          inFresh(server, (url) => timed(baseline('mysql.mjs'), { env: { BENCH_URL: url }, input })),
        end: removing(project),
      })
    },
  }
}

/** Twice as many revisions in twice the time: nothing is held that grows. */
export function linear(server: ServerInfo, count: number): Case {
  return {
    name: `${count} revisions from empty, ${server.name}, default settings`,
    against: `${count / 5} revisions, five times`,
    limit: 1.5,
    runs: 3,
    prepare() {
      const large = makeProject(count)
      const small = makeProject(count / 5)
      return Promise.resolve({
        ours: () => inFresh(server, (url) => migrate(large, url, 'upgrade', 'head')),
        theirs: async () => {
          const once = await inFresh(server, (url) => migrate(small, url, 'upgrade', 'head'))
          return { ...once, ms: once.ms * 5 }
        },
        end: () => {
          large.remove()
          small.remove()
          return Promise.resolve()
        },
      })
    },
  }
}

export function farAway(server: ServerInfo, count: number, delayMs: number): Case {
  return {
    name: `${count} revisions from empty, ${server.name}, ${delayMs} ms each way`,
    against: 'the same without the delay',
    limit: 1.5,
    runs: 5,
    async prepare() {
      const project = makeProject(count)
      const { hostname, port } = new URL(server.url)
      const jiti = join(ROOT, 'node_modules/.bin/jiti')
      const args = [
        join(ROOT, 'bench/proxy-process.ts'),
        hostname,
        port === '' ? '5432' : port,
        String(delayMs),
      ]
      const proxy = spawn(jiti, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      const [line] = (await once(proxy.stdout, 'data')) as [Buffer]
      const through = (url: string): string => {
        const slow = new URL(url)
        slow.hostname = '127.0.0.1'
        slow.port = line.toString().trim()
        return slow.href
      }
      return {
        ours: () => inFresh(server, (url) => migrate(project, through(url), 'upgrade', 'head')),
        theirs: () => inFresh(server, (url) => migrate(project, url, 'upgrade', 'head')),
        end: () => {
          proxy.kill()
          return removing(project)()
        },
      }
    },
  }
}
