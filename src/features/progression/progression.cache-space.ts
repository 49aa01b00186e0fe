import type { CacheSpace } from '../../shared/cache/cache';

export const progressSpace: CacheSpace = { service: 'progression', name: 'progress' };
