import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kindOf, type CrashPoint, type Watch } from './points.js'

const HOOK = fileURLToPath(new URL('./sqlite-crash.cjs', import.meta.url))
const nodeArguments = ['--require', HOOK]

/** Strikes at a runner's calls into better-sqlite3 and at its changes of files, from inside of its process. */
export const atCalls: Watch = async (place, start) => {
  const folder = mkdtempSync(join(tmpdir(), 'revgraph-crash-log-'))
  const log = join(folder, 'calls')
  try {
    const ended = await start(place.url, { nodeArguments, env: { REVGRAPH_CRASH_LOG: log } }).ended
    const calls = ended.code === 0 ? readFileSync(log, 'utf8').trimEnd().split('\n') : []
    return { ended, points: calls.flatMap(pointsAt) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function pointsAt(call: string, index: number): CrashPoint[] {
  const text = call.slice(call.indexOf(' ') + 1)
  return (['before', 'after'] as const).map((when) => ({
    label: `${kindOf(text)}: ${when} the call`,
    name: `call ${index} ${when}: ${call.slice(0, 80)}`,
    act: 'kill',
    async strike(place, start) {
      const env = { REVGRAPH_CRASH_AT: String(index), REVGRAPH_CRASH_WHEN: when }
      const ended = await start(place.url, { nodeArguments, env }).ended
      return ended.signal === 'SIGKILL' ? ended : null
    },
  }))
}
