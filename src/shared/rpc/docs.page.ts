import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { openApi } from './openapi';
import type { RouteTable } from './route-table';

/** `/docs` (UI) and `/docs/openapi.json`. */
export function serveDocs(app: NestFastifyApplication, routes: RouteTable): void {
  const document = openApi(routes, version) as unknown as OpenAPIObject;
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'docs/openapi.json', customSiteTitle: 'Aerie API' });
}

const version = '1.0';
