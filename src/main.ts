import { run } from './app';
import { readEnvironment } from './shared/config/load-config';

void run(readEnvironment(), process.argv.slice(2));
