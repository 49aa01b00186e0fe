import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { openApi } from './openapi';
import type { RouteTable } from './route-table';

/** `/docs` (UI) and `/docs/openapi.json`. */
export function serveDocs(app: NestFastifyApplication, routes: RouteTable): void {
  const document = openApi(routes, version) as unknown as OpenAPIObject;
  const options = { jsonDocumentUrl: 'docs/openapi.json', raw: ['json' as const], customSiteTitle: 'Aerie API' };
  SwaggerModule.setup('docs', app, document, options);
}

const version = '1.0';
