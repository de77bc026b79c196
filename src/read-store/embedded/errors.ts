/** A refusal in MongoDB's own terms: drivers act on `code` and `codeName`. */
export class MongoFailure extends Error {
  override readonly name = 'MongoFailure';
  constructor(
    readonly code: number,
    readonly codeName: string,
    message: string,
    /** Further fields of the reply or write error, such as `keyPattern` and `keyValue`. */
    readonly extra: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

const names = {
  2: 'BadValue',
  9: 'FailedToParse',
  13: 'Unauthorized',
  14: 'TypeMismatch',
  18: 'AuthenticationFailed',
  20: 'IllegalOperation',
  26: 'NamespaceNotFound',
  27: 'IndexNotFound',
  28: 'PathNotViable',
  31: 'UnknownReplWriteConcern',
  40: 'ConflictingUpdateOperators',
  43: 'CursorNotFound',
  48: 'NamespaceExists',
  52: 'DollarPrefixedFieldName',
  54: 'NotSingleValueField',
  56: 'EmptyFieldName',
  59: 'CommandNotFound',
  66: 'ImmutableField',
  67: 'CannotCreateIndex',
  72: 'InvalidOptions',
  73: 'InvalidNamespace',
  76: 'NoReplicationEnabled',
  85: 'IndexOptionsConflict',
  86: 'IndexKeySpecsConflict',
  91: 'ShutdownInProgress',
  115: 'CommandNotSupported',
  123: 'NotAReplicaSet',
  168: 'InvalidPipelineOperator',
  171: 'CannotIndexParallelArrays',
  197: 'InvalidIndexSpecificationOption',
  241: 'ConversionFailure',
  291: 'NoQueryExecutionPlans',
  8000: 'AtlasError',
  10334: 'BSONObjectTooLarge',
} as const;

/** A failure by code; codes without a name in MongoDB's table are called `Location<code>`, as MongoDB does. */
export function failure(code: number, message: string, extra?: Readonly<Record<string, unknown>>): MongoFailure {
  const known: Readonly<Record<number, string>> = names;
  return new MongoFailure(code, known[code] ?? `Location${code}`, message, extra);
}

export const badValue = (message: string): MongoFailure => failure(2, message);
export const failedToParse = (message: string): MongoFailure => failure(9, message);
export const typeMismatch = (message: string): MongoFailure => failure(14, message);
export const notSupported = (message: string): MongoFailure =>
  failure(115, `${message} is not supported by the embedded read store`);
