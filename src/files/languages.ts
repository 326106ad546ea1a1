/** What begins a comment, and so a marker. */
export type CommentLead = '--' | '#' | '//'

/** A language that revisions can be written in, beside code. */
export interface Language {
  /** Of its files, without the dot. */
  readonly extension: string
  readonly lead: CommentLead
}

/** Every one of them. What is in the files is the backend's to read. */
export const LANGUAGES = [
  { extension: 'sql', lead: '--' },
  { extension: 'redis', lead: '#' },
  { extension: 'mongo', lead: '//' },
] as const satisfies readonly Language[]

export type LanguageName = (typeof LANGUAGES)[number]['extension']

const BY_EXTENSION: ReadonlyMap<string, (typeof LANGUAGES)[number]> = new Map(
  LANGUAGES.map((language) => [language.extension, language]),
)

/** Undefined for names of other files. */
export function languageOf(name: string): (typeof LANGUAGES)[number] | undefined {
  const dot = name.lastIndexOf('.')
  return dot === -1 ? undefined : BY_EXTENSION.get(name.slice(dot + 1).toLowerCase())
}

export function leadOf(name: LanguageName): CommentLead {
  return LANGUAGES.find(({ extension }) => extension === name)?.lead ?? '--'
}
