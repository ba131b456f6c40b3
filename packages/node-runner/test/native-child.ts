/** Loads libtensorflow with the options of argv[2], prints what native-load.test.ts asks for as one line of JSON. */
import { readdirSync } from "node:fs";
import { stat } from "node:fs/promises";
import { loadNative, type NativeOptions } from "../src/native/load.ts";

const countThreads = (): number => readdirSync("/proc/self/task").length;

// Node starts the threads of its pool at the first use: before the count, not between.
await Promise.all(Array.from({ length: 16 }, () => stat(".")));
const before = countThreads();
const { tf, info } = loadNative(JSON.parse(process.argv[2] ?? "") as NativeOptions);
const a = tf.fill([256, 256], 0.5);
const sum = tf.sum(tf.matMul(a, a)).dataSync()[0];
console.log(JSON.stringify({ info, sum, newThreads: countThreads() - before }));
