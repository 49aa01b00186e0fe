import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { validationFailed } from '../errors/common.errors';
import { isDto, parse } from './dto';
import { HttpParts, mergeParts } from './http-parts';
import { undecodable } from './undecodable';

/** The one validation for both wires: whatever is declared as a message class is checked against its schema. */
@Injectable()
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, { metatype }: ArgumentMetadata): unknown {
    if (!isDto(metatype)) return value;
    if (value === undecodable)
      throw validationFailed([{ field: 'body', message: 'is not the message that this call takes' }]);
    return parse(metatype.schema, value instanceof HttpParts ? mergeParts(value, metatype.schema) : value);
  }
}
