import { maskUrl } from '../backends/sql/index.js'
import { createContext, type Context } from './context.js'
import { withSource } from './failure.js'
import { checkArguments, checkOptions } from './given.js'
import type { Migrator, MigratorOptions } from './types.js'

/**
 * The library. Nothing is read and nobody is connected to before a method is called; what a method does not need
 * is not loaded. What is given, here and to a method, is looked at as a configuration file is.
 *
 * @throws MigrateError MIG-CONFIG-INVALID
 *
 * @example
 * const migrator = createMigrator({ url: process.env.DATABASE_URL, dir: 'migrations' })
 * const report = await migrator.upgrade('head')
 */
export function createMigrator(options: MigratorOptions = {}): Migrator {
  checkOptions(options)
  const context = createContext(options)
  const upgrading = () => import('./upgrade.js')
  const downgrading = () => import('./downgrade.js')
  const inspecting = () => import('./inspect.js')
  const creating = () => import('./create.js')
  const tagging = () => import('./tag.js')
  const repairing = () => import('./repair.js')
  const backfilling = () => import('./backfill.js')
  return guarded(context, {
    upgrade: async (target = 'head', run = {}) => (await upgrading()).upgrade(context, target, run),
    downgrade: async (target = '-1', run = {}) => (await downgrading()).downgrade(context, target, run),
    redo: async (target = '-1', run = {}) => (await downgrading()).redo(context, target, run),
    stamp: async (targets, how = {}) => (await import('./stamp.js')).stamp(context, targets, how),
    adopt: async (how = {}) => (await import('./adopt.js')).adopt(context, how),
    current: async () => (await inspecting()).current(context),
    status: async () => (await inspecting()).status(context, maskUrl),
    history: async (how = {}) => (await inspecting()).history(context, how),
    heads: async (how = {}) => (await inspecting()).heads(context, how),
    branches: async () => (await inspecting()).branches(context),
    show: async (target) => (await inspecting()).show(context, target),
    check: async (names) => (await import('./check.js')).check(context, names),
    revision: async (made) => (await creating()).createRevision(context, made),
    autogenerate: async (made) => (await import('./autogenerate.js')).autogenerate(context, made),
    merge: async (targets, how = {}) => (await creating()).createMerge(context, targets, how),
    fileOf: async (target) => (await creating()).fileOf(context, target),
    tags: async () => (await tagging()).tags(context),
    tag: async (name, how = {}) => (await tagging()).tag(context, name, how),
    untag: async (name) => (await tagging()).untag(context, name),
    repair: async (target, how = {}) => (await repairing()).repair(context, target, how),
    resolve: async (revision, how) => (await repairing()).resolve(context, revision, how),
    backfills: async () => (await backfilling()).backfills(context),
    pauseBackfill: async (revision) => (await backfilling()).steerBackfill(context, revision, 'paused'),
    resumeBackfill: async (revision) => (await backfilling()).steerBackfill(context, revision, 'running'),
    log: async (how = {}) => (await inspecting()).log(context, how),
  })
}

type Method = (...given: readonly unknown[]) => Promise<unknown>

/** What is given is looked at first; errors leave with the text that their place is in, and without a password. */
function guarded(context: Context, methods: Migrator): Migrator {
  const guard =
    (name: keyof Migrator, method: Method): Method =>
    async (...given) => {
      try {
        checkArguments(name, given)
        const work = () => method(...given)
        return await (context.listening?.during(work) ?? work())
      } catch (error) {
        throw context.secrets.cleanse(await withSource(error, context.cwd))
      }
    }
  const entries = Object.entries(methods) as [keyof Migrator, Method][]
  return Object.fromEntries(
    entries.map(([name, method]) => [name, guard(name, method)]),
  ) as unknown as Migrator
}
