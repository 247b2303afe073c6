import {
  Server,
  type ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";

export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface GrpcServerOptions {
  /** host:port, or unix:path. */
  readonly address: string;
  readonly credentials: ServerCredentials;
  readonly services: readonly GrpcService[];
}

export interface BoundGrpcServer {
  readonly port: number;
  stop(): void;
}

/** Serves gRPC services on one address. Rejects if it cannot be bound. */
export async function startGrpcServer({ address, credentials, services }: GrpcServerOptions): Promise<BoundGrpcServer> {
  const server = new Server({
    // A proxy that vanished without a word is noticed within a minute.
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.http2.min_ping_interval_without_data_ms": 5000,
    "grpc.max_receive_message_length": 64 * 1024 * 1024,
  });
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return { port, stop: () => server.forceShutdown() };
}
