import { maskUrl } from '../backends/sql/index.js'
import { createContext } from './context.js'
import { withSource } from './failure.js'
import type { Migrator, MigratorOptions } from './types.js'

/**
 * The library. Nothing is read and nobody is connected to before a method is called; what a method does not need
 * is not loaded.
 *
 * @example
 * const migrator = createMigrator({ url: process.env.DATABASE_URL, dir: 'migrations' })
 * const report = await migrator.upgrade('head')
 */
export function createMigrator(options: MigratorOptions = {}): Migrator {
  const context = createContext(options)
  /** Errors leave with the text that their place is in, and without a password. */
  const told = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw context.secrets.cleanse(await withSource(error, context.cwd))
    }
  }
  const upgrading = () => import('./upgrade.js')
  const downgrading = () => import('./downgrade.js')
  const inspecting = () => import('./inspect.js')
  const creating = () => import('./create.js')
  const tagging = () => import('./tag.js')
  const repairing = () => import('./repair.js')
  const backfilling = () => import('./backfill.js')
  return {
    upgrade: (target = 'head', run = {}) =>
      told(async () => (await upgrading()).upgrade(context, target, run)),
    downgrade: (target = '-1', run = {}) =>
      told(async () => (await downgrading()).downgrade(context, target, run)),
    redo: (target = '-1', run = {}) => told(async () => (await downgrading()).redo(context, target, run)),
    stamp: (targets, how = {}) => told(async () => (await import('./stamp.js')).stamp(context, targets, how)),
    adopt: (how = {}) => told(async () => (await import('./adopt.js')).adopt(context, how)),
    current: () => told(async () => (await inspecting()).current(context)),
    status: () => told(async () => (await inspecting()).status(context, maskUrl)),
    history: (how = {}) => told(async () => (await inspecting()).history(context, how)),
    heads: (how = {}) => told(async () => (await inspecting()).heads(context, how)),
    branches: () => told(async () => (await inspecting()).branches(context)),
    show: (target) => told(async () => (await inspecting()).show(context, target)),
    check: (names) => told(async () => (await import('./check.js')).check(context, names)),
    revision: (made) => told(async () => (await creating()).createRevision(context, made)),
    autogenerate: (made) => told(async () => (await import('./autogenerate.js')).autogenerate(context, made)),
    merge: (targets, how = {}) => told(async () => (await creating()).createMerge(context, targets, how)),
    fileOf: (target) => told(async () => (await creating()).fileOf(context, target)),
    tags: () => told(async () => (await tagging()).tags(context)),
    tag: (name, how = {}) => told(async () => (await tagging()).tag(context, name, how)),
    untag: (name) => told(async () => (await tagging()).untag(context, name)),
    repair: (target, how = {}) => told(async () => (await repairing()).repair(context, target, how)),
    resolve: (revision, how) => told(async () => (await repairing()).resolve(context, revision, how)),
    backfills: () => told(async () => (await backfilling()).backfills(context)),
    pauseBackfill: (revision) =>
      told(async () => (await backfilling()).steerBackfill(context, revision, 'paused')),
    resumeBackfill: (revision) =>
      told(async () => (await backfilling()).steerBackfill(context, revision, 'running')),
    log: (how = {}) => told(async () => (await inspecting()).log(context, how)),
  }
}
