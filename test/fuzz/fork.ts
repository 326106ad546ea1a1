import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { SubjectResult, SweepOptions } from './sweep.js'

const PROGRAM = fileURLToPath(new URL('./child.ts', import.meta.url))
const JITI = fileURLToPath(new URL('../../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url))

export interface Sweep {
  readonly results: readonly SubjectResult[]
  /** The case that took longer than the deadline, and with which the sweep ended; null when none did. */
  readonly hung: string | null
}

/** @param deadlineMs for one case: what takes a second is far from it, what is quadratic far beyond */
export async function runSweep(
  options: SweepOptions,
  deadlineMs: number,
  each: (result: SubjectResult) => void = () => undefined,
): Promise<Sweep> {
  const child = fork(JITI, [PROGRAM, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const results: SubjectResult[] = []
  let present = 'the beginning'
  const late: string[] = []
  const expire = (): void => {
    late.push(present)
    child.kill('SIGKILL')
  }
  let timer = setTimeout(expire, deadlineMs)
  child.on('message', (message: { begun?: string; result?: SubjectResult }) => {
    clearTimeout(timer)
    timer = setTimeout(expire, deadlineMs)
    if (message.begun !== undefined) present = message.begun
    if (message.result === undefined) return
    results.push(message.result)
    each(message.result)
  })
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  clearTimeout(timer)
  const [hung = null] = late
  if (code !== 0 && hung === null) throw new Error(`The sweep ended with ${code ?? 'a signal'} at ${present}`)
  return { results, hung }
}
