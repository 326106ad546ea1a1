import { spawn, spawnSync } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Timed {
  readonly ms: number
  /** Largest resident set, in MB; NaN for programs that are not Node. */
  readonly peakMb: number
}

const HOOK = new URL('peak-memory.cjs', import.meta.url).pathname

export interface TimedOptions {
  readonly env?: Record<string, string>
  readonly input?: string
  readonly cwd?: string
}

/** Runs a program to its end and says how long that took, start-up and all. A failure ends the benchmark. */
export function timed(command: readonly string[], options: TimedOptions = {}): Timed {
  const { program, args, settings, done } = begin(command, options)
  const result = spawnSync(program, args, {
    ...settings,
    ...(options.input === undefined ? {} : { input: options.input }),
    maxBuffer: 1 << 28,
  })
  return done(result.status, `${result.stderr.toString()}\n${String(result.error ?? '')}`)
}

/** The same where this process has something to do meanwhile: it holds the server's gateway. */
export async function timedBeside(command: readonly string[], options: TimedOptions = {}): Promise<Timed> {
  const { program, args, settings, done } = begin(command, options)
  const child = spawn(program, args, { ...settings, stdio: ['pipe', 'ignore', 'pipe'] })
  child.stdin.end(options.input ?? '')
  const [stderr, [status]] = (await Promise.all([text(child.stderr), once(child, 'close')])) as [
    string,
    [number | null],
  ]
  return done(status, stderr)
}

function begin(command: readonly string[], options: TimedOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'revgraph-bench-'))
  const report = join(folder, 'peak')
  const [program = '', ...args] = command
  const isNode = program === process.execPath
  const began = performance.now()
  return {
    program,
    args: isNode ? ['--require', HOOK, ...args] : args,
    settings: {
      env: { ...process.env, ...options.env, REVGRAPH_PEAK_FILE: report },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    },
    done: (status: number | null, stderr: string): Timed => {
      const ms = performance.now() - began
      const peakMb = isNode && status === 0 ? Number(readFileSync(report, 'utf8')) / 1024 : NaN
      rmSync(folder, { recursive: true })
      if (status !== 0) throw new Error(`${command.join(' ')}\n${stderr}`)
      return { ms, peakMb }
    },
  }
}
