import { groundOf } from './grounds.js'
import { SQLITE_NAMES, type Ground, type SqliteName } from './place.js'
import type { CrashPoint } from './points.js'
import { randomFrom } from './random.js'
import type { Scenario } from './scenario.js'
import { SCENARIOS } from './scenarios.js'
import type { ServerInfo } from '../servers/index.js'
import { serverNames } from '../servers/types.js'
import { Stage, type Outcome, type StageOptions } from './stage.js'

export interface SweepOptions extends StageOptions {
  readonly servers: readonly (ServerInfo | SqliteName)[]
  /** Words that a case's server, scenario or point has to have in it, all of them. Default: every case. */
  readonly only?: readonly string[]
  /** By name. Default: all. */
  readonly scenarios?: readonly string[]
  readonly seed: number
  /** Cases of one scenario on one server at most, chosen by the seed. Default: all. */
  readonly limit?: number
  /** Cases at once. */
  readonly atOnce: number
  /** Aborted: no more cases are begun. */
  readonly signal?: AbortSignal
  readonly onOutcome: (told: Told) => void
  readonly onStage?: (server: string, scenario: string, points: number) => void
}

export interface Told extends Outcome {
  readonly server: string
  readonly scenario: string
  readonly point: CrashPoint
}

/** Strikes runners at every point of every scenario, or at some that a seed chooses. */
export async function sweep(options: SweepOptions): Promise<void> {
  for (const server of options.servers) {
    const ground = groundOf(server, options.server !== undefined)
    try {
      for (const scenario of SCENARIOS) {
        if (options.signal?.aborted === true || options.scenarios?.includes(scenario.name) === false) continue
        await sweepScenario(scenario, ground, options)
      }
    } finally {
      await ground.close()
    }
  }
}

async function sweepScenario(scenario: Scenario, ground: Ground, options: SweepOptions): Promise<void> {
  const { only = [], limit = Infinity, seed, atOnce } = options
  if (!scenario.families.includes(ground.family)) return
  if (scenario.only?.includes(ground.name) === false) return
  const named = [ground.name, scenario.name]
  // A word that is neither's name is looked for in the points.
  const words = only.filter((word) => !named.includes(word))
  if (only.some((word) => isName(word) && !named.includes(word))) return
  const stage = await Stage.set(scenario, ground, options)
  try {
    const random = randomFrom(`${seed} ${named.join(' ')}`)
    const fitting = stage.points.filter(({ label, name }) =>
      words.every((word) => `${label} ${name}`.includes(word)),
    )
    const chosen = limit >= fitting.length ? fitting : random.sample(fitting, limit)
    options.onStage?.(ground.name, scenario.name, chosen.length)
    const waiting = [...chosen]
    await Promise.all(
      Array.from({ length: scenario.alone === true ? 1 : atOnce }, async () => {
        for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) {
          if (options.signal?.aborted === true) return
          const outcome = await stage.crash(point)
          options.onOutcome({ ...outcome, server: ground.name, scenario: scenario.name, point })
        }
      }),
    )
  } finally {
    await stage.close()
  }
}

const NAMES = new Set<string>([...serverNames, ...SQLITE_NAMES, ...SCENARIOS.map(({ name }) => name)])
const isName = (word: string): boolean => NAMES.has(word)
