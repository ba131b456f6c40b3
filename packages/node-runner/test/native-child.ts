/** Loads libtensorflow with the options of argv[2], prints what native-load.test.ts asks for as one line of JSON. */
import { readdirSync } from "node:fs";
import { loadNative, type NativeOptions } from "../src/native/load.ts";

const { tf, info } = loadNative(JSON.parse(process.argv[2] ?? "") as NativeOptions);
const a = tf.fill([256, 256], 0.5);
const sum = tf.sum(tf.matMul(a, a)).dataSync()[0];
console.log(
  JSON.stringify({ info, sum, tasks: readdirSync("/proc/self/task").length, env: process.env.TF_NUM_INTRAOP_THREADS }),
);
