import { readdirSync, realpathSync, statSync, type Dirent } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { MigrateError } from '../core/errors.js'
import { startOf } from '../core/position.js'
import { errnoOf, reasonOf, unreadable } from './bytes.js'
import { CONFIG_PLACES } from './config-find.js'
import { kindOf as otherKindOf } from './regular.js'

/** A regular file in the folder of revisions. */
export interface FolderFile {
  /** To open it. */
  readonly path: string
  /** To show it: relative to the working directory, with slashes. */
  readonly shown: string
  /** Relative to the folder, with slashes. */
  readonly inside: string
  readonly name: string
}

export interface ListOptions {
  /** Sub-folders too. */
  readonly recursive: boolean
  /** True for names that the layout reads. Anything else is left alone, whatever it is. */
  readonly accepts: (name: string) => boolean
}

/** Of a sub-folder: what lies there is another database's. */
const OWN_CONFIG: ReadonlySet<string> = new Set(CONFIG_PLACES.filter((name) => name !== 'package.json'))

/**
 * The files of a folder, in the order of their paths. Names that begin with `.` or `_` and `node_modules` are left
 * out, and so are sub-folders with a configuration of their own. A symbolic link is read when it ends within the
 * folder. Two names must differ in more than capitals.
 * @throws MigrateError MIG-DIRECTORY-NOT-FOUND, MIG-FILE-OUTSIDE, MIG-FILE-SHAPE, MIG-FILE-UNREADABLE
 */
export function listFolder(folder: string, cwd: string, options: ListOptions): FolderFile[] {
  const top = relative(cwd, folder).split(sep).join('/')
  const files: FolderFile[] = []
  const waiting = ['']
  for (let sub = waiting.pop(); sub !== undefined; sub = waiting.pop()) {
    const path = sub === '' ? folder : join(folder, sub)
    const entries = entriesOf(path, top, sub)
    if (sub !== '' && entries.some(({ name }) => OWN_CONFIG.has(name))) continue
    for (const entry of entries) {
      const { name } = entry
      if (name.startsWith('.') || name.startsWith('_') || name === 'node_modules') continue
      const inside = sub === '' ? name : `${sub}/${name}`
      const shown = top === '' ? inside : `${top}/${inside}`
      const file = { path: `${path}${sep}${name}`, shown, inside, name }
      const wanted = options.accepts(name)
      const linked = entry.isSymbolicLink()
      // A link of no concern to us may lead anywhere; one to a folder could hide revisions.
      if (linked && !wanted && !(options.recursive && leadsToFolder(file))) continue
      const kind = linked ? linkKind(file, folder) : kindOf(entry)
      if (kind === 'folder') {
        if (wanted) throw folderNamedLikeFile(file)
        if (options.recursive && !linked) waiting.push(inside)
      } else if (wanted) {
        if (kind !== 'file') throw notAFile(file, kind)
        files.push(file)
      }
    }
  }
  refuseTwins(files)
  return files.sort((a, b) => (a.inside < b.inside ? -1 : 1))
}

/** Two names that are one where case makes no difference: there, a checkout holds only one of the files. */
function refuseTwins(files: readonly FolderFile[]): void {
  const seen = new Set<string>()
  for (const file of files) {
    const name = file.inside.toLowerCase()
    if (seen.has(name)) {
      throw twins(files.find(({ inside }) => inside.toLowerCase() === name) ?? file, file)
    }
    seen.add(name)
  }
}

function entriesOf(path: string, top: string, sub: string): Dirent[] {
  const shown = [top, sub].filter((part) => part !== '').join('/') || '.'
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch (error) {
    const code = errnoOf(error)
    if (sub !== '' || (code !== 'ENOENT' && code !== 'ENOTDIR')) throw unreadable(shown, error)
    const message =
      code === 'ENOENT'
        ? `There is no folder ${shown} with revisions.`
        : `${shown} is a file; the revisions are read from a folder.`
    throw new MigrateError('MIG-DIRECTORY-NOT-FOUND', message, {
      hint: 'Make one with "migrate init", or name yours with --dir or as "dir" in the configuration.',
      cause: error,
    })
  }
}

type Kind = 'file' | ReturnType<typeof otherKindOf>

function kindOf(entry: Pick<Dirent, 'isFile' | 'isDirectory' | 'isFIFO' | 'isSocket'>): Kind {
  return entry.isFile() ? 'file' : otherKindOf(entry)
}

function leadsToFolder(file: FolderFile): boolean {
  return statSync(file.path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** What a symbolic link leads to. Kubernetes mounts its files as links within the folder: those are read. */
function linkKind(file: FolderFile, folder: string): Kind {
  let end: string
  let kind: Kind
  try {
    end = realpathSync(file.path)
    kind = kindOf(statSync(end))
  } catch (error) {
    throw new MigrateError(
      'MIG-FILE-UNREADABLE',
      `${file.shown} is a symbolic link that leads nowhere: ${reasonOf(error)}.`,
      { position: startOf(file.shown), hint: 'Repair the link or remove it.', cause: error },
    )
  }
  const way = relative(realpathSync(folder), end)
  if (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)) return kind
  throw new MigrateError(
    'MIG-FILE-OUTSIDE',
    `${file.shown} is a symbolic link out of the folder of revisions.`,
    {
      position: startOf(file.shown),
      hint: 'Put the file itself there: what a revision does must not change behind the back of its folder.',
    },
  )
}

function folderNamedLikeFile(file: FolderFile): MigrateError {
  return new MigrateError('MIG-FILE-SHAPE', `${file.shown} is a folder, though named like a revision.`, {
    position: startOf(file.shown),
    hint: 'Rename it; folders may have any name that does not end like a revision file.',
  })
}

function twins(one: FolderFile, other: FolderFile): MigrateError {
  return new MigrateError(
    'MIG-FILE-SHAPE',
    `${one.shown} and ${other.shown} differ in capitals only: on Windows and macOS they are one file.`,
    { position: startOf(other.shown), hint: 'Rename one of them.' },
  )
}

function notAFile(file: FolderFile, kind: Kind): MigrateError {
  return new MigrateError('MIG-FILE-UNREADABLE', `${file.shown} is a ${kind}, not a file.`, {
    position: startOf(file.shown),
    hint: 'Remove it from the folder of revisions. It was not opened.',
  })
}
