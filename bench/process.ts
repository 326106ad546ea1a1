import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Timed {
  readonly ms: number
  /** Largest resident set, in MB; NaN for programs that are not Node. */
  readonly peakMb: number
}

const HOOK = new URL('peak-memory.cjs', import.meta.url).pathname

/** Runs a program to its end and says how long that took, start-up and all. A failure ends the benchmark. */
export function timed(
  command: readonly string[],
  options: { readonly env?: Record<string, string>; readonly input?: string; readonly cwd?: string } = {},
): Timed {
  const folder = mkdtempSync(join(tmpdir(), 'revgraph-bench-'))
  const report = join(folder, 'peak')
  const [program = '', ...args] = command
  const isNode = program === process.execPath
  const began = performance.now()
  const result = spawnSync(program, isNode ? ['--require', HOOK, ...args] : args, {
    env: { ...process.env, ...options.env, REVGRAPH_PEAK_FILE: report },
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    maxBuffer: 1 << 28,
  })
  const ms = performance.now() - began
  const peakMb = isNode && result.status === 0 ? Number(readFileSync(report, 'utf8')) / 1024 : NaN
  rmSync(folder, { recursive: true })
  if (result.status !== 0) {
    throw new Error(`${command.join(' ')}\n${result.stderr.toString()}\n${String(result.error ?? '')}`)
  }
  return { ms, peakMb }
}
