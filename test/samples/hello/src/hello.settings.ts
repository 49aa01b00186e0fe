import { z } from 'zod';
import { settings } from '../../shared/config/settings';

const variables = {
  HELLO_GREETING: z.string().max(64).default('Hello').describe('The word with which users are greeted'),
};

/** What only hello reads of the environment. */
export class HelloSettings extends settings(variables, (env) => ({ greeting: env.HELLO_GREETING })) {}
