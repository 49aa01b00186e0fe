import { runApp } from './app';
import { readEnvironment } from './shared/config/load-config';

void runApp(readEnvironment(), process.argv.slice(2));
