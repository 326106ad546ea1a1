import { atCalls } from './at-calls.js'
import { atGates } from './at-gates.js'
import { atMessages, type Crashable } from './at-messages.js'
import { atSystemCalls, preload } from './at-system-calls.js'
import { Child, type Ended } from './child.js'
import { hasGates } from './gates.js'
import { judge, type Verdict } from './judge.js'
import type { Ground, Place, Template } from './place.js'
import type { CrashPoint, Start, Watch } from './points.js'
import { Project, give } from './project.js'
import { recover, type Recovery } from './recover.js'
import { checkReport, problemsOfStopped } from './report.js'
import type { Scenario } from './scenario.js'
import { prepare } from './prepare.js'
import { snapshotOf } from './looks.js'
import type { Snapshot } from './snapshot.js'

export interface Outcome {
  /** `not reached`: the runner ended before the point; nothing was killed. */
  readonly verdict: Verdict | 'not reached'
  readonly asked: boolean
  readonly details: readonly string[]
}

export interface StageOptions {
  /** What is run instead of the built command: how the harness shows that it can fail. */
  readonly program?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Kill this server instead of the runners. */
  readonly server?: Crashable
}

/** Where runners are struck: at gates where there are any, else at their messages, or at all their calls on SQLite. */
function watchesOf(
  scenario: Scenario,
  { family, protocol }: Ground,
  server: Crashable | undefined,
): readonly Watch[] {
  if (protocol === null) {
    const built = preload()
    return 'library' in built ? [atCalls, atSystemCalls(built.library)] : [atCalls]
  }
  const gates = scenario.gates?.[family]
  const gated = gates !== undefined && hasGates(family)
  return [gated ? atGates(family, gates, server) : atMessages(protocol, server)]
}

/** A scenario on one server: what an undisturbed run does and leaves, and as many crashed ones as are wanted. */
export class Stage {
  readonly scenario: Scenario
  readonly ground: Ground
  points: readonly CrashPoint[] = []
  readonly #project: Project
  readonly #template: Template
  readonly #start: Start
  #before: Snapshot | undefined
  #wanted: Snapshot | undefined

  private constructor(
    scenario: Scenario,
    ground: Ground,
    parts: { project: Project; template: Template },
    { program, env }: StageOptions,
  ) {
    this.scenario = scenario
    this.ground = ground
    this.#project = parts.project
    this.#template = parts.template
    this.#start = (url, options = {}) =>
      new Child([...scenario.command, ...parts.project.options, '--url', url], {
        cwd: parts.project.folder,
        ...(program === undefined ? {} : { program }),
        ...options,
        env: { ...env, ...options.env },
      })
  }

  static async set(scenario: Scenario, ground: Ground, options: StageOptions = {}): Promise<Stage> {
    const project = new Project(scenario, ground.family)
    const template = await ground.template(async (place) => {
      await prepare(place, ground.family, {
        gated: scenario.gates !== undefined,
        mayCrash: options.server !== undefined,
      })
      if (scenario.beside === true) place.copyBeside?.()
      for (const words of scenario.before ?? []) await give(project.migrator(place.url), words)
      for (const sql of scenario.then ?? []) await place.query(sql)
    })
    const stage = new Stage(scenario, ground, { project, template }, options)
    try {
      await stage.#rehearse(watchesOf(scenario, ground, options.server))
      return stage
    } catch (error) {
      await stage.close()
      throw error
    }
  }

  /** Once to warm up, since what is compiled and kept the first time is not compiled again; once to look at each kind of place. */
  async #rehearse(watches: readonly Watch[]): Promise<void> {
    await this.#at(async (place) => {
      this.#before = await snapshotOf(place, this.ground.family)
      return this.#start(place.url).ended
    })
    for (const watch of watches) {
      await this.#at(async (place) => {
        const { ended, points } = await watch(place, this.#start)
        if (ended.code !== 0)
          throw new Error(`undisturbed it ended with ${String(ended.code)}:\n${ended.stderr}${ended.stdout}`)
        this.points = [...this.points, ...points]
        this.#wanted = await snapshotOf(place, this.ground.family)
      })
    }
  }

  /** One runner, struck at one point, and what comes after it. */
  crash(point: CrashPoint): Promise<Outcome> {
    return this.#at(async (place) => {
      const { again, command, counting } = this.scenario
      let recovery: Recovery | undefined
      const recovered = async (): Promise<Recovery> =>
        (recovery ??= await recover(this.#project, place, again ?? command))
      const ended = await point.strike(place, this.#start, recovered)
      if (ended === null) return { verdict: 'not reached', asked: false, details: [] }
      const problems = await this.#problemsOf(point, ended, place)
      await place.leasesEnd?.()
      const { asked, failure } = await recovered()
      if (failure !== null) problems.push(failure)
      const found = await snapshotOf(place, this.ground.family)
      if (this.#wanted === undefined || this.#before === undefined) throw new Error('not rehearsed')
      const { verdict, details } = judge(found, this.#wanted, this.#before, counting)
      return {
        verdict: problems.length > 0 && verdict === 'same' ? 'other' : verdict,
        asked,
        details: [...problems, ...details],
      }
    })
  }

  /** What a runner tells that was not killed. */
  async #problemsOf({ act }: CrashPoint, ended: Ended, place: Place): Promise<string[]> {
    if (act === 'kill') return []
    return act === 'stop'
      ? problemsOfStopped(ended, this.scenario.command)
      : checkReport(ended, place, this.ground.family)
  }

  async close(): Promise<void> {
    await this.#template.drop()
    this.#project.remove()
  }

  async #at<T>(work: (place: Place) => Promise<T>): Promise<T> {
    const place = await this.#template.copy()
    try {
      return await work(place)
    } finally {
      await place.drop()
    }
  }
}
