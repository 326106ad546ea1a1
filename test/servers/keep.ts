import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

/** See keeper.mjs. */
export interface KeepOptions {
  readonly command?: readonly string[]
  readonly stopSignal?: NodeJS.Signals
  readonly stopCommand?: readonly string[]
  readonly remove: readonly string[]
  readonly log: string
}

export interface Kept {
  /** Set once the server has ended, by itself or because it was stopped. */
  readonly ended: () => boolean
  stop(): Promise<void>
  /** Ends the command and all that it started with SIGKILL; what it would leave behind stays. */
  crash(): Promise<void>
}

/** Start a command that lives until `stop` or until this process is gone, whichever is first. */
export function keep(options: KeepOptions): Kept {
  const { log, ...rest } = options
  const out = openSync(log, 'a')
  const keeper = spawn(
    process.execPath,
    [fileURLToPath(new URL('keeper.mjs', import.meta.url)), JSON.stringify(rest)],
    { stdio: ['pipe', out, out], detached: true, env: withoutNodeOptions() },
  )
  closeSync(out)
  let ended = false
  const exited = new Promise<void>((resolve) => {
    const end = () => {
      ended = true
      resolve()
    }
    keeper.once('exit', end)
    keeper.once('error', end)
  })
  // A script that forgets to stop its servers may still end; the keeper sees it and cleans up.
  keeper.unref()
  // A pipe to a child is a socket underneath.
  if (keeper.stdin instanceof Socket) keeper.stdin.unref()
  return {
    ended: () => ended,
    async stop() {
      keeper.ref()
      keeper.stdin?.end()
      await exited
      // The keeper did this, unless it was killed.
      for (const path of options.remove) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
    },
    async crash() {
      keeper.ref()
      for (const pid of keeper.pid === undefined ? [] : descendantsOf(keeper.pid)) killNow(pid)
      await exited
    },
  }
}

/** Parents first, so that none of them sees a child end and starts another. */
function descendantsOf(pid: number): number[] {
  const children = childrenOf(pid)
  return children.flatMap((child) => [child, ...descendantsOf(child)])
}

function childrenOf(pid: number): number[] {
  try {
    const words = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    return words.filter((word) => word !== '').map(Number)
  } catch {
    return []
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It went with its parent.
  }
}

/** Loaders and inspectors of the owner (vitest, jiti, a debugger) are none of the keeper's business. */
function withoutNodeOptions(): NodeJS.ProcessEnv {
  const env = { ...process.env }
  delete env['NODE_OPTIONS']
  return env
}
