import type { SqlFamily } from './place.js'

/** A statement of a revision (a command on MongoDB and Redis), and how somebody who looks at the database tells that it was applied. */
export interface Step {
  readonly sql: string
  /** Answers a row when it was. */
  readonly applied: string
  /** What has to go before it can be tried again: an index that was left invalid. */
  readonly clear?: { readonly when: string; readonly then: string }
}

/** An insert-only table: whatever is executed twice is in it twice. */
export const AUDIT_TABLE = 'CREATE TABLE crash_audit (word varchar(120) NOT NULL)'

/** @param times how often it is there once this one has run too */
export const insert = (word: string, times = 1): Step => ({
  sql: `INSERT INTO crash_audit VALUES ('${word}')`,
  applied: inserted(word, times),
})

export const inserted = (word: string, times = 1): string =>
  `SELECT 1 FROM (SELECT count(*) AS n FROM crash_audit WHERE word = '${word}') counted WHERE n >= ${times}`

/** The same from the catalogue of each server. */
export interface Catalogue {
  table(name: string): string
  column(table: string, name: string): string
  index(name: string): string
}

const mysqlWhere = (table: string, rest = ''): string =>
  `TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${table}'${rest}`

export const CATALOGUES: Readonly<Record<SqlFamily, Catalogue>> = {
  postgres: {
    table: (name) => `SELECT 1 FROM pg_class WHERE relname = '${name}'`,
    column: (table, name) =>
      `SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('${table}') AND attname = '${name}' AND NOT attisdropped`,
    index: (name) =>
      `SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = '${name}' AND i.indisvalid`,
  },
  mysql: {
    table: (name) => `SELECT 1 FROM information_schema.TABLES WHERE ${mysqlWhere(name)}`,
    column: (table, name) =>
      `SELECT 1 FROM information_schema.COLUMNS WHERE ${mysqlWhere(table, ` AND COLUMN_NAME = '${name}'`)}`,
    index: (name) =>
      `SELECT 1 FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME = '${name}'`,
  },
  sqlite: {
    table: (name) => `SELECT 1 FROM sqlite_schema WHERE name = '${name}'`,
    column: (table, name) => `SELECT 1 FROM pragma_table_info('${table}') WHERE name = '${name}'`,
    index: (name) => `SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = '${name}'`,
  },
}

export const without = (query: string): string => `SELECT 1 WHERE NOT EXISTS (${query})`

/** On PostgreSQL DDL is counted by the server itself. Of what is built concurrently a leftover may be dropped. */
export const COUNT_DDL = `
  CREATE FUNCTION crash_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
  DECLARE command record;
  BEGIN
    FOR command IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
      IF command.object_identity IS NULL OR command.object_identity !~ 'migrate_|toast' THEN
        INSERT INTO public.crash_audit VALUES (left(command.command_tag || ' ' || coalesce(command.object_identity, ''), 120));
      END IF;
    END LOOP;
  END $$;
  CREATE FUNCTION crash_drop() RETURNS event_trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO public.crash_audit
      SELECT left('gone ' || object_type || ' ' || object_identity, 120) FROM pg_event_trigger_dropped_objects()
       WHERE original AND object_identity !~ 'migrate_|conc_|toast';
  END $$;
  CREATE EVENT TRIGGER crash_ddl ON ddl_command_end EXECUTE FUNCTION crash_ddl();
  CREATE EVENT TRIGGER crash_drop ON sql_drop EXECUTE FUNCTION crash_drop();`
