import { MigrateError } from '../../core/errors.js'
import { startOf, type Position } from '../../core/position.js'
import type { RevisionScripts, RevisionSource, Script } from '../../core/revision.js'
import { byText } from '../../core/wording.js'
import { hashOf, readHead } from '../bytes.js'
import type { FolderFile } from '../folder.js'
import { readUnchanged, sqlScript } from '../revision-sql.js'

/** One step of another tool's history: its files, before it has a place in the chain. */
export interface Link {
  /** As the other tool keeps it. */
  readonly id: string
  readonly message: string
  readonly up: FolderFile
  readonly down: FolderFile | null
  /** The path of the file in which its down would be looked for, as shown to the user; null for none. */
  readonly downAt: string | null
  /** What its files cannot say themselves. */
  readonly settings?: LinkSettings
}

export interface LinkSettings {
  /** False to run it without a transaction. */
  readonly transaction: boolean
  /** {@link Script.transactionFlexible} */
  readonly flexible: boolean
  /** {@link Script.transactionWord} */
  readonly word?: string
  /** Called with each text before it is used. */
  readonly check?: (text: string, file: FolderFile) => void
}

/** One revision after another, each the parent of the next. */
export function chained(links: readonly Link[]): RevisionSource[] {
  let parent: string | undefined
  return links.map((link) => {
    const source = sourceOf(link, parent === undefined ? [] : [parent])
    parent = link.id
    return source
  })
}

/** A revision whose up and down are whole files. */
export function sourceOf(link: Link, parents: readonly string[]): RevisionSource {
  const { up, down, settings } = link
  const upHash = readHead(up.path, up.shown).hash
  const downHash = down === null ? null : readHead(down.path, down.shown).hash
  return {
    id: link.id,
    parents,
    dependsOn: [],
    labels: [],
    message: link.message,
    file: up.shown,
    sourceHash: downHash === null ? upHash : hashOf(`${upHash} ${downHash}`),
    ...(link.downAt === null ? {} : { downPlace: `the file ${link.downAt}` }),
    load: async (): Promise<RevisionScripts> =>
      Promise.resolve({
        up: wholeFile(up, upHash, settings),
        down: down === null || downHash === null ? null : wholeFile(down, downHash, settings),
      }),
  }
}

function wholeFile(file: FolderFile, hash: string, settings: LinkSettings | undefined): Script {
  const { text } = readUnchanged(file.path, file.shown, hash)
  settings?.check?.(text, file)
  const script = sqlScript(
    text,
    startOf(file.shown),
    settings?.transaction ?? true,
    settings?.flexible ?? false,
  )
  return settings?.word === undefined ? script : { ...script, transactionWord: settings.word }
}

/**
 * Refuses two files that claim one place in the order.
 * @param sorted by `compare`
 * @throws MigrateError MIG-GRAPH-DUPLICATE-ID naming both
 */
export function refuseEqual<T>(
  sorted: readonly T[],
  compare: (a: T, b: T) => number,
  describe: (item: T) => { readonly version: string; readonly file: string },
): void {
  sorted.forEach((item, index) => {
    const before = sorted[index - 1]
    if (before === undefined || compare(before, item) !== 0) return
    const { version, file } = describe(item)
    const other = describe(before).file
    throw sameVersion(version, other, file)
  })
}

export function sameVersion(version: string, file: string, other: string): MigrateError {
  return new MigrateError(
    'MIG-GRAPH-DUPLICATE-ID',
    `${file} and ${other} both have the version ${version}.`,
    {
      position: startOf(other),
      hint: 'Give one of them another version.',
    },
  )
}

/** Digits as the number that they mean. */
export function withoutZeros(digits: string): string {
  return digits.replace(/^0+(?=\d)/, '')
}

/** Compares numbers of any length as they are written. */
export function compareDigits(a: string, b: string): number {
  const [left, right] = [withoutZeros(a), withoutZeros(b)]
  return left.length - right.length || byText(left, right)
}

/** `create_users-table` as words. */
export function wordsOfName(name: string): string {
  return name.replace(/[_-]+/g, ' ').trim()
}

/** Refuses a step that is there but cannot be run: leaving it out silently would build another schema. */
export function unsupported(file: FolderFile, what: string, hint: string, position?: Position): MigrateError {
  return new MigrateError('MIG-UNSUPPORTED', `${file.shown} is ${what}.`, {
    position: position ?? startOf(file.shown),
    hint,
  })
}
