import { Table } from 'typeorm';
import { bigint, sequence, text } from '../../shared/db/columns';
import { createTable } from '../../shared/db/table.migration';

const CreateHelloGreetings1795800000000 = createTable(
  'CreateHelloGreetings1795800000000',
  (type) =>
    new Table({
      name: 'hello_greetings',
      columns: [sequence(type), text(type, 'user_id', 26), bigint(type, 'greetings')],
      indices: [{ name: 'hello_greetings_user', columnNames: ['user_id'], isUnique: true }],
    }),
);

export const helloMigrations = [CreateHelloGreetings1795800000000];
