import type { GameEvent } from './game-event';

/** The events of six players on one day. They are in the program itself: an image has no other files. */
export const samples: readonly GameEvent[] = [
  { type: 'progression', playerId: 'aria-7', payload: { deltaXp: 900, activity: 'quest' } },
  { type: 'progression', playerId: 'borin', payload: { deltaXp: 450, activity: 'quest' } },
  { type: 'progression', playerId: 'celeste', payload: { deltaXp: 1000, activity: 'arena' } },
  { type: 'progression', playerId: 'dusk_fox', payload: { deltaXp: 300, activity: 'exploration' } },
  { type: 'progression', playerId: 'ember', payload: { deltaXp: 750, activity: 'quest' } },
  { type: 'progression', playerId: 'frostbyte', payload: { deltaXp: 120, activity: 'tutorial' } },
  { type: 'progression', playerId: 'aria-7', payload: { deltaXp: 640, activity: 'arena' } },
  { type: 'progression', playerId: 'celeste', payload: { deltaXp: 880, activity: 'arena' } },
  { type: 'progression', playerId: 'borin', payload: { deltaXp: 510, activity: 'crafting' } },
  { type: 'progression', playerId: 'dusk_fox', payload: { deltaXp: 275, activity: 'crafting' } },
  { type: 'boss_kill', playerId: 'aria-7', payload: { bossId: 'hydra', tier: 6, points: 2400 } },
  { type: 'boss_kill', playerId: 'celeste', payload: { bossId: 'hydra', tier: 6, points: 2100 } },
  { type: 'boss_kill', playerId: 'borin', payload: { bossId: 'stone-giant', tier: 3, points: 900 } },
  { type: 'boss_kill', playerId: 'celeste', payload: { bossId: 'stone-giant', tier: 3, points: 850 } },
  { type: 'boss_kill', playerId: 'ember', payload: { bossId: 'hydra', tier: 5, points: 1500 } },
  { type: 'boss_kill', playerId: 'aria-7', payload: { bossId: 'frost-queen', tier: 8, points: 4200 } },
  { type: 'boss_kill', playerId: 'celeste', payload: { bossId: 'frost-queen', tier: 8, points: 4000 } },
  { type: 'boss_kill', playerId: 'dusk_fox', payload: { bossId: 'stone-giant', tier: 2, points: 600 } },
  { type: 'drop_claimed', playerId: 'aria-7', payload: { dropId: 'hydra-fang-1', weight: 25, source: 'hydra' } },
  { type: 'drop_claimed', playerId: 'celeste', payload: { dropId: 'hydra-fang-2', weight: 20, source: 'hydra' } },
  { type: 'drop_claimed', playerId: 'borin', payload: { dropId: 'giant-heart-1', weight: 12, source: 'stone-giant' } },
  { type: 'drop_claimed', playerId: 'ember', payload: { dropId: 'hydra-scale-1', weight: 8, source: 'hydra' } },
  { type: 'drop_claimed', playerId: 'dusk_fox', payload: { dropId: 'moon-lily-1', weight: 3, source: 'exploration' } },
  {
    type: 'drop_claimed',
    playerId: 'celeste',
    payload: { dropId: 'queen-crown-1', weight: 60, source: 'frost-queen' },
  },
];
