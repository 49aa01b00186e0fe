export type Environment = 'development' | 'staging' | 'production';

/** A secret with the name under which signatures and receipts refer to it. */
export interface NamedKey {
  readonly kid: string;
  readonly secret: Buffer;
}

/** Where a feature answers that does not run in this process. Several addresses of one wire take turns. */
export interface Place {
  /** `grpc://host:port`, or `grpcs://` for TLS. */
  readonly grpc: readonly string[];
  /** `http://host:port`, perhaps with a path that goes before every route, or `https://`. */
  readonly http: readonly string[];
  /** Of 100 calls so many go over gRPC, the rest over HTTP. */
  readonly grpcPercent: number;
}

/** An address, and the features that are said to be there. */
export interface Neighbour {
  readonly address: string;
  readonly features: readonly string[];
}

/** Where traces go, by OpenTelemetry's variables. */
export interface TracingConfig {
  /** Takes OTLP over HTTP. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the traces that begin here so many are recorded, from 0 to 1. */
  readonly ratio: number;
  /** Whoever has called decides, if they say so. */
  readonly parentBased: boolean;
  /** What is said of this process. */
  readonly resource: Readonly<Record<string, string>>;
}

/** The configuration of this process, checked and typed. Read once, at start; see `.env.example`. */
export abstract class Config {
  abstract readonly environment: Environment;
  /** Names of the features that run in this process. */
  abstract readonly modules: readonly string[];
  /** The features to which anything is announced. */
  abstract readonly audience: readonly string[];
  /** Where features answer that run elsewhere, by name; not those of which nobody has told. */
  abstract readonly places: Readonly<Record<string, Place>>;
  /** In how many processes each feature runs, as far as its address tells; the one here is among them. */
  abstract readonly instances: Readonly<Record<string, number>>;
  /** Every address that is told; this process may be at some of them. */
  abstract readonly neighbours: readonly Neighbour[];
  /** Of the package. */
  abstract readonly version: string;
  /** Names of the features elsewhere that this process answers for. */
  abstract readonly expose: readonly string[];
  abstract readonly http: { readonly host: string; readonly port: number; readonly keepAliveMs: number };
  /** All ports that this process listens on. */
  abstract readonly listeners: readonly { readonly variable: string; readonly port: number }[];
  /** How callers reach this process, without a `/` at the end. */
  abstract readonly publicUrl: string | undefined;
  /** The limits of connections, on every wire. */
  abstract readonly limits: {
    readonly connections: number;
    readonly connectionsPerAddress: number;
    readonly requestsPerConnection: number;
    readonly unfinishedBytes: number;
    readonly unfinishedBytesPerConnection: number;
    readonly unreadMs: number;
  };
  abstract readonly grpc: {
    readonly enabled: boolean;
    readonly port: number;
    readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  };
  abstract readonly database: {
    /** The default URL, and the URLs of features that have their own. */
    readonly url: string;
    readonly byFeature: Readonly<Record<string, string>>;
    /** Features with a file of their own beside the SQLite file at `url`, and what it is called after. */
    readonly apart: Readonly<Record<string, string>>;
    readonly poolMin: number;
    readonly poolMax: number;
    /** Of the pool for reads of very many rows. */
    readonly heavyReads: number;
  };
  abstract readonly cacheTtlMs: number;
  /** The Redis of this process, if it has one: `REDIS_URL` of the schema. */
  abstract readonly redisUrl: string | undefined;
  abstract readonly lock: {
    readonly type: 'memory' | 'redis' | 'etcd';
    readonly ttlMs: number;
    readonly waitMs: number;
    /** Independent servers, most of which must agree. */
    readonly redisUrls: readonly string[];
    readonly etcdEndpoints: readonly string[];
  };
  /** `url`: where the broker is; empty for inmem. */
  abstract readonly bus: { readonly kind: 'inmem' | 'redis' | 'sqs' | 'servicebus'; readonly url: string };
  /** Verify events; the first signs. */
  abstract readonly hmacKeys: readonly NamedKey[];
  /** Verify receipts and tickets; the first signs. */
  abstract readonly receiptKeys: readonly NamedKey[];
  /** Verify grants of the waiting room; the first signs. */
  abstract readonly grantKeys: readonly NamedKey[];
  abstract readonly jwt: {
    /** Files of RSA keys; the first signs, all verify. */
    readonly privateKeyFiles: readonly string[];
    readonly publicKeyFiles: readonly string[];
    /** True in development: the first file is made when it is missing. */
    readonly makeKey: boolean;
    readonly ttlMs: number;
  };
  abstract readonly internalSecrets: readonly Buffer[];
  abstract readonly authRequired: boolean;
  /** Whose X-Forwarded-For is believed. */
  abstract readonly trustedProxies: readonly string[];
  /** Empty in development: localhost:3000 and :8080. */
  abstract readonly allowedOrigins: readonly string[];
  abstract readonly shutdown: { readonly drainMs: number; readonly hardMs: number };
  abstract readonly logLevel: string;
  /** Undefined: nothing is recorded. */
  abstract readonly tracing: TracingConfig | undefined;
  /** The settings of features, by their class. */
  abstract readonly settings: ReadonlyMap<unknown, object>;
}
