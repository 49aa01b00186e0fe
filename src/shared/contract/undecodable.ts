/** Stands for protobuf bytes that could not be decoded: grpc-js would answer those itself, as INTERNAL. */
export const undecodable = Object.freeze({ undecodable: true });
