import { DataSource } from 'typeorm';
import { features } from '../../src/features/index';
import { Databases } from '../../src/shared/db/databases';
import { rowsOf, select } from '../../src/shared/db/entity';
import { everyDatabase } from '../support/databases';

// A table is described once, and migrated to what is described: TypeORM would change nothing.

const options = { poolMin: 1, poolMax: 4, connectTimeoutMs: 10_000, queryTimeoutMs: 10_000 };
const tables = features.flatMap(({ entities = [] }) => entities);

describe.each(everyDatabase)('$name', ({ name, create }) => {
  test('after the migrations every table is as its entity says', async () => {
    await using database = await create();
    const databases = new Databases(options);
    for (const { contract, entities = [], migrations } of features)
      databases.register(contract.name, database.url, entities, migrations);
    await databases.connectAll();
    await databases.migrateAll();
    const changes = await databases.of('users').read(async (sql) => {
      const { dataSource } = sql.manager as unknown as { dataSource: DataSource };
      // The server is MariaDB: only as such TypeORM knows that NULL is no default of a column.
      if (name === 'mysql') Object.assign(dataSource.driver.options, { type: 'mariadb' });
      return (await dataSource.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);
    });
    expect(changes).toEqual([]);
    for (const table of tables)
      expect(await databases.of('users').read((sql) => rowsOf(sql, table).find())).toEqual(
        await databases.of('users').read((sql) => select(sql, table, '', [])),
      );
    await databases.closeAll();
  });
});
