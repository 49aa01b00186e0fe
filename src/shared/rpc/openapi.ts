import { kinds } from '../errors/kinds';
import { answerHeaders } from './answer-headers';
import { type Access, type AnyContract, isInQuery, type Route } from './contract';
import type { MessageDocs } from './messages';
import { pageResponses, responses, schemaOf } from './openapi.responses';
import type { Page } from './page';
import type { RouteTable } from './route-table';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the features in this process, out of the schemas that check the requests. */
export function openApi(routes: RouteTable, version: string, publicUrl?: string): Json {
  const paths: Record<string, Json> = {};
  for (const { contract, messages } of routes.contracts) {
    for (const [method, route] of Object.entries(contract.routes)) {
      const docs = messages[method];
      if (!docs) continue;
      const [verb = '', path = ''] = route.http.split(' ');
      const template = path.replace(/:([A-Za-z]+)/g, '{$1}');
      const item = paths[template] ?? {};
      item[verb.toLowerCase()] = operation(contract, method, route, docs);
      paths[template] = item;
    }
  }
  for (const page of routes.pages) paths[page.http.replace('GET ', '')] = { get: pageOperation(page) };
  return {
    openapi: '3.1.0',
    info: { title: 'Aerie', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: publicUrl ?? '/' }],
    tags: [...routes.contracts.map(({ contract }) => ({ name: contract.name })), { name: 'app' }],
    paths,
    components: {
      schemas: { Error: errorSchema },
      headers: answerHeaders,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A token of register or login' },
        internal: { type: 'http', scheme: 'bearer', description: 'INTERNAL_API_SECRET' },
      },
    },
  };
}

function operation(contract: AnyContract, method: string, route: Route, docs: MessageDocs): Json {
  const request = schemaOf(docs.request.schema, 'input');
  const properties = (request.properties ?? {}) as Record<string, Json>;
  const required = (request.required ?? []) as string[];
  const inPath = [...route.http.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1] as string);
  const reads = isInQuery(route);
  const inQuery = reads ? Object.keys(properties).filter((name) => !inPath.includes(name)) : [];
  const parameter = (name: string, place: string, needed: boolean): Json => ({
    name,
    in: place,
    required: needed,
    schema: properties[name],
  });
  return {
    operationId: `${contract.proto.service}.${method}`,
    tags: [contract.name],
    summary: docs.summary,
    ...security(route.access),
    parameters: [
      ...inPath.map((name) => parameter(name, 'path', true)),
      ...inQuery.map((name) => parameter(name, 'query', required.includes(name))),
      ...Object.entries(docs.headers ?? {}).map(([name, { description, required: needed, example }]) => ({
        name,
        in: 'header',
        description,
        required: needed,
        example,
        schema: { type: 'string' },
      })),
    ],
    ...(reads ? {} : body(docs, request, inPath)),
    responses: responses(route, docs),
  };
}

function pageOperation(page: Page): Json {
  const { operationId, service, summary } = page;
  return { operationId, tags: [service], summary, parameters: [], responses: pageResponses(page) };
}

function security(access: Access): Json {
  if (access === 'public') return {};
  return { security: [{ token: [] }, ...(access === 'token' ? [] : [{ internal: [] }])] };
}

function body(docs: MessageDocs, request: Json, inPath: readonly string[]): Json {
  const schema = docs.rawBody ? schemaOf(docs.rawBody, 'input') : without(request, inPath);
  const properties = (schema.properties ?? schema.oneOf ?? schema.anyOf ?? {}) as object;
  if (Object.keys(properties).length === 0) return {};
  const example = Object.fromEntries(Object.entries(docs.example.request).filter(([name]) => !inPath.includes(name)));
  return { requestBody: { required: true, content: { 'application/json': { schema, example } } } };
}

function without(schema: Json, names: readonly string[]): Json {
  const properties = Object.fromEntries(
    Object.entries((schema.properties ?? {}) as Json).filter(([name]) => !names.includes(name)),
  );
  const required = ((schema.required ?? []) as string[]).filter((name) => !names.includes(name));
  return { ...schema, properties, required };
}

const errorSchema = {
  type: 'object',
  required: ['error', 'code', 'message', 'trace_id'],
  properties: {
    error: { type: 'string', enum: [...new Set(Object.values(kinds).map((kind) => kind.phrase))] },
    code: { type: 'string', description: 'What programs compare' },
    message: { type: 'string' },
    details: {
      type: 'object',
      properties: {
        fields: {
          type: 'array',
          items: { type: 'object', properties: { field: { type: 'string' }, message: { type: 'string' } } },
        },
      },
    },
    trace_id: { type: 'string' },
  },
} as const;
