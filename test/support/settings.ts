import { features } from '../../src/features/index';
import { loadConfig, type RawEnvironment } from '../../src/shared/config/load-config';
import type { Settings } from '../../src/shared/config/settings';

/** What a feature makes of this environment. */
export function settingsOf<Values extends object>(owner: Settings<Values>, environment: RawEnvironment = {}): Values {
  return loadConfig(environment, features).settings.get(owner) as Values;
}
