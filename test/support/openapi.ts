import { request } from 'undici';
import { z } from 'zod';
import type { Route } from '../../src/shared/contract/contract';

// The OpenAPI document as a server gives it out, and what its schemas say of values.

export type Json = Record<string, unknown>;

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: Json;
  readonly example?: string;
  readonly description?: string;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security?: readonly Json[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { content: Record<string, { schema: Json; example: unknown }> };
  readonly responses: Record<
    string,
    { description: string; headers?: Json; content?: Record<string, { schema: Json; example?: unknown }> }
  >;
}

export interface Document {
  readonly openapi: string;
  readonly info: Json;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, Json>; securitySchemes: Record<string, Json> };
}

export async function documentOf(url: string): Promise<Document> {
  return (await (await request(`${url}/docs/openapi.json`)).body.json()) as Document;
}

export function operationIn(document: Document, { http }: Pick<Route, 'http'>): Operation {
  const [verb = '', path = ''] = http.split(' ');
  const found = document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[verb.toLowerCase()];
  if (!found) throw new Error(`${http} is not in the document`);
  return found;
}

/** A schema of the document as one that stands alone. */
export function zodOf({ components }: Document, schema: Json): z.ZodType {
  // A format says what text means; zod would refuse `2026-11-21t10:00:00z` for it, which RFC 3339 has.
  const alone = JSON.stringify({ ...schema, $defs: components.schemas }, (key, value) =>
    key === 'format' && typeof value === 'string' ? undefined : value,
  );
  return z.fromJSONSchema(JSON.parse(alone.replaceAll('#/components/schemas/', '#/$defs/')));
}

export function accepts(document: Document, schema: Json, value: unknown): boolean {
  return zodOf(document, schema).safeParse(value).success;
}

/** Every value of every property called `name`, however deep. */
export function allOf(value: unknown, name: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [...(key === name ? [inner] : []), ...allOf(inner, name)]);
}
