/** What begins a comment, and so a marker. */
export type CommentLead = '--' | '#' | '//'

/** A language that revisions can be written in, beside code. */
export interface Language {
  /** Of its files, without the dot. */
  readonly extension: string
  readonly lead: CommentLead
  /** What a script in code begins with: a call that does nothing yet, or one to go by. */
  readonly call: { readonly up: string; readonly down: string }
}

/** Every one of them. What is in the files is the backend's to read. */
export const LANGUAGES = [
  { extension: 'sql', lead: '--', call: { up: 'op.sql``', down: 'op.sql``' } },
  {
    extension: 'redis',
    lead: '#',
    call: {
      up: "/* op.redis.command(['SET', 'greeting', 'hello']) */",
      down: "/* op.redis.command(['DEL', 'greeting']) */",
    },
  },
  {
    extension: 'mongo',
    lead: '//',
    call: {
      up: "/* op.mongo.index('users').create({ email: 1 }) */",
      down: "/* op.mongo.index('users').drop({ email: 1 }) */",
    },
  },
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
  return entryOf(name).lead
}

export function callOf(name: LanguageName): Language['call'] {
  return entryOf(name).call
}

function entryOf(name: LanguageName): Language {
  return BY_EXTENSION.get(name) ?? LANGUAGES[0]
}
