import { MigrateError } from '../../core/errors.js'
import { startOf } from '../../core/position.js'
import type { RevisionSource } from '../../core/revision.js'
import { shown } from '../../core/names.js'
import { byText } from '../../core/wording.js'
import { readText } from '../bytes.js'
import type { FolderFile } from '../folder.js'
import { positionIn } from '../source-text.js'
import {
  chained,
  compareDigits,
  refuseEqual,
  sourceOf,
  unsupported,
  withoutZeros,
  wordsOfName,
  type LinkSettings,
} from './chain.js'
import type { Layout } from './layout.js'

const NAME = /^([VUB])(\d+(?:[._]\d+)*)__(.*)\.(\w+)$/
const REPEATABLE = /^R__(.+)\.(\w+)$/
const CONFIG = /\.sql\.conf$/
const CALLBACK = /^(?:before|after)[A-Z]\w*(?:__.*)?\.sql$/
/** What Flyway would pass over in silence: one underscore too few, no version, a letter in it. */
const MISNAMED = /^(?:[VUB][\d_.]|R_).*\.sql$/
/** A run of what a placeholder's name may hold, with the brace that ends it. */
const RUN = /[^}\s]+(\}?)/g

interface Versioned {
  readonly version: string
  readonly file: FolderFile
  readonly title: string
}

/**
 * `V1_2__title.sql` with `U1_2__title.sql` to undo it, ordered by the numbers in the version; `R__title.sql` is run
 * again whenever it changes; a baseline (`B`) stands in for the versions up to its own when none of them is there.
 * Placeholders are refused: their values are not here.
 */
export const flyway: Layout = {
  name: 'flyway',
  summary: 'V1_2__title.sql, U1_2__title.sql, R__title.sql, in sub-folders too',
  lists: { recursive: true, accepts },
  read(files: readonly FolderFile[]): RevisionSource[] {
    const kinds = { V: [], U: [], B: [] } as Record<'V' | 'U' | 'B', Versioned[]>
    const repeatable: FolderFile[] = []
    const configs = new Map<string, FolderFile>()
    for (const file of files) {
      if (CONFIG.test(file.name)) {
        configs.set(file.inside.replace(/\.conf$/, ''), file)
        continue
      }
      refuseUnusable(file)
      const [, kind, version = '', title = ''] = NAME.exec(file.name) ?? []
      if (kind === undefined) repeatable.push(file)
      else kinds[kind as keyof typeof kinds].push({ version: version.replaceAll('_', '.'), file, title })
    }
    for (const list of Object.values(kinds)) {
      list.sort(byVersion)
      refuseEqual(list, byVersion, ({ version, file }) => ({ version, file: file.shown }))
    }
    const undo = new Map(kinds.U.map(({ version, file }) => [normal(version), file]))
    const links = [...baseline(kinds.B, kinds.V), ...kinds.V].map(({ version, file, title }) => {
      const down = undo.get(normal(version)) ?? null
      undo.delete(normal(version))
      const downAt = file.shown.replace(/[^/\\]+$/, (name) => name.replace(/^./, 'U'))
      const settings = settingsOf(file, configs)
      return { id: version, message: wordsOfName(title), up: file, down, downAt, settings }
    })
    for (const file of undo.values()) throw withoutVersion(file)
    return [...chained(links), ...repeatables(repeatable, configs)]
  },
}

function accepts(name: string): boolean {
  return (
    NAME.test(name) ||
    REPEATABLE.test(name) ||
    [CONFIG, CALLBACK, MISNAMED].some((pattern) => pattern.test(name))
  )
}

function refuseUnusable(file: FolderFile): void {
  const extension = (NAME.exec(file.name)?.[4] ?? REPEATABLE.exec(file.name)?.[2])?.toLowerCase()
  if (extension === 'sql') return
  if (extension !== undefined) {
    throw unsupported(
      file,
      `a step in ${extension}, and only SQL can be run`,
      'Write what it does as SQL, or move it out of the folder.',
    )
  }
  if (CALLBACK.test(file.name)) {
    throw unsupported(
      file,
      'a callback, which only Flyway calls',
      'Rename it to "R__title.sql" if it may run whenever it changes, or move it out of the folder.',
    )
  }
  throw new MigrateError(
    'MIG-FILE-SHAPE',
    `${file.shown} is named almost like a step, but Flyway would pass over it.`,
    {
      position: startOf(file.shown),
      hint: 'Name it V1_2__title.sql, U1_2__title.sql or R__title.sql, with two underscores before the title.',
    },
  )
}

/** Of all baselines the last one that no version makes superfluous, as the chain's first step; the versions it covers are not there. */
function baseline(baselines: readonly Versioned[], versions: readonly Versioned[]): readonly Versioned[] {
  const last = baselines.at(-1)
  const first = versions[0]
  return last === undefined || (first !== undefined && byVersion(first, last) <= 0) ? [] : [last]
}

function repeatables(
  files: readonly FolderFile[],
  configs: ReadonlyMap<string, FolderFile>,
): RevisionSource[] {
  const sorted = files
    .map((file) => ({ file, title: REPEATABLE.exec(file.name)?.[1] ?? '' }))
    .sort((a, b) => byText(a.title, b.title))
  refuseEqual(
    sorted,
    (a, b) => byText(a.title, b.title),
    ({ title, file }) => ({ version: `R__${title}`, file: file.shown }),
  )
  return sorted.map(({ file, title }) => {
    const link = { id: repeatableId(title), message: wordsOfName(title), up: file, down: null, downAt: null }
    return {
      ...sourceOf({ ...link, settings: settingsOf(file, configs) }, []),
      repeatable: true,
      sortKey: title,
    }
  })
}

export function repeatableId(title: string): string {
  return `R__${title.replace(/\s+/g, '_')}`
}

function settingsOf(file: FolderFile, configs: ReadonlyMap<string, FolderFile>): LinkSettings {
  const config = configs.get(file.inside)
  const text = config === undefined ? '' : readText(config.path, config.shown).text
  const off = (name: string): boolean =>
    new RegExp(`^[ \\t]*(?:flyway\\.)?${name}[ \\t]*=[ \\t]*false[ \\t]*\\r?$`, 'm').test(text)
  const transaction = !off('executeInTransaction')
  return off('placeholderReplacement')
    ? { transaction, flexible: true }
    : { transaction, flexible: true, check: refusePlaceholders }
}

function refusePlaceholders(text: string, file: FolderFile): void {
  for (let first = text.indexOf('${'); first !== -1;) {
    RUN.lastIndex = first
    const [run = '', brace] = RUN.exec(text) ?? []
    if (brace === '}') {
      throw unsupported(
        file,
        `not complete: Flyway would put a value for ${shown(run)} into it`,
        `Write the value in its place, or "placeholderReplacement=false" into ${file.name}.conf if it is meant literally.`,
        positionIn(text, first, file.shown),
      )
    }
    first = text.indexOf('${', first + run.length)
  }
}

function byVersion(a: Versioned, b: Versioned): number {
  return byFlywayVersion(a.version, b.version)
}

/** By number, part by part; a part that is not there is 0. */
export function byFlywayVersion(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')]
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const order = compareDigits(left[index] ?? '0', right[index] ?? '0')
    if (order !== 0) return order
  }
  return 0
}

/** Equal for versions that Flyway takes for equal: `1.0` and `01`. */
function normal(version: string): string {
  return version
    .split('.')
    .map(withoutZeros)
    .join('.')
    .replace(/(?:\.0)+$/, '')
}

function withoutVersion(file: FolderFile): MigrateError {
  return new MigrateError('MIG-FILE-SHAPE', `${file.shown} undoes a version that is not there.`, {
    position: startOf(file.shown),
    hint: `Add ${file.name.replace(/^U/, 'V')}, or remove the undo.`,
  })
}
