import { Module } from '@nestjs/common';
import { HotRoutes } from './http.hot';
import { HttpMetrics, httpMetrics } from './http.metrics';
import { HttpUpgrades } from './http.upgrades';

@Module({
  providers: [HotRoutes, HttpUpgrades, HttpMetrics, ...httpMetrics],
  exports: [HotRoutes, HttpUpgrades, HttpMetrics],
})
export class HttpModule {}
