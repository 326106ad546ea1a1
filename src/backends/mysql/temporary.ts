const CREATES =
  /^create\s+(?:or\s+replace\s+)?temporary\s+table\s+(?:if\s+not\s+exists\s+)?((?:`[^`]+`|[\w$]+)(?:\s*\.\s*(?:`[^`]+`|[\w$]+))?)/i

/** Temporary tables that revisions have made in a session, and that are taken away between them. */
export class TemporaryTables {
  readonly #names = new Set<string>()
  #engines = false

  /** Of a statement that is about to run. */
  note(text: string): void {
    const name = CREATES.exec(text)?.[1]
    if (name === undefined) return
    this.#names.add(name)
    this.#engines ||= /\bengine\b(?![\s=]*['"`]?innodb\b)/i.test(text)
  }

  /** Whether one of them is of an engine of its own: its rows outlive a rollback, but not the session. */
  get ofOtherEngines(): boolean {
    return this.#engines
  }

  /** As written, with their quotes. */
  get names(): readonly string[] {
    return [...this.#names]
  }

  /** Without schema and quotes, in lower case. */
  get bareNames(): readonly string[] {
    return this.names.map((name) =>
      name
        .replace(/^.*\.\s*/, '')
        .replaceAll('`', '')
        .toLowerCase(),
    )
  }

  clear(): void {
    this.#names.clear()
    this.#engines = false
  }
}
