import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Place } from './place.js'
import type { CrashPoint, Watch } from './points.js'

const SOURCE = fileURLToPath(new URL('./system-calls.c', import.meta.url))

/** What is preloaded into the runners, or why there is no such thing here. */
export type Preload = { readonly library: string } | { readonly missing: string }

let built: Preload | undefined

/** Compiled once a process. */
export function preload(): Preload {
  return (built ??= build())
}

function build(): Preload {
  if (process.platform !== 'linux') return { missing: 'libraries are preloaded in this way on Linux alone' }
  const folder = mkdtempSync(join(tmpdir(), 'revgraph-crash-preload-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const library = join(folder, 'system-calls.so')
  try {
    const flags = ['-O1', '-shared', '-fPIC', '-o', library, SOURCE, '-ldl', '-lpthread']
    execFileSync('cc', flags, { stdio: ['ignore', 'ignore', 'pipe'] })
    return { library }
  } catch (error) {
    return { missing: `no C compiler builds ${SOURCE}: ${String(error)}` }
  }
}

/** Strikes at a runner's system calls that change SQLite's files, and in the midst of what they write. */
export function atSystemCalls(library: string): Watch {
  return async (place, start) => {
    const folder = mkdtempSync(join(tmpdir(), 'revgraph-crash-log-'))
    const log = join(folder, 'calls')
    try {
      const env = { ...preloading(library, place), REVGRAPH_STRIKE_LOG: log }
      const ended = await start(place.url, { env }).ended
      const calls = ended.code === 0 ? readFileSync(log, 'utf8').trimEnd().split('\n') : []
      return { ended, points: calls.flatMap((call, index) => pointsAt(library, call, index)) }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

const preloading = (library: string, { url }: Place): Readonly<Record<string, string>> => ({
  LD_PRELOAD: library,
  // As the kernel calls it, which is asked for the names of open files.
  REVGRAPH_STRIKE_IN: realpathSync(dirname(url.slice('sqlite:'.length))),
})

function pointsAt(library: string, call: string, index: number): CrashPoint[] {
  const [verb = '', file = ''] = call.split(' ')
  const hows = /^p?write$/.test(verb)
    ? (['instead of', 'in the midst of'] as const)
    : (['instead of'] as const)
  return hows.map((how) => ({
    label: `system call: ${how} ${verb}, ${whatIs(file)}`,
    name: `system call ${index}, ${how} ${call}`,
    act: 'kill',
    async strike(place, start) {
      const torn: Record<string, string> = how === 'instead of' ? {} : { REVGRAPH_STRIKE_TORN: '1' }
      const env = { ...preloading(library, place), REVGRAPH_STRIKE_AT: String(index), ...torn }
      const ended = await start(place.url, { env }).ended
      return ended.signal === 'SIGKILL' ? ended : null
    },
  }))
}

const FILES: readonly (readonly [RegExp, string])[] = [
  [/-side$/, 'the attached file'],
  [/-lock(\.json|-journal)?$/, "the lock's files"],
  [/-(wal|shm)$/, 'the write-ahead log'],
  [/-journal$|-mj[0-9A-F]+$/, 'the rollback journal'],
  [/\.db$/, 'the database'],
]

const whatIs = (file: string): string => FILES.find(([pattern]) => pattern.test(file))?.[1] ?? 'the folder'
