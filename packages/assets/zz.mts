import {readFileSync} from "fs"; import {gunzipSync} from "zlib";
import { parseWeights } from "./src/weights/read-weights.ts";
import { tinyLayers } from "./test/tiny.ts";
const layers = tinyLayers();
const codes: Record<string, number> = {}; let worst=0; const t0=Date.now();
const [from,to]=[Number(process.argv[2]),Number(process.argv[3])];
for (const name of [process.argv[4]!]) {
const src=gunzipSync(readFileSync(`test/fixtures/weights/${name}.gz`));
for (let seed=from; seed<to; seed++){ 
  let st=seed; const random=(b: number)=>{ st=(Math.imul(st,1103515245)+12345)&0x7fffffff; return (st>>8)%b; };
  const c=Uint8Array.from(src); for(let j=0;j<12;j++) c[random(seed%2?6000:src.length)]=random(256);
  const t=Date.now(); process.stderr.write(`${name} ${seed}\n`);
  try { await parseWeights(c,"x.h5",layers); codes.ok=(codes.ok??0)+1; } catch(e: any){ codes[e.code??String(e)]=(codes[e.code??String(e)]??0)+1; if(!e.code) console.log(e); }
  worst=Math.max(worst,Date.now()-t);
}}
console.log(codes, worst, Date.now()-t0, process.memoryUsage().rss/1e6);
