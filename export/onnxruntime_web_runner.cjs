// Answers requests, one line of JSON each, by an ONNX file in onnxruntime-web, which is WebAssembly.
//
// node onnxruntime_web_runner.cjs MODEL < requests > answers
// A tensor is {"type": "float32", "dims": [2, 3], "data": base64 of its little-endian bytes}.
"use strict";

const { readFileSync } = require("node:fs");
const { createInterface } = require("node:readline");
const ort = require(require.resolve("onnxruntime-web", { paths: [process.cwd()] }));

const ARRAYS = {
  bool: Uint8Array,
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
};

function decoded({ type, dims, data }) {
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  return new ort.Tensor(type, new ARRAYS[type](bytes.buffer), dims);
}

function encoded({ type, dims, data }) {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { type, dims, data: bytes.toString("base64") };
}

function mapped(record, change) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

async function main() {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(readFileSync(process.argv[2]));
  for await (const line of createInterface({ input: process.stdin })) {
    const answers = await session.run(mapped(JSON.parse(line), decoded));
    process.stdout.write(JSON.stringify(mapped(answers, encoded)) + "\n");
  }
}

main().catch((error) => {
  process.stderr.write(`failed: ${error.message}\n`);
  process.exit(1);
});
