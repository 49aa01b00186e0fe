// The views there are, in the order of the navigation.

import { Blocks } from './blocks.js';
import { Flags } from './flags.js';
import { Letters } from './letters.js';
import { Overview } from './overview.js';
import { Player } from './player.js';
import { Rules } from './rules.js';
import { Sales } from './sales.js';
import { System } from './system.js';

export const views = [
  { name: 'overview', draw: Overview },
  { name: 'player', draw: Player },
  { name: 'flags', draw: Flags },
  { name: 'blocks', draw: Blocks },
  { name: 'letters', draw: Letters },
  { name: 'rules', draw: Rules },
  { name: 'sales', draw: Sales },
  { name: 'system', draw: System },
];
