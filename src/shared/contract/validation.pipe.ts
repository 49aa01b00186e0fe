import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { validationFailed } from '../errors/common.errors';
import { type Dto, isDto, parse } from './dto';
import { HttpParts, mergeParts } from './http-parts';

/** Stands for protobuf bytes that could not be decoded: grpc-js would answer those itself, as INTERNAL. */
export const undecodable = Object.freeze({ undecodable: true });

/** The one validation for both wires: whatever is declared as a message class is checked against its schema. */
@Injectable()
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, { metatype }: ArgumentMetadata): unknown {
    return isDto(metatype) ? validated(value, metatype) : value;
  }
}

/** For what no pipe sees: messages of a stream, and routes on Fastify itself. @throws AppError validation_failed */
export function validated<T extends object>(value: unknown, dto: Dto<T>): T {
  if (value === undecodable) {
    throw validationFailed([{ field: 'body', message: 'is not the message that this call takes' }]);
  }
  return parse(dto.schema, value instanceof HttpParts ? mergeParts(value, dto.schema) : value);
}
