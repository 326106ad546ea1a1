/** A place in a text that a person can open: where a statement, a header line or an error is. */
export interface Position {
  /** Path as it is shown to the user (relative to the working directory); absent for texts without a file. */
  readonly file?: string
  /** 1-based. */
  readonly line: number
  /** 1-based, in UTF-16 code units, as editors count. */
  readonly column: number
  /** 0-based offset in the file's text, in UTF-16 code units. */
  readonly offset: number
}

/** The beginning of a text. */
export function startOf(file?: string): Position {
  return file === undefined ? { line: 1, column: 1, offset: 0 } : { file, line: 1, column: 1, offset: 0 }
}
