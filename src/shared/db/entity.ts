import { And, EntitySchema, type EntitySchemaColumnOptions, Equal, type FindOperator, type Repository } from 'typeorm';
import { type ColumnOwner, columnType } from './columns';
import { checkNumber } from './safe-integer';
import type { DatabaseKind, Sql, Value } from './sql';

/** One column of a table; `T`: what it holds. */
interface Column<T> {
  readonly options: EntitySchemaColumnOptions;
  /** Only for the compiler. */
  readonly holds?: T;
}

// Drivers give big numbers as text or as floats; nothing above 2^53-1 may pass for a whole number.
const whole = {
  from: (value: unknown) => (value === null || value === undefined ? value : checkNumber(Number(value))),
  to: (value: unknown) => (typeof value === 'number' ? checkNumber(value) : value),
};

interface TextOptions {
  readonly default?: string;
  readonly madeWith?: number;
}

/** The columns that columns.ts has for migrations, as TypeORM describes them. */
function columnsFor(type: ColumnOwner) {
  function column<T>(options: EntitySchemaColumnOptions, more: { readonly nullable: true }): Column<T | null>;
  function column<T>(options: EntitySchemaColumnOptions, more?: { readonly default?: string | number }): Column<T>;
  function column<T>(options: EntitySchemaColumnOptions, more: object = {}): Column<T> {
    return { options: { ...options, ...more } };
  }
  const sized = (length: number): EntitySchemaColumnOptions => ({ ...columnType(type, 'text'), length });
  return {
    sequence: (): Column<number> =>
      column({ ...columnType(type, 'sequence'), primary: true, generated: 'increment', transformer: whole }),
    /** A key that is given out elsewhere; SQLite's own rowid. */
    number: (): Column<number> => column({ ...columnType(type, 'sequence'), transformer: whole }),
    /**
     * `T`: the few texts that it may hold. `madeWith`: its length before a migration widened it; SQLite bounds no text, so
     * there it still says so.
     */
    text: <T extends string = string>(length: number, { madeWith = length, ...more }: TextOptions = {}): Column<T> =>
      column(sized(type === 'better-sqlite3' ? madeWith : length), more),
    nullableText: (length: number): Column<string | null> => column(sized(length), { nullable: true }),
    longText: (): Column<string> => column(columnType(type, 'longText')),
    nullableLongText: (): Column<string | null> => column(columnType(type, 'longText'), { nullable: true }),
    integer: (more?: { readonly default?: number }): Column<number> =>
      column({ ...columnType(type, 'integer'), transformer: whole }, more),
    nullableInteger: (): Column<number | null> =>
      column({ ...columnType(type, 'integer'), transformer: whole }, { nullable: true }),
    bigint: (more?: { readonly default?: number }): Column<number> =>
      column({ ...columnType(type, 'bigint'), transformer: whole }, more),
    nullableBigint: (): Column<number | null> =>
      column({ ...columnType(type, 'bigint'), transformer: whole }, { nullable: true }),
  };
}

interface Description<Columns> {
  readonly columns: Columns;
  /** The column names of the primary key; else the sequence. */
  readonly primary?: readonly (keyof Columns)[];
  readonly unique?: Readonly<Record<string, readonly (keyof Columns)[]>>;
  readonly indices?: Readonly<Record<string, readonly (keyof Columns)[]>>;
  /** Indices of some of the rows (MySQL: of all), by their name. */
  readonly where?: Readonly<Record<string, string>>;
}

type Holds<C> = C extends Column<infer T> ? T : never;

/** A table, described once: TypeORM reads and writes its rows by it, and a test holds the migrations against it. */
export interface Table<Row extends object> {
  readonly name: string;
  /** TypeORM's description of it on this kind of database. */
  schema(type: ColumnOwner): EntitySchema<Row>;
}

export type RowOf<T> = T extends Table<infer Row> ? Row : never;

/** A column is called as its property, in snake_case. */
export function table<Columns extends Readonly<Record<string, Column<unknown>>>>(
  name: string,
  describe: (column: ReturnType<typeof columnsFor>) => Description<Columns>,
): Table<{ readonly [C in keyof Columns]: Holds<Columns[C]> }> {
  return {
    name,
    schema: (type) => {
      const { columns, primary = [], unique = {}, indices = {}, where = {} } = describe(columnsFor(type));
      const described = Object.entries(columns).map(([property, { options }]) => {
        const isPrimary = options.primary === true || primary.includes(property);
        return [property, { ...options, name: snake(property), ...(isPrimary && { primary: true }) }];
      });
      const index = (isUnique: boolean) => (entry: [string, readonly (keyof Columns)[]]) => {
        const [indexName, properties] = entry;
        const partial = type === 'mysql' || type === 'mariadb' ? undefined : where[indexName];
        return {
          name: indexName,
          columns: properties.map(String),
          unique: isUnique,
          ...(partial && { where: partial }),
        };
      };
      return new EntitySchema({
        name,
        columns: Object.fromEntries(described),
        indices: [...Object.entries(unique).map(index(true)), ...Object.entries(indices).map(index(false))],
      });
    },
  };
}

function snake(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** TypeORM's repository of a table, over the connection and in the transaction of `sql`. */
export function rowsOf<Row extends object>(sql: Sql, { name }: Table<Row>): Repository<Row> {
  return sql.manager.getRepository<Row>(name);
}

/** Inserts a copy of the row: TypeORM writes the generated number into what it is given, which may be inserted again. */
export async function insertRow<Row extends object>(tx: Sql, into: Table<Row>, row: Omit<Row, 'seq'>): Promise<void> {
  await rowsOf(tx, into).insert({ ...row } as never);
}

const lists = new Map<string, string>();

/**
 * Rows of a table by a plain statement, which costs a fifth of TypeORM's: for what many wait for. `rest` begins with WHERE
 * or ORDER BY and names columns, not properties.
 */
export function select<Row extends object>(
  sql: Sql,
  from: Table<Row>,
  rest: string,
  params: readonly Value[],
): Promise<Row[]> {
  return sql.rows<Row>(`SELECT ${columnsOf(from, sql.kind)} FROM ${from.name} ${rest}`, params);
}

/** As `select`, for a `where` that names one row. */
export async function selectOne<Row extends object>(
  sql: Sql,
  from: Table<Row>,
  where: string,
  params: readonly Value[],
): Promise<Row | undefined> {
  return (await select(sql, from, where, params))[0];
}

/** The columns of a table as its properties are called. */
export function columnsOf(from: Table<object>, kind: DatabaseKind): string {
  const key = `${kind} ${from.name}`;
  const known = lists.get(key);
  if (known !== undefined) return known;
  // PostgreSQL folds a name without quotes; MySQL knows other quotes, and needs none.
  const quote = kind === 'postgres' ? '"' : '';
  const { columns } = from.schema(kind === 'sqlite' ? 'better-sqlite3' : kind).options;
  const list = Object.keys(columns).map((property) => `${snake(property)} AS ${quote}${property}${quote}`);
  const text = list.join(', ');
  lists.set(key, text);
  return text;
}

/** This id, and only if it is the owner's; `owner` as `restrictedTo` answers it: undefined restricts nothing. */
export function ownedId(id: string, owner: string | undefined): FindOperator<string> {
  return owner === undefined ? Equal(id) : And(Equal(id), Equal(owner));
}
