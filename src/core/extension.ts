/** Statements that a backend's own operation comes to, and what undoes them. */
export interface ExtensionPart {
  /** As an error names it: `op.mongo.index('users').drop`. */
  readonly call: string
  /** In the backend's language: one statement or several. */
  readonly text: string
  /** What undoes it, in the same language, empty where there is nothing to undo; or why that is not known. */
  readonly reverse: string | { readonly unknown: string; readonly hint: string }
}

/** A backend's own operations, as a member of `op`: they only collect text. */
export interface OperationExtension {
  /** The member's name: `mongo`. */
  readonly name: string
  /** The backend that they are for, as `op.dialect` names it. */
  readonly dialect: string
  /** What the member is. What it throws is told with the place of the call. */
  readonly build: (add: (part: ExtensionPart) => void) => object
}
