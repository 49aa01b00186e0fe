import { answerHeaders } from '../contract/answer-headers';
import type { CallDocs } from '../contract/call-docs';
import { type Access, type AnyContract, isInQuery, type Route } from '../contract/contract';
import type { Page } from '../contract/page';
import { ifNoneMatchHeader } from '../contract/request-headers';
import { grpcPath, type RouteTable } from '../contract/route-table';
import { isConditional, pageResponses, responses } from './openapi.responses';
import { type Json, Schemas } from './openapi.schemas';
import { type ProtoMessage, ProtoMessages } from './proto-messages';

const bearer = { type: 'http', scheme: 'bearer' };
const securitySchemes = {
  token: { ...bearer, bearerFormat: 'JWT', description: 'A token of register or login' },
  internal: { ...bearer, description: 'INTERNAL_API_SECRET' },
};
const callers: Readonly<Record<Access, string>> = {
  public: 'Anybody may call it.',
  optional: 'Anybody may call it; whoever presents a token is known by it.',
  token: 'For whoever has a token.',
  player: 'For the player whose data it is, and for administrators.',
  admin: 'For administrators, operators and other processes.',
};
const info = {
  title: 'Aerie',
  summary: 'A self-hosted backend for live online games.',
  description:
    'The same calls are served over gRPC; see the .proto files. Whole numbers are at most 2^53-1, times are RFC 3339 in UTC. In a body, null for what may be left out means that it is left out.',
  contact: { name: 'Whoever runs this server' },
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
};

const parameter = /:([A-Za-z]+)/g;

/**
 * The OpenAPI 3.1 document of the features in this process: names and types of numbers are those of the .proto files, all
 * else comes from the schemas that check the requests. Not zod-openapi: it names a component and tells int32 from int64 only
 * where each zod schema is tagged so by hand, and knows no null for what may be left out of a request alone.
 */
export function openApi(routes: RouteTable, version: string, publicUrl?: string): Json {
  const contracts = routes.contracts.map(({ contract }) => contract);
  const messages = new ProtoMessages(contracts);
  const schemas = new Schemas(messages, contracts);
  const paths: Record<string, Json> = {};
  for (const { contract, docs } of routes.contracts) {
    for (const [method, route] of Object.entries(contract.routes)) {
      const said = docs[method];
      if (!said) continue;
      const [verb = '', path = ''] = route.http.split(' ');
      const template = templateOf(path);
      const call = { contract, method, route, docs: said, ...messages.of(contract, method) };
      const item = paths[template] ?? {};
      item[verb.toLowerCase()] = operation(call, schemas);
      paths[template] = item;
    }
  }
  for (const page of routes.pages) {
    const template = templateOf(page.http.replace('GET ', ''));
    const item = paths[template] ?? {};
    item.get = pageOperation(page, schemas);
    paths[template] = item;
  }
  return {
    openapi: '3.1.0',
    info: { ...info, version },
    servers: [{ url: publicUrl ?? '/' }],
    tags: [...contracts.map(tag), { name: 'app', description: 'What every process serves' }],
    paths,
    components: { schemas: schemas.components, headers: answerHeaders, securitySchemes },
  };
}

/** A path as OpenAPI writes it. */
function templateOf(path: string): string {
  return path.replace(parameter, '{$1}');
}

function inPathOf(http: string): string[] {
  return [...http.matchAll(parameter)].map((match) => match[1] as string);
}

interface Call {
  readonly contract: AnyContract;
  readonly method: string;
  readonly route: Route;
  readonly docs: CallDocs;
  readonly request: ProtoMessage;
  readonly answer: ProtoMessage;
}

function tag({ name, proto }: AnyContract): Json {
  return { name, description: `Over gRPC: ${proto.package}.${proto.service}` };
}

function operation(call: Call, schemas: Schemas): Json {
  const { contract, method, route, docs } = call;
  const inPath = inPathOf(route.http);
  return {
    operationId: `${contract.proto.service}.${method}`,
    tags: [contract.name],
    summary: docs.summary,
    description: `${docs.summary}. ${callers[route.access]} Over gRPC: ${grpcPath(contract, method).slice(1)}`,
    security: security(route.access),
    parameters: [...fieldParameters(call, inPath, schemas), ...headerParameters(call)],
    ...(isInQuery(route) ? {} : body(call, inPath, schemas)),
    responses: responses(call, schemas),
  };
}

function fieldParameters({ route, docs, request }: Call, inPath: readonly string[], schemas: Schemas): Json[] {
  // What is signed is read from headers and body; only the path is part of the message besides.
  if (docs.signedBody && inPath.length === 0) return [];
  const { properties, required } = schemas.fields(docs.request.schema, request);
  const inQuery = isInQuery(route) ? Object.keys(properties).filter((name) => !inPath.includes(name)) : [];
  return [
    ...inPath.map((name) => ({ name, in: 'path', required: true, schema: properties[name] })),
    ...inQuery.map((name) => ({ name, in: 'query', required: required.includes(name), schema: properties[name] })),
  ];
}

function headerParameters({ route, docs }: Call): Json[] {
  const headers = { ...docs.headers, ...(isConditional(route, docs) ? { 'If-None-Match': ifNoneMatchHeader } : {}) };
  return Object.entries(headers).map(([name, { description, required, example, pattern, maxLength }]) => ({
    name,
    in: 'header',
    description,
    required,
    ...(example === undefined ? {} : { example }),
    schema: {
      type: 'string',
      ...(pattern === undefined ? {} : { pattern }),
      ...(maxLength === undefined ? {} : { maxLength }),
    },
  }));
}

function pageOperation(page: Page, schemas: Schemas): Json {
  const { operationId, service, summary, access = 'public', query } = page;
  const { properties, required } = query ? schemas.fields(query) : { properties: {}, required: [] };
  const inPath = inPathOf(page.http).map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const inQuery = Object.entries(properties).map(([name, schema]) => {
    return { name, in: 'query', required: required.includes(name), schema };
  });
  return {
    operationId,
    tags: [service],
    summary,
    description: `${summary}. ${callers[access]}`,
    security: security(access),
    parameters: [...inPath, ...inQuery],
    responses: pageResponses(page, schemas),
  };
}

function security(access: Access): Json[] {
  if (access === 'public') return [];
  const nothing = access === 'optional' ? [{}] : [];
  return [...nothing, { token: [] }, ...(access === 'token' ? [] : [{ internal: [] }])];
}

function body({ route, docs, request }: Call, inPath: readonly string[], schemas: Schemas): Json {
  const schema = docs.signedBody
    ? schemas.plain(docs.signedBody, 'input')
    : schemas.body(docs.request.schema, request, inPath, route.http.startsWith('PATCH '));
  if (!schema) return {};
  const example = Object.fromEntries(Object.entries(docs.example.request).filter(([name]) => !inPath.includes(name)));
  return { requestBody: { required: true, content: { 'application/json': { schema, example } } } };
}
